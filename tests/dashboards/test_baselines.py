"""The page of baselines: what waits, and a decision that only our own pages can send."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from camera_registry import models
from camera_registry.db import Database
from tests.camera_registry.registries import fresh
from tests.dashboards.city import NOW
from tests.dashboards.serving import make_web, signed_in

OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """E1 has a baseline that waits, a weak place, a grade, measures, and a device that is another one."""
    database, _ = fresh(database_url, 1)
    with database.transaction() as session:
        eye = session.scalars(select(models.Eye)).one()
        session.add_all(
            [
                models.Baseline(
                    eye_id=eye.id, mode="colour", brightness=118.0, contrast=40.0, sharpness=0.21,
                    edges=b"\x01" * 8, samples=24, proposed_at=NOW,
                ),
                models.Finding(
                    eye_id=eye.id, reason="SNAPSHOT_OPEN_NO_AUTH", evidence="image", first_at=NOW, last_at=NOW
                ),
                models.PictureGrade(eye_id=eye.id, at=NOW, grade="unclear", by="An", note="<lá> che"),
                models.EyeMeasures(
                    eye_id=eye.id, picture_at=NOW, mode="colour", brightness=118.2, sharpness=0.213,
                    similarity=0.87, clock_at=NOW, clock_offset_s=-3.4, recorded_at=NOW, recorded_days=12.5,
                ),
                models.DeviceEvent(
                    device_id=eye.device_id, at=NOW, kind="serial_changed", before="A1", after="B2"
                ),
            ]
        )  # fmt: skip
    yield database
    database.close()


@pytest.fixture
def client(database: Database) -> TestClient:
    return signed_in(make_web(database))


def test_the_page_of_an_eye_tells_what_is_known_of_it(client: TestClient) -> None:
    html = client.get("/eyes/E1").text
    for text in (
        "Điểm yếu về bảo mật",
        "Không rõ nét",
        "&lt;lá&gt; che",
        "/registry/devices",
        "chờ duyệt",
    ):
        assert text in html


@pytest.mark.parametrize(
    ("decision", "approved", "withdrawn", "action"),
    [
        pytest.param("approve", True, False, "baseline_approved", id="approve"),
        pytest.param("reject", False, True, "baseline_rejected", id="reject"),
    ],
)
def test_a_person_decides(
    client: TestClient, database: Database, decision: str, approved: bool, withdrawn: bool, action: str
) -> None:
    assert "/eyes/E1" in client.get("/baselines").text
    form = {"eye": "E1", "mode": "colour", "decision": decision}
    done = client.post("/baselines", data=form, headers=OWN)
    assert (done.status_code, "E1" in done.text, done.headers["Cache-Control"]) == (200, True, "no-store")
    assert client.post("/baselines", data=form, headers=OWN).status_code == 409, "decided already"
    with database.reading() as session:
        row = session.scalars(select(models.Baseline)).one()
        assert (row.approved_at is not None, row.withdrawn_at is not None) == (approved, withdrawn)
        audited = session.scalars(select(models.Audit)).one()
        assert (audited.action, audited.origin, audited.subject) == (action, "127.0.0.1", "eye:E1")
    back = client.post("/baselines/undo", data={"eye": "E1", "mode": "colour"}, headers=OWN)
    assert (back.status_code, "lại chờ duyệt" in back.text) == (200, True)
    with database.reading() as session:
        row = session.scalars(select(models.Baseline)).one()
        assert (row.approved_at, row.approved_by, row.withdrawn_at) == (None, "", None)
    again = client.post("/baselines/undo", data={"eye": "E1", "mode": "colour"}, headers=OWN)
    assert again.status_code == 409, "there is nothing more to take back"


def test_a_slip_of_long_ago_stays(database: Database) -> None:
    clock = [NOW]
    client = signed_in(make_web(database, now=lambda: clock[0]))
    client.post("/baselines", data={"eye": "E1", "mode": "colour", "decision": "approve"}, headers=OWN)
    clock[0] += timedelta(minutes=16)
    late = client.post("/baselines/undo", data={"eye": "E1", "mode": "colour"}, headers=OWN)
    assert late.status_code == 409


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Sec-Fetch-Site": "cross-site"}, 403, id="another site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, 403, id="another port"),
        pytest.param({"Sec-Fetch-Site": "none"}, 403, id="typed"),
        pytest.param({"Origin": "http://evil.example"}, 403, id="another origin, an old browser"),
        pytest.param({"Origin": "null"}, 403, id="an origin that says nothing"),
        pytest.param({}, 403, id="no word on where from"),
        pytest.param({"Origin": "http://localhost"}, 200, id="own origin, an old browser"),
        pytest.param(OWN | {"Origin": "null"}, 200, id="own page"),
    ],
)
def test_only_our_own_pages_decide(
    client: TestClient, database: Database, headers: dict[str, str], status: int
) -> None:
    form = {"eye": "E1", "mode": "colour", "decision": "approve"}
    client.headers.pop("Sec-Fetch-Site")
    assert client.post("/baselines", data=form, headers=headers).status_code == status
    with database.reading() as session:
        decided = session.scalars(select(models.Audit)).all()
    assert bool(decided) == (status == 200)


def test_a_live_picture_is_asked_for_by_our_page_alone_and_written_down(database: Database) -> None:
    def look(code: str) -> bytes:
        return b"\xff\xd8 of " + code.encode()

    web = make_web(database, look=look)
    client = signed_in(web)
    assert "live.jpg" not in client.get("/baselines").text, "only on demand"
    assert "/eyes/E1/live.jpg" in client.get("/baselines?at=E1/colour&show=1").text
    assert client.get("/eyes/E1/live.jpg", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    seen = client.get("/eyes/E1/live.jpg", headers=OWN)
    assert (seen.content, seen.headers["Content-Type"]) == (b"\xff\xd8 of E1", "image/jpeg")
    assert seen.headers["Cache-Control"] == "no-store"
    assert client.get("/eyes/E404/live.jpg", headers=OWN).status_code == 404
    with database.reading() as session:
        audited = session.scalars(select(models.Audit)).one()
        assert (audited.action, audited.subject) == ("picture_viewed", "eye:E1")
