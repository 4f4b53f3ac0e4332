"""What is known of the security of devices: what probes proved, firmware, certificates, shared logins.

Passwords, their names and addresses in the network stand in no report: whoever reads it learns where to look,
not how to get in. That a default password was changed is recorded nowhere, and that is said.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from camera_registry.credentials import Sets
from camera_registry.deeds import CHANGES, EVIDENCE
from camera_registry.facts import Change
from camera_registry.findings import EXPOSURES, Evidence
from camera_registry.i18n import N_, Language
from camera_registry.models import Credential, Device, DeviceEvent, DeviceFacts, Eye, Finding
from camera_registry.reports.asked import Asked
from camera_registry.reports.ground import Ground, Place, stand
from camera_registry.reports.value import Facts, Measure, Report, Table, Text, Value
from camera_registry.units import Scope
from camera_registry.words import REASONS
from probes.reasons import Reason

CERTIFIED_FROM: Final = date(2026, 1, 1)  # QCVN 135:2024/BTTTT binds devices imported or made from then on

GROUNDS = (
    N_("QCVN 135:2024/BTTTT, issued with Circular 21/2024/TT-BTTTT of 31/12/2024"),
    N_("Directive 23/CT-TTg of 26/12/2022"),
)


@dataclass(frozen=True, slots=True)
class _Device:
    """A device. ``changed_on``: when its firmware was last seen to be another; ``login``: the id of a set."""

    place: Place
    code: str
    manufacturer: str
    model: str
    firmware: str
    read_on: date | None
    changed_on: date | None
    imported_on: date | None
    certificate: str
    login: int | None


@dataclass(frozen=True, slots=True)
class _Finding:
    place: Place
    eye: str
    reason: Reason
    evidence: Evidence
    first_at: datetime
    last_at: datetime
    gone_at: datetime | None


def build(
    session: Session, scope: Scope, asked: Asked, now: datetime, zone: tzinfo, language: Language
) -> Report:
    """What was open at any time of the period, and how devices stand. Raises ``AskedError``."""
    ground = stand(session, scope, asked, now, zone, language)
    devices, findings = _devices(ground), _findings(ground)
    return ground.report(
        N_("Report on the security of cameras"),
        (
            _totals(ground, devices, findings),
            _exposed(ground, findings),
            _others(ground, findings),
            _firmware(ground, devices),
            _changes(ground),
            _certificates(ground, devices),
            _not_recorded(ground),
        ),
        grounds=GROUNDS,
        wide=True,
    )


# --- how it is done ---------------------------------------------------------------------------------


def _devices(ground: Ground) -> list[_Device]:
    in_use = select(Eye.device_id).where(or_(Eye.retired_at.is_(None), Eye.retired_at > ground.span.end))
    rows = ground.session.execute(
        select(Device, DeviceFacts.read_at)
        .outerjoin(DeviceFacts, DeviceFacts.device_id == Device.id)
        .where(Device.id.in_(in_use))
        .order_by(Device.code)
    )
    changed = dict(
        ground.session.execute(
            select(DeviceEvent.device_id, DeviceEvent.at)
            .where(DeviceEvent.kind == Change.FIRMWARE, DeviceEvent.at <= ground.span.end)
            .order_by(DeviceEvent.at)
        ).all()
    )  # the newest stays

    def day(at: datetime | None) -> date | None:
        return None if at is None else at.astimezone(ground.zone).date()

    sets = Sets(ground.session.scalars(select(Credential)))

    def login(device: Device) -> int | None:
        served = sets.of(device.credential_id, device.site_id, device.manufacturer)
        return None if served is None else served.id

    return [
        _Device(
            place=ground.places[device.point_id],
            code=device.code,
            manufacturer=device.manufacturer,
            model=device.model,
            firmware=device.firmware,
            read_on=day(read_at),
            changed_on=day(changed.get(device.id)),
            imported_on=device.imported_on,
            certificate=device.certificate,
            login=login(device),
        )
        for device, read_at in rows
        if device.point_id in ground.places
    ]


def _findings(ground: Ground) -> list[_Finding]:
    """Those open at any time of the period; of an eye whose access was withdrawn none."""
    rows = ground.session.execute(
        select(Finding, Eye.code, Device.point_id)
        .join(Eye, Finding.eye_id == Eye.id)
        .join(Device, Eye.device_id == Device.id)
        .where(
            Eye.access_withdrawn_at.is_(None),
            Finding.first_at < ground.span.end,
            or_(Finding.gone_at.is_(None), Finding.gone_at >= ground.span.start),
        )
        .order_by(Finding.first_at, Eye.code, Finding.reason)
    )
    return [
        _Finding(
            *(ground.places[point_id], eye, Reason(row.reason), Evidence(row.evidence)),
            *(row.first_at, row.last_at, row.gone_at),
        )
        for row, eye, point_id in rows
        if point_id in ground.places
    ]


def _open(findings: Sequence[_Finding], end: datetime) -> list[_Finding]:
    return [each for each in findings if each.gone_at is None or each.gone_at >= end]


def _totals(ground: Ground, devices: Sequence[_Device], findings: Sequence[_Finding]) -> Facts:
    still = _open(findings, ground.span.end)
    exposed = {each.eye for each in still if each.evidence in EXPOSURES}
    logins = Counter(device.login for device in devices if device.login is not None)
    shared = sum(count for count in logins.values() if count > 1)
    counted = [
        ("devices", N_("Devices"), len(devices), ""),
        (
            "exposed",
            N_("Eyes that anybody on the network can see"),
            len(exposed),
            N_("At the end of the period."),
        ),
        (
            "open",
            N_("Findings that are open"),
            len(still),
            N_("At the end of the period."),
        ),
        (
            "gone",
            N_("Findings mended in the period"),
            len(findings) - len(still),
            N_("A probe that would have seen it did not."),
        ),
        (
            "firmware_unknown",
            N_("Devices of unknown firmware"),
            sum(not each.firmware for each in devices),
            "",
        ),
        (
            "certificate_missing",
            N_("Devices that need a certificate of conformity and have none recorded"),
            sum(_lacks_certificate(each) for each in devices),
            N_("Imported or bought from 01/01/2026 on; of others none is asked."),
        ),
        (
            "login_shared",
            N_("Devices whose password others have, too"),
            shared,
            N_("By the sets of logins that are recorded here."),
        ),
    ]
    return ground.facts(
        "totals",
        N_("Together"),
        (ground.fact(key, title, count, Measure.COUNT, note) for key, title, count, note in counted),
    )


def _listed(ground: Ground, key: str, title: str, findings: Sequence[_Finding], note: str) -> Table:
    columns = (
        ground.column("number", N_("#"), Measure.COUNT, 0.5),
        ground.column("eye", N_("Eye"), weight=1.5),
        ground.column("point", N_("Point"), weight=2),
        ground.column("unit", N_("Administrative unit"), weight=1.5),
        ground.column("finding", N_("Finding"), weight=3),
        ground.column("evidence", N_("Evidence"), weight=2),
        ground.column("first", N_("First seen"), Measure.MOMENT, 1.2),
        ground.column("last", N_("Last seen"), Measure.MOMENT, 1.2),
        ground.column("gone", N_("Mended"), Measure.MOMENT, 1.2),
    )
    rows = [
        (
            *(number, each.eye, each.place.name, each.place.unit, ground.say(REASONS[each.reason])),
            *(ground.say(EVIDENCE[each.evidence]), each.first_at, each.last_at, each.gone_at),
        )
        for number, each in enumerate(findings, 1)
    ]
    return ground.table(key, title, columns, rows, notes=(note,))


def _exposed(ground: Ground, findings: Sequence[_Finding]) -> Table:
    return _listed(
        ground,
        "exposures",
        N_("Can be seen without a password"),
        [each for each in findings if each.evidence in EXPOSURES],
        N_("Proved by a probe that sent no password. Mend these first."),
    )


def _others(ground: Ground, findings: Sequence[_Finding]) -> Table:
    return _listed(
        ground,
        "findings",
        N_("Other findings"),
        [each for each in findings if each.evidence not in EXPOSURES],
        N_("A finding is no fault of the picture: the eye may work well."),
    )


def _firmware(ground: Ground, devices: Sequence[_Device]) -> Table:
    columns = (
        ground.column("manufacturer", N_("Manufacturer")),
        ground.column("model", N_("Model"), weight=1.5),
        ground.column("firmware", N_("Firmware"), weight=2),
        ground.column("devices", N_("Devices"), Measure.COUNT, 0.7),
        ground.column("read", N_("Read last on"), Measure.DAY),
        ground.column("changed", N_("Changed last on"), Measure.DAY),
        ground.column("others", N_("Devices of this model with another"), Measure.COUNT),
    )
    of_model = Counter((each.manufacturer, each.model) for each in devices)
    groups: dict[tuple[str, str, str], list[_Device]] = {}
    for device in sorted(devices, key=lambda each: (each.manufacturer, each.model, each.firmware)):
        groups.setdefault((device.manufacturer, device.model, device.firmware), []).append(device)
    rows: list[tuple[Value, ...]] = []
    for (manufacturer, model, firmware), group in groups.items():
        read = [each.read_on for each in group if each.read_on]
        changed = [each.changed_on for each in group if each.changed_on]
        others = of_model[manufacturer, model] - len(group) if model else None
        rows.append(
            (
                *(manufacturer, model, firmware or None, len(group)),
                *(max(read, default=None), max(changed, default=None), others),
            )
        )
    return ground.table(
        "firmware",
        N_("Firmware"),
        columns,
        rows,
        notes=(
            N_(
                "Which firmware is the newest is known to the manufacturer alone: where devices of one model "
                "have several, the others are to be brought forward."
            ),
        ),
    )


def _changes(ground: Ground) -> Table:
    """What devices were found to have become in the period."""
    columns = (
        ground.column("at", N_("When"), Measure.MOMENT),
        ground.column("device", N_("Device"), weight=1.5),
        ground.column("point", N_("Point"), weight=2),
        ground.column("change", N_("Change"), weight=2),
        ground.column("before", N_("Before"), weight=1.5),
        ground.column("after", N_("After"), weight=1.5),
        ground.column("confirmed", N_("Confirmed"), Measure.MOMENT),
    )
    rows = ground.session.execute(
        select(DeviceEvent, Device.code, Device.point_id)
        .join(Device, DeviceEvent.device_id == Device.id)
        .where(DeviceEvent.at >= ground.span.start, DeviceEvent.at < ground.span.end)
        .order_by(DeviceEvent.at, DeviceEvent.id)
    )
    return ground.table(
        "changes",
        N_("Devices that are not what they were"),
        columns,
        (
            (
                *(event.at, code, ground.places[point_id].name, ground.say(CHANGES[Change(event.kind)])),
                *(event.before, event.after, event.confirmed_at),
            )
            for event, code, point_id in rows
            if point_id in ground.places
        ),
        notes=(
            N_(
                "Another serial number is another device: its eyes are not asked before somebody confirms it."
            ),
        ),
    )


def _lacks_certificate(device: _Device) -> bool:
    return device.imported_on is not None and device.imported_on >= CERTIFIED_FROM and not device.certificate


def _certificates(ground: Ground, devices: Sequence[_Device]) -> Table:
    """How devices stand to the rule that binds from 2026 on; whoever is not bound violates nothing."""
    columns = (
        ground.column("standing", N_("Certificate of conformity (QCVN 135:2024/BTTTT)"), weight=4),
        ground.column("devices", N_("Devices"), Measure.COUNT),
    )
    standings = Counter(_standing(device) for device in devices)
    rows = [(ground.say(standing), standings[standing]) for standing in STANDINGS]
    return ground.table(
        "certificates", N_("Certificates"), columns, rows, (ground.say(N_("Together")), len(devices))
    )


RECORDED = N_("Recorded")
LACKING = N_("Needed, and not recorded")
NOT_BOUND = N_("Imported or bought before 2026: not bound by it")
NO_DAY = N_("Day of import or purchase not recorded")
STANDINGS = (RECORDED, LACKING, NOT_BOUND, NO_DAY)


def _standing(device: _Device) -> str:
    if device.certificate:
        return RECORDED
    if device.imported_on is None:
        return NO_DAY
    return LACKING if device.imported_on >= CERTIFIED_FROM else NOT_BOUND


def _not_recorded(ground: Ground) -> Text:
    return Text(
        "limits",
        ground.say(N_("What this report does not know")),
        (
            ground.say(
                N_(
                    "Whether a device still has the password that it was delivered with is not tried out "
                    "(trying locks accounts) and not recorded. The rule asks for one of each device's own."
                )
            ),
            ground.say(
                N_("Known vulnerabilities of a firmware are not looked up: no question leaves this network.")
            ),
        ),
    )
