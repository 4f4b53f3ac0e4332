"""What the audit keeps of an import: the file, each thing that it made or changed, and whose login it set."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor, Change
from camera_registry.imports.difference import Difference, Kind
from camera_registry.models import Credential

LONGEST_NAME = 150  # characters of a file's name that are kept


def record_import(
    session: Session, actor: Actor, name: str, found: Difference, now: datetime, reason: str = ""
) -> None:
    """Write down, after it is written, that ``actor`` imported the file ``name`` at ``now``, and why."""
    counts = {
        str(kind): {
            "new": len(found.of(kind, new=True)),
            "changed": len(found.of(kind, new=False)),
            "same": found.same[kind],
        }
        for kind in Kind
    }
    subject = f"file:{name[:LONGEST_NAME]}"
    audit.record(session, actor, Action.IMPORTED, subject, now, detail=counts, reason=reason)
    record_things(session, actor, found, now, reason)


def record_things(session: Session, actor: Actor, found: Difference, now: datetime, reason: str = "") -> None:
    """Write down, after it is written, what was made and changed at ``now``."""
    changes = [Change(f"site:{code}", None, {"code": code}) for code in found.sites]
    for line in found.lines:
        before = None if line.new else {cell.field: cell.before for cell in line.cells}
        changes.append(
            Change(f"{line.kind}:{line.code}", before, {cell.field: cell.after for cell in line.cells})
        )
    audit.record_changes(session, actor, changes, now, reason)
    sealed = set(session.scalars(select(Credential.name).where(Credential.changed_at == now)))
    for login in found.logins:
        if login in sealed:
            audit.record(session, actor, Action.CREDENTIAL_SAVED, f"credential:{login}", now, reason=reason)
    for line in found.of(Kind.EYE, new=True) + found.of(Kind.EYE, new=False):
        if any(cell.field == "access_withdrawn" for cell in line.cells):
            audit.record(session, actor, Action.ACCESS_WITHDRAWN, f"eye:{line.code}", now, reason=reason)
