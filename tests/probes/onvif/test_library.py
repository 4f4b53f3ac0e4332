"""onvif-zeep-async at arm's length: what it must not do to us, and what we say where it is not itself."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

STORY = """
import asyncio, logging, os, time
from probes.onvif import library

class Carrier:
    async def post_xml(self, address, envelope, headers):
        return address, headers["Content-Type"]

async def main():
    ticks = 0
    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.005)
    ticking = asyncio.create_task(tick())
    first = await library.service("devicemgmt", "/d", Carrier())
    many = await asyncio.gather(*(library.service("media", "/m", Carrier()) for _ in range(50)))
    ticking.cancel()
    print(*await many[49]["GetProfiles"]())
    print("ticks", ticks >= 5)
    print("root", logging.getLogger().handlers, logging.getLogger().level)
    print("proxy", os.environ["http_proxy"])
    began = time.process_time()
    for _ in range(100):
        await library.service("media", "/m", Carrier())
    print("further", time.process_time() - began < 1)

asyncio.run(main())
"""


def _run(story: str, *, path: Path | None = None) -> str:
    """The story in a process of its own, in which ``path`` comes first among the packages."""
    words = [str(path)] if path else []
    done = subprocess.run(
        [sys.executable, "-c", story],
        env={"PYTHONPATH": ":".join([*words, str(ROOT)]), "http_proxy": "http://proxy.test"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr.strip().rpartition("\n")[2]


def test_its_side_effects_stay_outside() -> None:
    assert _run(STORY).splitlines() == [
        '/m application/soap+xml; charset=utf-8; action="http://www.onvif.org/ver10/media/wsdl/GetProfiles"',
        "ticks True",  # F030
        "root [] 30",  # F007
        "proxy http://proxy.test",
        "further True",  # F003
    ]


@pytest.mark.parametrize(
    ("module", "said"),
    [
        pytest.param("", "another package than onvif-zeep-async", id="F002_another_package"),
        pytest.param(
            "ZeepAsyncClient = None\n_WSDL_PATH = '/nowhere'\nSERVICES = {'media': {'wsdl': 'media.wsdl'}}",
            "has no media.wsdl",
            id="F001_no_wsdl",
        ),
    ],
)
def test_a_broken_installation_is_our_fault_and_no_camera_s(tmp_path: Path, module: str, said: str) -> None:
    (tmp_path / "onvif").mkdir()
    (tmp_path / "onvif" / "__init__.py").touch()
    (tmp_path / "onvif" / "client.py").write_text(module, encoding="utf-8")
    story = "import asyncio; from probes.onvif import library\n"
    story += "asyncio.run(library.service('media', '/', None))"
    answer = _run(story, path=tmp_path)
    assert "MONITOR_MISCONFIGURED" in answer
    assert said in answer
