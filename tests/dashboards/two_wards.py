"""Two wards of which every table has something, to try who sees what: each ward's things bear its marks."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.audit import Action, Actor, record
from camera_registry.inventory import SERIAL_CHANGED
from probes.reasons import Reason
from tests.dashboards.alerted import add_channel, add_message, add_subscription
from tests.dashboards.city import NOW, add_transition, set_state

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
MONTH = date(2026, 10, 1)
COUNTED = (
    *("up", "degraded", "down", "unknown", "maintenance", "not_in_service", "usable", "unusable"),
    *("down_judged", "snapshot_ok", "snapshot_failing", "clock_ok", "clock_failing", "recording_ok"),
    "recording_failing",
)
PICTURE = {"brightness": 99.0, "contrast": 40.0, "sharpness": 0.3}


@dataclass(frozen=True, slots=True)
class Marks:
    """By which a ward's things are known: ``code`` begins their codes, ``word`` stands in their texts."""

    uid: str
    name: str
    code: str
    word: str


OURS = Marks("in-1", "Phường Bên Trong", "TRONG", "QUENTHUOC")
THEIRS = Marks("out-1", "Phường Bên Ngoài", "NGOAI", "BIMAT")


@dataclass(frozen=True, slots=True)
class Ward:
    """The numbers that addresses call a ward's things by."""

    incident: int
    unit_incident: int
    window: int
    other_window: int
    chat: int  # a channel that nothing is told to
    inbox: int
    subscription: int
    message: int  # that was given up
    repair: int  # that waits for money, of the point
    quotation: int  # … and was not chosen
    draft: int  # of a proposal that asks for it
    entry: int  # of the funding ledger, approved
    waits: int  # another, to be approved
    waits_too: int
    waits_still: int
    giver: int  # who gave
    duty: int  # a warranty
    paper: int  # of the repair, of which no copy is kept
    made: int  # a report that waits to be made
    missed: int  # one of a schedule that was cancelled
    schedule: int  # of such reports


def fill_two_wards(session: Session) -> tuple[Ward, Ward]:
    """Ours and theirs, of one province and on one site; and a point of no unit, which nobody's is."""
    province = models.Unit(uid="p-1", code="15", name="Tỉnh Lào Cai", kind="tinh")
    site = models.Site(code="yb")
    closing = models.Closing(month=MONTH, version=0, at=NOW, by="clerk", rules_version=1)
    closing.inputs_hash = closing.figures_hash = "0" * 64
    session.add_all((province, site, closing))
    session.flush()
    session.add(models.Point(code=f"{THEIRS.code}-LOST", name=f"{THEIRS.word} of no unit"))
    desk = add_channel(session, "City desk")
    add_message(session, desk, f"{THEIRS.word} told to the city desk of {THEIRS.code}")
    ours, theirs = (_ward(session, marks, province, site, closing) for marks in (OURS, THEIRS))
    return ours, theirs


def _ward(
    session: Session, marks: Marks, province: models.Unit, site: models.Site, closing: models.Closing
) -> Ward:
    word = marks.word
    unit = models.Unit(uid=marks.uid, code=marks.uid, name=marks.name, kind="phuong", parent_id=province.id)
    point = models.Point(code=f"{marks.code}-P", name=f"{word} point", address=f"{word} street", note=word)
    point.latitude, point.longitude, point.funding = 21.7, 104.9, "socialised"
    session.add_all((unit, point))
    session.flush()
    session.add(models.PointUnit(point_id=point.id, unit_id=unit.id))
    session.add(
        models.Custody(
            point_id=point.id, valid_from=date(2024, 1, 1), manager=f"{word} manager", document=word
        )
    )
    device = models.Device(code=f"{marks.code}-D", point_id=point.id, site_id=site.id, host="127.0.1.1")
    device.manufacturer, device.model, device.serial = f"{word} maker", f"{word} model", f"{word}1"
    session.add(device)
    session.flush()
    up, down, told = (_eye(session, marks, device.id, kind) for kind in ("UP", "DOWN", "TOLD"))
    _eye(session, marks, device.id, "NEW", started_at=None)
    told.reach, told.path = "reported", None
    _seen(session, word, up, down, told)
    _device_changed(session, word, device.id)
    _closed(session, closing.id, unit.id, point.id, up.id)
    for subject in (f"eye:{up.code}", f"point:{point.code}", f"device:{device.code}"):
        actor = Actor(f"{word.lower()}-clerk", "127.0.0.1")
        record(session, actor, Action.CHANGED, subject, NOW, detail={"after": {"note": word}}, reason=word)
    inbox = add_channel(session, f"{word} inbox", unit_id=unit.id)
    repair, quotation, draft = _repair(session, word, point.id, unit.id, down.id)
    return Ward(
        incident=_incident(session, "eye", down.id, down.id, word),
        unit_incident=_incident(session, "unit", unit.id, down.id, word),
        window=_window(session, word, up.id),
        other_window=_window(session, word, up.id),
        chat=add_channel(session, f"{word} chat", "zalo", unit.id, sealed=b"", shown=f"…{word}"),
        inbox=inbox,
        subscription=add_subscription(session, inbox, unit.id),
        message=add_message(session, inbox, f"{word} message of {marks.code}", unit_id=unit.id, state="dead"),
        repair=repair,
        quotation=quotation,
        draft=draft,
        **_money(session, marks, point.id, unit.id, repair),
        **_reported(session, marks, unit.id, repair),
    )


def _money(session: Session, marks: Marks, point: int, unit: int, repair: int) -> dict[str, int]:
    """Entries, approved and waiting, one of them out of a file; who gave; a warranty and an asset record."""
    word = marks.word
    by = {"made_at": NOW - HOUR, "made_by": f"{word} accountant"}
    programme = models.Programme(code=f"{marks.code}-CT", name=f"{word} programme", unit_id=unit, **by)
    giver = models.Contributor(kind="household", name=f"{word} giver", unit_id=unit, **by)
    duty = models.Upkeep(point_id=point, kind="warranty", party=f"{word} shop", document=word, **by)
    asset = models.Asset(point_id=point, number=f"{word} asset", ownership=word, **by)
    session.add_all((programme, giver, duty, asset))
    session.flush()
    numbers = {}
    for name, kind in (
        ("entry", "contribution"),
        ("waits", "contribution"),
        ("waits_too", "contribution"),
        ("waits_still", "expense"),
        ("brought", "contribution"),
    ):
        entry = models.MoneyEntry(
            kind=kind, dated=MONTH, budget_year=MONTH.year, programme_id=programme.id, form="money",
            component="pole", amount=70_000, payee=f"{word} payee", text=f"{word} {name}",
            state="waiting", **by,
        )  # fmt: skip
        entry.contributor_id = giver.id
        entry.repair_id = repair if kind == "expense" else None
        entry.brought_by = f"{marks.code}.xlsx · 2 · " if name == "brought" else ""
        session.add(entry)
        session.flush()
        session.add(models.MoneyShare(entry_id=entry.id, point_id=point, amount=70_000))
        numbers[name] = entry.id
    approved = session.get_one(models.MoneyEntry, numbers["entry"])
    approved.state, approved.decided_at, approved.decided_by = "approved", NOW, f"{word} second person"
    session.flush()
    numbers.pop("brought")
    return numbers | {"giver": giver.id, "duty": duty.id}


def _reported(session: Session, marks: Marks, unit: int, repair: int) -> dict[str, int]:
    """A paper, how letters are headed, a report that somebody waits for, and a schedule of such."""
    by = {"made_at": NOW - HOUR, "made_by": f"{marks.word} officer"}
    asked = {"kind": "uptime", "first": "2026-10-01", "last": "2026-10-31", "unit": marks.uid}
    kind = {"kind": "uptime", "asked": asked, "format": "pdf", "language": "vi", "unit_id": unit}
    paper = models.Document(kind="photo", title=f"{marks.word} photo", **by)
    made = models.MadeReport(**kind, state="waiting", **by)
    schedule = models.ReportSchedule(**kind, every="month", made_until=MONTH, **by)
    session.add_all(
        (paper, made, schedule, models.Letterhead(unit_id=unit, body=f"{marks.word} office", **by))
    )
    session.flush()
    missed = models.MadeReport(**kind, schedule_id=schedule.id, state="cancelled", **by)
    session.add_all((missed, models.DocumentUse(document_id=paper.id, repair_id=repair)))
    session.flush()
    return {"paper": paper.id, "made": made.id, "missed": missed.id, "schedule": schedule.id}


def _repair(session: Session, word: str, point: int, unit: int, eye: int) -> tuple[int, int, int]:
    by = {"made_at": NOW, "made_by": f"{word} officer"}
    repair = models.Repair(
        point_id=point, state="waiting_for_money", component="pole", fault=f"{word} pole", payer="ward",
        grounds=f"{word} decision", opened_at=NOW - HOUR, opened_by=f"{word} officer",
    )  # fmt: skip
    draft = models.Proposal(unit_id=unit, addressee=f"{word} office", title=f"{word} money", **by)
    session.add_all((repair, draft))
    session.flush()
    session.add_all(
        models.RepairStep(repair_id=repair.id, at=NOW - HOUR, state=state, text=f"{word} step", **by)
        for state in ("reported", "waiting_for_money")
    )
    offers = [
        models.Quotation(
            repair_id=repair.id, party=f"{word} shop", amount=amount, dated=MONTH, chosen=chosen, **by
        )
        for amount, chosen in ((5_000_000, False), (4_000_000, True))
    ]
    session.add_all((*offers, models.RepairEye(repair_id=repair.id, eye_id=eye)))
    session.add(models.ProposalRepair(proposal_id=draft.id, repair_id=repair.id))
    session.flush()
    return repair.id, offers[0].id, draft.id


def _eye(session: Session, marks: Marks, device: int, kind: str, **columns: object) -> models.Eye:
    usual = {"path": "/live", "commissioned_at": NOW - YEAR, "started_at": NOW - YEAR}
    eye = models.Eye(code=f"{marks.code}-E-{kind}", device_id=device, **usual | columns)
    eye.name, eye.purpose = f"{marks.word} eye {kind}", f"{marks.word} purpose"
    session.add(eye)
    session.flush()
    return eye


def _seen(session: Session, word: str, up: models.Eye, down: models.Eye, told: models.Eye) -> None:
    began = NOW - HOUR
    set_state(session, up.id, "up", at=began)
    set_state(session, down.id, "down", Reason.TCP_TIMEOUT, began, transcript=f"{word} transcript")
    add_transition(session, up.id, "unknown", "up", Reason.OK, began)
    add_transition(session, down.id, "up", "down", Reason.TCP_TIMEOUT, began)
    finding = models.Finding(eye_id=up.id, reason=Reason.STREAM_OPEN_NO_AUTH, evidence="rtp")
    finding.first_at = finding.last_at = NOW
    said = models.ReportWord(eye_id=told.id, at=NOW, word="working", by=f"{word} head", note=word)
    said.expires_at = NOW + HOUR
    session.add_all(
        (
            models.EyeMeasures(eye_id=up.id, picture_at=NOW, mode="colour", **PICTURE),
            models.EyeSample(eye_id=up.id, at=began, seconds=0.3),
            models.Baseline(eye_id=up.id, mode="colour", edges=b"", samples=20, proposed_at=NOW, **PICTURE),
            models.PictureGrade(eye_id=up.id, at=NOW, grade="good", by=f"{word} grader", note=word),
            finding,
            said,
        )
    )


def _device_changed(session: Session, word: str, device: int) -> None:
    session.add_all(
        (
            models.DeviceFacts(device_id=device, read_at=NOW, model=f"{word} model", firmware=f"{word} v1"),
            models.DeviceEvent(
                device_id=device, at=NOW, kind=SERIAL_CHANGED, before=f"{word}1", after=f"{word}2"
            ),
        )
    )


def _closed(session: Session, closing: int, unit: int, point: int, eye: int) -> None:
    session.add_all(
        (
            models.ClosedFigure(
                **dict.fromkeys(COUNTED, 1_000_000),
                **dict.fromkeys(("outages", "ended_outages", "ended_down", "longest_down", "blips"), 1),
                closing_id=closing,
                eye_id=eye,
                unit_id=unit,
            ),
            models.ClosedPoint(
                closing_id=closing, point_id=point, unit_id=unit, served=1, not_served=0, unknown=0
            ),
        )
    )


def _incident(session: Session, kind: str, ancestor: int, eye: int, word: str) -> int:
    began = NOW - HOUR
    incident = models.Incident(
        kind=kind, ancestor_id=ancestor, started_at=began, announced_at=began, recorded_at=began
    )
    session.add(incident)
    session.flush()
    session.add_all(
        (
            models.IncidentEye(incident_id=incident.id, eye_id=eye, from_at=began),
            models.IncidentNote(
                incident_id=incident.id, kind="comment", at=NOW, by=f"{word} officer", text=word
            ),
        )
    )
    return incident.id


def _window(session: Session, word: str, eye: int) -> int:
    window = models.Maintenance(
        kind="work", from_at=NOW - HOUR, to_at=NOW + HOUR, reason=word, entered_at=NOW, entered_by=word
    )
    session.add(window)
    session.flush()
    session.add(models.MaintenanceScope(maintenance_id=window.id, kind="eye", ref_id=eye))
    session.flush()
    return window.id
