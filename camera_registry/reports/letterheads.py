"""How each organisation heads and signs its documents (Nghị định 30/2020/NĐ-CP, Phụ lục I)."""

from dataclasses import asdict, replace
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import Letterhead, Unit
from camera_registry.reports.owners import may_see, owner_in
from camera_registry.reports.value import Head
from camera_registry.spelling import written
from camera_registry.units import Scope

LONGEST = {"parent": 200, "body": 200, "symbol": 64, "place": 100, "authority": 200}
LONGEST |= {"signer_title": 200, "signer": 200}
MOST_RECIPIENTS, LONGEST_RECIPIENT = 20, 200  # lines, and characters of each


class LetterheadError(RegistryError):
    """The letterhead cannot be so."""


def save(
    session: Session,
    scope: Scope,
    actor: Actor,
    unit: str,
    head: Head,
    now: datetime,
    day: date,
    *,
    reason: str,
) -> Head:
    """From now on documents of ``unit`` (a uid; ``""``: the city desk) are headed and signed so.

    Returns it as it is kept: blanks tidied, empty lines of recipients gone. The same again changes nothing.
    Raises ``OwnerError``, ``LetterheadError``, ``ReasonError``.
    """
    reason = audit.reason_of(reason)
    kept = _checked(head)
    unit_id = owner_in(session, scope, day, unit)
    row = session.scalar(_of(unit_id).with_for_update())
    before = None if row is None else _head(row)
    if kept == before:
        return kept
    if row is None:
        row = Letterhead(unit_id=unit_id)
        session.add(row)
    for name in LONGEST:
        setattr(row, name, getattr(kept, name))
    row.recipients = "\n".join(kept.recipients)
    row.made_at, row.made_by = now, actor.name
    session.flush()
    detail = {"before": before and asdict(before), "after": asdict(kept)}
    audit.record(
        session, actor, Action.LETTERHEAD_SAVED, f"letterhead:{unit}", now, detail=detail, reason=reason
    )
    return kept


def head_of(session: Session, scope: Scope, unit: str) -> Head:
    """How a document of ``unit`` (a uid; ``""``: the city desk) is headed, by who sees ``scope``.

    Without a letterhead of its own the city desk's, where the city desk asks; else blank, to be filled in.
    """
    found = own(session, unit)
    if found is None and unit and scope.unit_ids is None:
        found = own(session, "")
    return found or Head()


def own(session: Session, unit: str) -> Head | None:
    """The letterhead of this unit (a uid; ``""``: the city desk) itself."""
    unit_id = session.scalar(select(Unit.id).where(Unit.uid == unit)) if unit else None
    if unit and unit_id is None:
        return None
    row = session.scalar(_of(unit_id))
    return None if row is None else _head(row)


def every(session: Session, scope: Scope, day: date) -> list[tuple[str, str, Head]]:
    """Uid and name of each unit in scope that has one (both ``""`` for the city desk), with it; by name."""
    rows = session.execute(
        select(Letterhead, Unit.uid, Unit.name)
        .outerjoin(Unit, Unit.id == Letterhead.unit_id)
        .order_by(Unit.name.asc().nulls_first(), Letterhead.id)
    )
    return [
        (uid or "", name or "", _head(row))
        for row, uid, name in rows
        if may_see(session, scope, day, row.unit_id)
    ]


# --- how it is done ---------------------------------------------------------------------------------


def _of(unit_id: int | None) -> Select[Letterhead]:
    return select(Letterhead).where(
        Letterhead.unit_id.is_(None) if unit_id is None else Letterhead.unit_id == unit_id
    )


def _checked(head: Head) -> Head:
    texts = {name: " ".join(getattr(head, name).split()) for name in LONGEST}
    for name, text in texts.items():
        if len(text) > LONGEST[name] or not text.isprintable():
            raise LetterheadError(N_("The text is longer than {limit} characters."), limit=LONGEST[name])
    lines = tuple(line for each in head.recipients if (line := " ".join(written(each).split())))
    if len(lines) > MOST_RECIPIENTS or any(len(line) > LONGEST_RECIPIENT for line in lines):
        raise LetterheadError(
            N_("There are at most {most} lines of recipients, each of at most {limit} characters."),
            **{"most": MOST_RECIPIENTS, "limit": LONGEST_RECIPIENT},
        )
    return replace(head, **texts, recipients=lines)


def _head(row: Letterhead) -> Head:
    texts = {name: getattr(row, name) for name in LONGEST}
    return Head(**texts, recipients=tuple(row.recipients.splitlines()))
