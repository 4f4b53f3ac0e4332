"""The demonstration: a city of 953 eyes, all of them seen, every judgement true, nothing left open."""

from urllib.error import URLError

import orjson
import pytest

from tests.servers import free_port, started
from tests.stories.programs import PROGRAM, Home, read_as

EYES, SECONDS = 953, 60


@pytest.mark.timeout(240)
def test_demonstration(home: Home) -> None:
    address, log = f"http://127.0.0.1:{free_port()}", home.folder / "demo.log"

    folder = home.folder / "demo"
    played = Home(folder, {**home.env, "CAMERA_REGISTRY_DATABASE_URL": f"sqlite:///{folder / 'registry.db'}"})

    def reads(path: str) -> bytes:
        return read_as(played.cookie, f"{address}{path}")

    def shows(_log: str) -> bool:
        try:
            return bool(orjson.loads(read_as("", f"{address}/healthz"))["newest_probe_at"])
        except URLError:
            return False

    words = ["--for", str(SECONDS), "--json", "--port", address.rpartition(":")[2], "--folder", "demo"]
    with started(
        [PROGRAM, "demo", *words], log=log, ready=shows, deadline_s=180, env=home.env, cwd=home.folder
    ) as process:
        assert orjson.loads(reads("/api/v1/totals"))["totals"]["eyes"] == EYES
        assert len(orjson.loads(reads("/api/v1/eyes"))["eyes"]) == EYES
        assert str(EYES) in reads("/").decode()
        code = process.wait(120)
    said = log.read_text()
    assert "Traceback" not in said
    reckoning = orjson.loads(said.splitlines()[-1])
    assert code == 0, reckoning["mismatched"] or reckoning
    for name, wanted in {
        "eyes": EYES,
        "observed": EYES,
        "mismatches": 0,
        "sessions_left_open": 0,
        "by_state": reckoning["expected_by_state"],
    }.items():
        assert reckoning[name] == wanted, (name, reckoning)
    assert sum(reckoning["by_reason"].values()) == EYES
    assert reckoning["probes"] >= EYES
