"""What rules watch besides the eyes: incidents by unit, sites, messages, the database; nothing that went."""

import subprocess
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from camera_registry import gauges, models
from camera_registry.census import SitePulse
from camera_registry.db import Database
from camera_registry.gauges import Away
from camera_registry.incidents import Kind
from tests.camera_registry.test_metrics import Samples, samples
from tests.dashboards.city import NOW, add_eye, add_point, add_wards

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NAM_CUONG, AU_LAU = ("Phường Nam Cường", "04273"), ("Phường Âu Lâu", "04543")
LABELS = {NAM_CUONG: "Phường Nam Cường", AU_LAU: 'Phường "Âu Lâu"'}


def told(database: Database) -> Samples:
    with database.reading() as session:
        read = gauges.read(session, ZONE, NOW)
    return samples(gauges.lines(read, LABELS, [SitePulse("yb", "", 40, 3, NOW)]))


def add_incident(session: Session, kind: Kind, away: dict[int, bool], **columns: Any) -> None:
    """Of these eyes (ids), each still away or back; open for an hour unless ``columns`` say otherwise."""
    begun = NOW - timedelta(hours=1)
    usual = {"ancestor_id": 1, "started_at": begun, "announced_at": begun, "recorded_at": begun}
    members = [
        models.IncidentEye(eye_id=eye, from_at=begun, to_at=None if still else NOW)
        for eye, still in away.items()
    ]
    session.add(models.Incident(kind=kind, members=members, **{**usual, **columns}))
    session.flush()


def add_message(session: Session, channel: int, name: str, state: str, minutes: int) -> None:
    moment = NOW - timedelta(minutes=minutes)
    session.add(
        models.Message(
            channel_id=channel, occasion=name, kind="opened", made_at=moment, due_at=moment,
            title="", text="", told={}, state=state,
        )
    )  # fmt: skip


def test_incidents_count_where_they_keep_eyes_away(database: Database) -> None:
    with database.transaction() as session:
        wards = add_wards(session)
        market, bridge = add_point(session, "NC1", wards.tuy_loc), add_point(session, "AL1", wards.hop_minh)
        one, two = add_eye(session, market, "NC1-1"), add_eye(session, market, "NC1-2")
        other = add_eye(session, bridge, "AL1-1")
        add_incident(session, Kind.UNIT, {one: True, two: True})
        add_incident(session, Kind.SITE, {one: True, two: False, other: True})
        add_incident(session, Kind.EYE, {other: True}, ended_at=NOW)
        add_incident(session, Kind.EYE, {other: True}, withdrawn_at=NOW)
        add_incident(session, Kind.EYE, {other: True}, announced_at=NOW + timedelta(minutes=1))
    with database.reading() as session:
        away = gauges.read(session, ZONE, NOW).away

    assert away == {
        (NAM_CUONG, Kind.UNIT): Away(1, 2),
        (NAM_CUONG, Kind.SITE): Away(1, 1),
        (AU_LAU, Kind.SITE): Away(1, 1),
    }
    found = told(database)
    assert found["unit_eyes_away", (("kind", "unit"), ("unit", "Phường Nam Cường"))] == 2
    assert found["unit_incidents", (("kind", "site"), ("unit", 'Phường "Âu Lâu"'))] == 1
    assert found["unit_incidents", (("kind", "eye"), ("unit", 'Phường "Âu Lâu"'))] == 0


def test_sites_are_told_once_they_are_watched(database: Database) -> None:
    with database.transaction() as session:
        watched = [models.Site(code=code) for code in ("heard", "lost")]
        session.add_all((*watched, models.Site(code="never")))
        session.flush()
        for site, seconds in zip(watched, (5, 600), strict=True):
            at = NOW - timedelta(seconds=seconds)
            session.add(models.Heartbeat(site_id=site.id, from_at=at, to_at=at, every_s=10))

    found = told(database)

    lost = {labels: value for (name, labels), value in found.items() if name == "camera_registry_site_lost"}
    assert lost == {(("site", "heard"),): 0, (("site", "lost"),): 1}
    heard = found["camera_registry_site_heard_timestamp_seconds", (("site", "lost"),)]
    assert heard == NOW.timestamp() - 600
    assert found["camera_registry_eyes_overdue", (("site", "yb"),)] == 3
    assert found["camera_registry_eyes_waiting", (("site", "yb"),)] == 40


def test_messages_that_did_not_arrive(database: Database) -> None:
    with database.transaction() as session:
        channels = [
            models.AlertChannel(
                name=name, kind="email", language="vi", made_at=NOW, made_by="t",
                failing_since=failing, stopped_at=stopped, sealed=None if name == "inbox" else b"sealed",
            )
            for name, failing, stopped in (
                ("a", None, None), ("b", NOW, None), ("c", NOW, NOW), ("inbox", None, None)
            )
        ]  # fmt: skip
        session.add_all(channels)
        session.flush()
        for n, (state, minutes) in enumerate(
            (("waiting", 3), ("waiting", 9), ("held", 60), ("dead", 90), ("sent", 99))
        ):
            add_message(session, channels[0].id, f"incident:{n}", state, minutes)
        session.add(models.AlertCursor(began_at=NOW, at=NOW - timedelta(seconds=7)))
    found = told(database)

    by_state = {
        dict(labels)["state"]: n for (name, labels), n in found.items() if name == "camera_registry_messages"
    }
    assert by_state == {"waiting": 2, "held": 1, "dead": 1}
    assert found["camera_registry_message_oldest_due_timestamp_seconds", ()] == NOW.timestamp() - 540
    assert found["camera_registry_alerts_routed_timestamp_seconds", ()] == NOW.timestamp() - 7
    counted = [found["camera_registry_channels", (("state", state),)] for state in ("working", "failing")]
    assert counted == [1, 1], "without what was stopped, or has no address"


@pytest.mark.parametrize("absent", ["message_oldest_due", "alerts_routed", "results_written", "site_lost"])
def test_what_there_is_not_has_no_number(database: Database, absent: str) -> None:
    found = told(database)

    assert not [name for name, _ in found if absent in name]
    assert found["camera_registry_database_bytes", ()] > 10_000
    assert (("camera_registry_database_free_bytes", ()) in found) == database.sqlite


def test_promtool_has_nothing_against_it(database: Database) -> None:
    with database.reading() as session:
        text = gauges.lines(gauges.read(session, ZONE, NOW), LABELS, [SitePulse("yb", "", 40, 3, NOW)])

    subprocess.run(["promtool", "check", "metrics"], input=text, check=True)
