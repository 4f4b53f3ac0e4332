"""A small registry in which something of everything has happened, and what is told of it: see ``live``.

Two days of results over the end of August 2026, judged, gathered into incidents, rolled up and closed; and
people who handled, corrected, signed in and left.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import closings, custody, figures, handling, incident_book, models, outages, rollups
from camera_registry import maintenance as windows
from camera_registry.alerts.rules import WARD_RULES, to_json
from camera_registry.audit import Actor
from camera_registry.auth import users
from camera_registry.auth.roles import Role
from camera_registry.auth.users import Seeing
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.figures import Group
from camera_registry.ingest import Ingest, rules
from camera_registry.maintenance import Cover, ScopeKind
from camera_registry.periods import month_of
from camera_registry.settings import load
from camera_registry.units import Scope
from camera_registry.uptime import Span
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Verdict
from tests.camera_registry.towns import Town, found

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
AUGUST = date(2026, 8, 1)
BEGIN = datetime(2026, 8, 31, tzinfo=ZONE).astimezone(UTC)
NOW = datetime(2026, 9, 8, 12, tzinfo=ZONE).astimezone(UTC)
EVERY = timedelta(minutes=20)
PROBES = 144  # of each eye: two days
BATCH = 24  # of each delivered together: eight hours
LATENESS = timedelta(days=7)
EVERYTHING = Scope.everything()
AN = Actor("an", "cli", "1234567890abcdef")

# Which of an eye's probes do not end well, and why: P2 and P3 are out together over midnight.
FAULTS: Mapping[str, tuple[range, Reason]] = {
    "E1": (range(30, 40), Reason.TCP_TIMEOUT),
    "E2": (range(90, 95), Reason.AUTH_REJECTED),
    "E3": (range(68, 80), Reason.TCP_TIMEOUT),
    "E4": (range(68, 80), Reason.TCP_TIMEOUT),
    "E5": (range(68, 80), Reason.TCP_TIMEOUT),
    "E6": (range(68, 81), Reason.TCP_TIMEOUT),
}


SEPTEMBER = {"kind": "uptime", "first": "2026-09-01", "last": "2026-09-30"}  # what a report is asked


def live(url: str, folder: Path) -> None:
    """Fill the migrated, empty database of ``url``; the key of its logins comes into ``folder``."""
    database = Database(url)
    with database.transaction() as session:
        town = found(session, [2, 1, 3])
        _furnish(session, town, CredentialStore(load(data_dir=folder, database_url=url)))
    _judge(database)
    incident_book.fold(database, ZONE, NOW)
    with database.transaction() as session:
        _handle(session, town)
    incident_book.fold(database, ZONE, NOW)
    with database.transaction() as session:
        closings.close(session, AN, AUGUST, NOW, ZONE, lateness=LATENESS)
    rollups.make(database, ZONE, NOW)
    with database.transaction() as session:
        _let_in(session, town)
        _measure(session, town)
        _alert(session, town)
        _mend(session, town)
        _pay(session, town)
        _print(session, town)
    database.close()


def told(database: Database) -> dict[str, Any]:
    """What is told of it: rows, figures, the closed month, incidents, who may sign in. As JSON has it."""
    with database.reading() as session:
        september = month_of(date(2026, 9, 1), ZONE)
        closed = closings.frozen(session, AUGUST)
        assert closed is not None
        return {
            "rows": _rows(session),
            "august": _figures(session, Group.EYE, month_of(AUGUST, ZONE)),
            "september": _figures(session, Group.UNIT, september),
            "points": _figures(session, Group.POINT, september),
            "closed": {"figures": closed.heading.figures_hash, "intact": closings.intact(closed)},
            "incidents": sorted(
                [row.kind, row.code, row.started_at.isoformat(), row.ended_at and row.ended_at.isoformat()]
                for row in outages.incidents(session, EVERYTHING, NOW, ZONE)
            ),
            "users": [[row.name, row.role, row.everywhere] for row in users.listed(session, EVERYTHING)],
        }


def judge(database: Database, now: datetime = NOW) -> Ingest:
    return Ingest(database, rules(), lambda: now)


def _furnish(session: Session, town: Town, store: CredentialStore) -> None:
    for eye in session.scalars(select(models.Eye)):
        eye.commissioned_at = eye.started_at = BEGIN - timedelta(days=3)
    store.prepare(session)
    store.put(session, "cameras", "monitor", "only for loopback", now=BEGIN, site=town.site)
    session.add_all(
        (
            models.UnitSuccessor(unit_id=town.units["A"], successor_id=town.units["B"]),
            models.Suspension(eye_id=town.eyes["E2"], from_at=BEGIN, to_at=BEGIN + EVERY, reason="Dời cột"),
            models.Instability(
                eye_id=town.eyes["E1"], check="stream", at=BEGIN + EVERY / 2, reason="TCP_REFUSED"
            ),
            models.ColumnMapping(header="so mat", field="eyes"),
            models.Heartbeat(site_id=town.site, from_at=BEGIN, to_at=NOW, every_s=10.0),
            models.DevicePace(device_id=town.devices["D1"], probe_s=0.4, effective_interval_s=60.0),
            models.DeviceEvent(
                device_id=town.devices["D1"], at=BEGIN, kind="firmware_changed", before="V5.5", after="V5.7"
            ),
            models.DeviceFacts(device_id=town.devices["D1"], read_at=BEGIN, model="DS-2CD", channels=[1, 2]),
        )
    )
    custody.set_custody(session, AN, "P1", "UBND phường A", date(2026, 1, 1), NOW, ZONE, electricity="Tổ 5")


def _judge(database: Database) -> None:
    for first in range(0, PROBES, BATCH):
        heard = BEGIN + EVERY * (first + BATCH)
        judge(database, heard).deliver(f"batch {first}", list(_results(range(first, first + BATCH))))
    judge(database).tick(NOW)


def _results(numbers: range) -> Iterable[ProbeResult]:
    for n in numbers:
        for eye, (failing, reason) in FAULTS.items():
            outcome = Outcome.FAILING if n in failing else Outcome.OK
            verdict = Verdict(
                Check.STREAM, outcome, reason if n in failing else Reason.OK, EVERY.total_seconds()
            )
            yield ProbeResult(eye, BEGIN + EVERY * n, Depth.LIVENESS, 0.5, (verdict,), Memory())


def _handle(session: Session, town: Town) -> None:
    worst = outages.incidents(session, EVERYTHING, NOW, ZONE)[0]
    handling.acknowledge(session, AN, NOW, worst)
    handling.comment(session, AN, NOW, worst, "Đã gọi điện lực")
    windows.enter(
        *(session, AN, NOW, ZONE),
        kind=windows.Kind.WORK,
        span=Span(BEGIN + EVERY * 32, BEGIN + EVERY * 34),
        covers=[Cover(ScopeKind.EYE, town.eyes["E1"])],
        reason="Thay cột",
    )


def _let_in(session: Session, town: Town) -> None:
    users.add(session, AN, EVERYTHING, NOW, "an", Role.ADMINISTRATOR, Seeing(True, frozenset()))
    ward = Seeing(False, frozenset({town.units["A"]}))
    hoa = users.add(session, AN, EVERYTHING, NOW, "hoa", Role.WARD_OFFICER, ward, "Chị Hoa")
    until = NOW + timedelta(days=1)
    session.add_all(
        (
            models.WebSession(
                token_hash="0" * 64, user_id=hoa.id, begun_at=NOW, seen_at=NOW, expires_at=until, origin="::1"
            ),
            models.SignInLink(token_hash="1" * 64, user_id=hoa.id, made_at=NOW, expires_at=until),
            models.SignInFailure(key="name:hoa", failures=2, last_at=NOW),
            models.ApiToken(
                user_id=hoa.id,
                name="Prometheus",
                token_hash="2" * 64,
                permissions=["view"],
                made_at=NOW,
                expires_at=until,
            ),
        )
    )


def _alert(session: Session, town: Town) -> None:
    """Somebody was told over a channel, opened the link, and wrote back."""
    channel = models.AlertChannel(
        name="Zalo phường A", kind="zalo", unit_id=town.units["A"], language="vi", made_at=NOW, made_by="an"
    )
    session.add_all((channel, models.AlertCursor(began_at=BEGIN, at=NOW)))
    session.flush()
    subscription = models.Subscription(
        channel_id=channel.id,
        unit_id=town.units["A"],
        rules=to_json(WARD_RULES),
        made_at=NOW,
        made_by="an",
    )
    session.add(subscription)
    session.flush()
    incident = session.scalars(select(models.Incident.id).order_by(models.Incident.id)).first()
    message = models.Message(
        channel_id=channel.id, subscription_id=subscription.id, occasion=f"incident:{incident}",
        kind="opened", incident_id=incident, unit_id=town.units["A"], made_at=NOW, due_at=NOW,
        title="P3: 3/3 mắt", text="Mất hình từ 22:40.", told={"point": "P3"}, state="sent", sent_at=NOW,
    )  # fmt: skip
    session.add(message)
    session.flush()
    until = NOW + timedelta(days=3)
    session.add_all(
        (
            models.IncidentLink(
                token_hash="3" * 64,
                message_id=message.id,
                incident_id=incident,
                made_at=NOW,
                expires_at=until,
            ),
            models.LinkCode(code_hash="4" * 64, channel_id=channel.id, made_at=NOW, expires_at=until),
            models.Reply(key="update-1", channel_id=channel.id, at=NOW, text="NHAN P3", answer="Đã ghi."),
            models.Courier(site_id=town.site, machine="5" * 32, heard_at=NOW),
        )
    )


def _mend(session: Session, town: Town) -> None:
    """Something of a point is broken, somebody asks money for it, and a proposal was sent."""
    by = {"made_at": NOW, "made_by": "an"}
    incident = session.scalars(select(models.Incident.id).order_by(models.Incident.id)).first()
    repair = models.Repair(
        point_id=town.points["P3"], incident_id=incident, state="waiting_for_money", component="pole",
        fault="Cột nghiêng", payer="ward", grounds="BB 02", opened_at=BEGIN, opened_by="hoa",
    )  # fmt: skip
    proposal = models.Proposal(
        unit_id=town.units["A"],
        addressee="UBND phường A",
        title="Sửa cột",
        sent_on=NOW.date(),
        number="05",
        **by,
    )
    paper = models.Document(kind="quotation", number="BG 01", dated=NOW.date(), issuer="Cửa hàng", **by)
    session.add_all((repair, proposal, paper))
    session.flush()
    for state in ("reported", "waiting_for_money"):
        session.add(models.RepairStep(repair_id=repair.id, at=BEGIN, state=state, made_at=NOW, made_by="hoa"))
    session.add_all(
        (
            models.RepairEye(repair_id=repair.id, eye_id=town.eyes["E4"]),
            models.Quotation(
                repair_id=repair.id,
                party="Cửa hàng",
                amount=3_000_000,
                dated=NOW.date(),
                document_id=paper.id,
                chosen=True,
                **by,
            ),
            models.ProposalRepair(
                proposal_id=proposal.id, repair_id=repair.id, amount=3_000_000, missing="decision"
            ),
            models.DocumentUse(document_id=paper.id, repair_id=repair.id),
        )
    )
    session.flush()


def _pay(session: Session, town: Town) -> None:
    """A programme, who gave what to it, what was spent, and an entry that reverses another."""
    by = {"made_at": NOW, "made_by": "an"}
    programme = models.Programme(code="CT-2026", name="Camera an ninh 2026", unit_id=town.units["A"], **by)
    giver = models.Contributor(kind="business", name="Cửa hàng số 5", unit_id=town.units["A"], **by)
    session.add_all((programme, giver))
    session.flush()
    mistaken = None
    for kind, amount, parts in (
        ("contribution", 5_000_000, {"P1": 2_000_000, "P2": 3_000_000}),
        ("contribution", None, {"P1": None}),
        ("expense", 1_000_000, {"P1": 1_000_000}),
        ("expense", -1_000_000, {"P1": -1_000_000}),
    ):
        entry = models.MoneyEntry(
            kind=kind, dated=NOW.date(), budget_year=2026, programme_id=programme.id,
            form="money", amount=amount,
            contributor_id=giver.id if kind == "contribution" else None,
            component="camera" if kind == "expense" else "",
            reverses_id=mistaken if (amount or 0) < 0 else None,
            state="approved", decided_at=NOW, decided_by="hoa", **by,
        )  # fmt: skip
        session.add(entry)
        session.flush()
        mistaken = entry.id
        for point, part in parts.items():
            session.add(models.MoneyShare(entry_id=entry.id, point_id=town.points[point], amount=part))
    session.add_all(
        (
            models.Upkeep(
                point_id=town.points["P1"], kind="warranty", party="Cửa hàng", valid_to=NOW.date(), **by
            ),
            models.Asset(point_id=town.points["P1"], number="TS-01", cost=12_000_000, **by),
        )
    )
    session.flush()


def _print(session: Session, town: Town) -> None:
    """A report is made each month, and one was."""
    by = {"made_at": NOW, "made_by": "an"}
    schedule = models.ReportSchedule(
        kind="uptime",
        asked=SEPTEMBER,
        format="pdf",
        language="vi",
        every="month",
        unit_id=town.units["A"],
        **by,
    )
    session.add_all((schedule, models.Letterhead(unit_id=town.units["A"], body="Công an phường A", **by)))
    session.flush()
    session.add(
        models.MadeReport(
            schedule_id=schedule.id,
            kind="uptime",
            asked=SEPTEMBER,
            format="pdf",
            language="vi",
            state="cancelled",
            unit_id=town.units["A"],
            ended_at=NOW,
            name="uptime.pdf",
            **by,
        )
    )
    session.flush()


def _measure(session: Session, town: Town) -> None:
    """What only cameras with pictures leave behind, and what people say of them."""
    eye = town.eyes["E1"]
    seen = {"mode": "colour", "brightness": 90.5, "contrast": 40.0, "sharpness": 0.3, "edges": b"\x00\xff"}
    session.add_all(
        (
            models.EyeMeasures(eye_id=eye, picture_at=BEGIN, brightness=90.5),
            models.EyeSample(eye_id=eye, at=BEGIN, seconds=0.2, sharpness=0.3),
            models.PictureSample(eye_id=eye, at=BEGIN, **seen),
            models.Baseline(eye_id=eye, samples=20, proposed_at=BEGIN, approved_by="an", **seen),
            models.Finding(
                eye_id=eye,
                reason="STREAM_OPEN_NO_AUTH",
                evidence="rtp",
                first_at=BEGIN,
                last_at=BEGIN + EVERY,
            ),
            models.PictureGrade(eye_id=eye, at=NOW, grade="good", by="hoa"),
            models.ReportWord(eye_id=eye, at=NOW, word="working", by="Tổ trưởng", expires_at=NOW + LATENESS),
            models.KeptPicture(eye_id=eye, at=NOW, sealed=b"sealed", expires_at=NOW + LATENESS),
            models.LoginBudget(
                site="S1", device="127.0.0.1:554", credential="1.1", status="good", accepted_at=BEGIN
            ),
            models.Rollout(site_id=town.site, requested_at=BEGIN, asked=6, started=6, ended_at=BEGIN + EVERY),
        )
    )


def _rows(session: Session) -> dict[str, int]:
    tables = [t for t in models.Base.metadata.sorted_tables if not t.name.endswith("_version")]
    counts = {str(t.name): session.scalar(select(func.count()).select_from(t)) or 0 for t in tables}
    return {name: count for name, count in sorted(counts.items()) if count}


def _figures(session: Session, group: Group, within: Span) -> dict[str, dict[str, int]]:
    day = within.end.astimezone(ZONE).date() - timedelta(days=1)
    every = figures.availability(session, EVERYTHING, NOW, ZONE, within, group, day)
    return {each.key: {name: n for name, n in asdict(each.tally).items() if n} for each in every}
