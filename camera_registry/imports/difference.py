"""What an import would change, thing by thing and cell by cell: for a person to look at before it is written.

Read from a plan in the session that the plan was made in; nothing is written, and no login is told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from camera_registry.i18n import NN_
from camera_registry.imports.plan import DeviceDraft, EyeDraft, Plan, PointDraft
from camera_registry.imports.write import point_values

MOVED = NN_(
    "{count} device gets another address: its login is used there from now on, and Basic, which sends the "
    "password in clear, is not allowed there.",
    "{count} devices get another address: their logins are used there from now on, and Basic, which sends "
    "the password in clear, is not allowed there.",
)
LEFT_OFF = NN_(
    "Of {count} device ({codes}) the file allows Basic, which sends the password in clear, and the registry "
    "does not: it stays off. Whoever wants it edits the device.",
    "Of {count} devices ({codes}) the file allows Basic, which sends the password in clear, and the registry "
    "does not: it stays off. Whoever wants it edits the devices.",
)
MOST_CODES = 20  # said at once

AnyDraft = PointDraft | DeviceDraft | EyeDraft

# Columns of the tables whose field in an inventory is called otherwise, by kind.
_POINT_FIELDS = {"name": "point_name", "required_days": "point_required_days"}
_EYE_FIELDS = {"name": "eye_name", "commissioned_at": "commissioned", "retired_at": "retired"}


class Kind(StrEnum):
    """Of what a line speaks."""

    POINT = "point"
    DEVICE = "device"
    EYE = "eye"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value that changes. ``field`` is that of ``imports.columns``; a new thing has nothing before."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Line:
    """A thing that is new, or known and changed; ``sheet`` and ``row`` are where the file first says so."""

    kind: Kind
    code: str
    new: bool
    sheet: str
    row: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The registry after the import, against the registry now.

    ``sites`` are the codes of new ones. ``logins`` are the names of the sets of which the file gives login
    data. ``unnamed`` are the codes of eyes in use at the points of the file that it does not name: nothing is
    ever removed by a file. ``left_off`` are the codes of known devices that the file, but not the registry,
    allows Basic; importing leaves that so.
    """

    lines: tuple[Line, ...]
    same: Mapping[Kind, int]
    sites: tuple[str, ...]
    logins: tuple[str, ...]
    unnamed: tuple[str, ...]
    left_off: tuple[str, ...]

    def of(self, kind: Kind, *, new: bool) -> list[Line]:
        return [line for line in self.lines if line.kind is kind and line.new == new]

    @property
    def moved(self) -> tuple[str, ...]:
        """The codes of known devices that get another address, and take their login there."""
        return tuple(
            line.code
            for line in self.of(Kind.DEVICE, new=False)
            if any(cell.field in ("host", "site") and cell.before is not None for cell in line.cells)
        )


def difference(plan: Plan) -> Difference:
    """What writing ``plan`` would change."""
    lines: list[Line] = []
    same = dict.fromkeys(Kind, 0)
    for kind, draft, cells in _drafts(plan):
        new = draft.existing is None
        if new or cells:
            lines.append(Line(kind, draft.code, new, draft.row.sheet, draft.row.number, cells))
        else:
            same[kind] += 1
    devices = [device for point in plan.points for device in point.devices]
    sites = {device.site for device in devices} - plan.known.sites.keys()
    return Difference(
        tuple(lines),
        same,
        tuple(sorted(sites)),
        tuple(sorted(plan.logins)),
        tuple(_unnamed(plan)),
        tuple(device.code for device in devices if device.basic_left_off),
    )


def listed(codes: Sequence[str]) -> str:
    """The first of them, for a sentence."""
    return ", ".join(codes[:MOST_CODES]) + (", …" if len(codes) > MOST_CODES else "")


def _drafts(plan: Plan) -> Iterator[tuple[Kind, AnyDraft, tuple[Cell, ...]]]:
    for point in plan.points:
        yield Kind.POINT, point, tuple(_point(plan, point))
        for device in point.devices:
            yield Kind.DEVICE, device, tuple(_device(plan, device))
            for eye in device.eyes:
                yield Kind.EYE, eye, tuple(_eye(plan, eye))


def _point(plan: Plan, draft: PointDraft) -> Iterable[Cell]:
    yield from _columns(draft.existing, point_values(draft), _POINT_FIELDS)
    if draft.unit is None:
        return
    tree = plan.known.tree
    membership = None if draft.existing is None else plan.known.memberships.get(draft.existing.id)
    if membership is None:
        yield Cell("unit", None, draft.unit.name)
    elif not tree.same_place(membership.unit_id, draft.unit.id):
        yield Cell("unit", tree.units[membership.unit_id].name, draft.unit.name)


def _device(plan: Plan, draft: DeviceDraft) -> Iterable[Cell]:
    existing = draft.existing
    yield from _columns(existing, draft.values, {})
    names = plan.known.credential_names
    before = {
        "point_code": existing and plan.known.points[existing.point_id].code,
        "site": existing and plan.known.site_codes[existing.site_id],
        "credential": existing and names.get(existing.credential_id or 0),
        "onvif_credential": existing and names.get(existing.onvif_credential_id or 0),
    }
    after = {
        "point_code": draft.point.code,
        "site": draft.site,
        "credential": draft.credential,
        "onvif_credential": draft.onvif_credential,
    }
    yield from _cells(before, after)


def _eye(plan: Plan, draft: EyeDraft) -> Iterable[Cell]:
    existing = draft.existing
    yield from _columns(existing, draft.values, _EYE_FIELDS)
    of = existing and plan.known.devices[existing.device_id].code
    yield from _cells({"device_code": of}, {"device_code": draft.device.code})
    if draft.withdrawn_on is not None and getattr(existing, "access_withdrawn_at", None) is None:
        yield Cell("access_withdrawn", None, draft.withdrawn_on)


def _columns(existing: Any, values: Mapping[str, Any], fields: Mapping[str, str]) -> Iterator[Cell]:
    before = {name: getattr(existing, name, None) for name in values}
    return _cells(before, values, fields)


def _cells(
    before: Mapping[str, Any], after: Mapping[str, Any], fields: Mapping[str, str] | None = None
) -> Iterator[Cell]:
    """Where they differ; what a file leaves blank stays as it is."""
    for name, value in after.items():
        if value is not None and before[name] != value:
            yield Cell((fields or {}).get(name, name), before[name], value)


def _unnamed(plan: Plan) -> Iterator[str]:
    named = {
        eye.existing.id
        for point in plan.points
        for device in point.devices
        for eye in device.eyes
        if eye.existing is not None
    }
    for point in plan.points:
        if point.existing is None:
            continue
        for device in plan.known.devices_at.get(point.existing.id, ()):
            for eye in plan.known.eyes_of.get(device.id, ()):
                if eye.id not in named and eye.retired_at is None:
                    yield eye.code
