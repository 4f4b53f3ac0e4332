"""A person changes points, devices and eyes: what would change is shown, then done at once and together.

One request, one reason; of each thing its own row in the audit. What was shown is what is done: if anything
of it has changed in between, nothing is done and it is shown anew.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Actor
from camera_registry.editing import checks, fields
from camera_registry.editing.checks import Change, Changed, Refused
from camera_registry.editing.fields import BY_SLUG, SUSPENDED_FROM, SUSPENDED_UNTIL, Field, FieldFault
from camera_registry.editing.selection import EditError, Selection, Thing, suspensions
from camera_registry.i18n import N_
from camera_registry.imports.difference import Kind
from camera_registry.imports.faults import Fault
from camera_registry.models import Device, Eye, Suspension
from camera_registry.moving import EARLIEST, touched_months
from camera_registry.periods import midnight

DAYS_COUNTED = ("commissioned", "retired", SUSPENDED_FROM, SUSPENDED_UNTIL, "access_until")
COUNTED = ("reach", "k")  # have no history: what is open is counted anew by them


class Caution(StrEnum):
    """What somebody should think of before changing this."""

    LOGIN_FOLLOWS = "login_follows"
    NO_LONGER_ASKED = "no_longer_asked"


CAUTIONS: Mapping[Caution, str] = {
    Caution.LOGIN_FOLLOWS: N_("The login of the device will be used at its new address."),
    Caution.NO_LONGER_ASKED: N_("Eyes out of service are not probed and are part of no figure."),
}


@dataclass(frozen=True, slots=True)
class Preview:
    """What would change. ``seen`` stands for all of it; handed back, it says what a person has seen.

    ``others``: eyes that were not chosen and hang on a device or point that changes. ``closed`` are closed
    months (their first days) that are touched and keep their figures.
    """

    changed: Sequence[Changed]
    refused: Sequence[Refused]
    others: int
    closed: Sequence[date]
    cautions: Sequence[Caution]
    seen: str

    @property
    def counts(self) -> dict[Kind, int]:
        found = [each.thing.kind for each in self.changed]
        return {kind: found.count(kind) for kind in Kind if kind in found}


def preview(
    session: Session, selection: Selection, wished: Mapping[str, str], now: datetime, zone: tzinfo
) -> Preview:
    """What would become of the selection if each field of ``wished`` held what was typed for it."""
    today = now.astimezone(zone).date()
    values: dict[str, Any] = {}
    refused: list[Refused] = []
    open_fields = {field.slug for field in selection.fields()}
    for slug, text in wished.items():
        if slug not in open_fields:
            raise EditError(N_("This cannot be changed of what was chosen."))
        try:
            values[slug] = _read(selection, BY_SLUG[slug], text, today)
        except FieldFault as fault:
            refused.append(Refused(slug, "", fault))
    changed = [
        found for kind in Kind for thing in selection.things[kind] if (found := _changed(thing, values))
    ]
    if not refused:
        refused = list(checks.faults(session, selection, changed))
    return Preview(
        changed,
        refused,
        _others(session, selection, changed, now),
        _closed(session, changed, now, zone),
        tuple(_cautions(changed)),
        _seen(changed),
    )


def apply(
    session: Session,
    actor: Actor,
    selection: Selection,
    wished: Mapping[str, str],
    seen: str,
    reason: str,
    now: datetime,
    zone: tzinfo,
) -> Preview:
    """Change the selection (taken with ``lock``) as a person has seen it.

    Raises ``ReasonError`` without a reason, and ``EditError`` where something is refused, where nothing would
    change, and where it would not change as was seen.
    """
    reason = audit.reason_of(reason)
    found = preview(session, selection, wished, now, zone)
    if found.seen != seen:
        raise EditError(N_("Something has changed since you looked. Look again; nothing was changed yet."))
    if found.refused:
        raise EditError(N_("Some of it cannot be. Nothing was changed."))
    if not found.changed:
        raise EditError(N_("It is so already. Nothing was changed."))
    sites = {site.code: site.id for site in selection.sites}
    for each in found.changed:
        _write(session, each, sites, now, zone, reason)
    session.flush()
    told = (
        audit.Change(
            f"{each.thing.kind}:{each.thing.code}",
            {change.field.slug: change.before for change in each.changes},
            {change.field.slug: change.after for change in each.changes},
        )
        for each in found.changed
    )
    audit.record_changes(session, actor, told, now, reason)
    return found


# --- how it is done -----------------------------------------------------------------------------------


def _read(selection: Selection, field: Field, text: str, today: date) -> Any:
    found = fields.read(field, text, today)
    if field.slug == "site" and found not in {site.code for site in selection.sites}:
        raise FieldFault.of(Fault.SITE_UNKNOWN, text=found)
    return found


def _changed(thing: Thing, values: Mapping[str, Any]) -> Changed | None:
    if thing.kind is Kind.DEVICE and any(
        values.get(slug, thing.values[slug]) != thing.values[slug] for slug in ("host", "site")
    ):
        # Basic, the password in clear, was allowed the machine at the address of before.
        values = {**values, "basic_allowed": values.get("basic_allowed", False)}
    changes = [
        Change(BY_SLUG[slug], thing.values[slug], value)
        for slug, value in values.items()
        if BY_SLUG[slug].kind is thing.kind and thing.values[slug] != value
    ]
    return Changed(thing, changes) if changes else None


def _seen(changed: Sequence[Changed]) -> str:
    lines = [
        [each.thing.kind, each.thing.code, *([c.field.slug, c.before, c.after] for c in each.changes)]
        for each in changed
    ]
    return hashlib.sha256(orjson.dumps(lines)).hexdigest()


# --- what should be thought of ------------------------------------------------------------------------


def _others(session: Session, selection: Selection, changed: Sequence[Changed], now: datetime) -> int:
    """Eyes in use that were not chosen, at the devices and points that would change."""
    devices = [each.thing.row.id for each in changed if each.thing.kind is Kind.DEVICE]
    points = [each.thing.row.id for each in changed if each.thing.kind is Kind.POINT]
    chosen = [thing.row.id for thing in selection.things[Kind.EYE]]
    others = (
        select(func.count())
        .select_from(Eye)
        .join(Device, Eye.device_id == Device.id)
        .where(
            or_(Device.id.in_(devices), Device.point_id.in_(points)),
            Eye.id.not_in(chosen),
            or_(Eye.retired_at.is_(None), Eye.retired_at > now),
        )
    )
    return session.scalar(others) or 0


def _closed(session: Session, changed: Sequence[Changed], now: datetime, zone: tzinfo) -> Sequence[date]:
    """The closed months whose figures would be others if they were counted today."""
    touched: list[date] = []
    for change in (change for each in changed for change in each.changes):
        if change.field.slug in COUNTED:
            touched.append(EARLIEST)
        elif change.field.slug in DAYS_COUNTED:
            touched += [day for day in (change.before, change.after) if day is not None]
            if change.field.slug == "commissioned" and None in (change.before, change.after):
                touched.append(EARLIEST)  # no day: since before the records
    return touched_months(session, min(touched), None, now, zone) if touched else ()


def _cautions(changed: Sequence[Changed]) -> Iterator[Caution]:
    told = {change.field.slug: change.after for each in changed for change in each.changes}
    if told.keys() & {"host", "port", "site"}:
        yield Caution.LOGIN_FOLLOWS
    if told.get("retired") is not None or told.get(SUSPENDED_FROM) is not None:
        yield Caution.NO_LONGER_ASKED


# --- writing ------------------------------------------------------------------------------------------


def _write(
    session: Session, changed: Changed, sites: Mapping[str, int], now: datetime, zone: tzinfo, reason: str
) -> None:
    row = changed.thing.row
    values = {change.field.slug: change.after for change in changed.changes}
    if values.keys() & {SUSPENDED_FROM, SUSPENDED_UNTIL}:
        assert isinstance(row, Eye)
        _suspend(session, row, changed.thing.values, values, now, zone, reason)
    for change in changed.changes:
        if change.field.slug == "site":
            setattr(row, change.field.column, sites[change.after])
        elif change.field.slug in ("commissioned", "retired"):
            setattr(row, change.field.column, change.after and midnight(change.after, zone))
        elif change.field.column:
            setattr(row, change.field.column, change.after)


def _suspend(
    session: Session,
    eye: Eye,
    before: Mapping[str, Any],
    values: Mapping[str, Any],
    now: datetime,
    zone: tzinfo,
    reason: str,
) -> None:
    """Begin, move, end or take back the suspension that has not ended."""
    first, until = ({**before, **values}[slug] for slug in (SUSPENDED_FROM, SUSPENDED_UNTIL))
    row = suspensions(session, [eye], now).get(eye.id)
    if first is None:
        if row is not None:
            session.delete(row)
        return
    if row is None:
        row = Suspension(eye_id=eye.id, from_at=midnight(first, zone), reason=reason[:300])
        session.add(row)
    elif SUSPENDED_FROM in values:
        row.from_at = midnight(first, zone)
    row.to_at = until and midnight(until, zone)
