"""Pictures that a point's record says to keep: sealed, each view written down, gone when they expire.

Without such a record no picture outlives the probe that saw it.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.credentials import CredentialStore
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import Device, Eye, KeptPicture, Point

EVERY = timedelta(hours=1)  # one picture of an eye, at most
MOST_BYTES = 8 * 1024 * 1024  # what a snapshot may have


class PictureError(RegistryError):
    """A picture is not there, or may not be kept."""


def keep_picture(
    session: Session, store: CredentialStore, eye: Eye, picture: bytes, at: datetime, now: datetime
) -> bool:
    """Keep a picture taken at ``at`` where the eye's point says so, one an hour at most. Whether it was kept.

    Never of an eye whose access was withdrawn. Raises ``PictureError`` for one that is too large, and
    ``CredentialError`` where the key is missing.
    """
    days = session.scalar(
        select(Point.keep_pictures_days)
        .join(Device, Device.point_id == Point.id)
        .where(Device.id == eye.device_id)
    )
    if days is None or eye.access_withdrawn_at is not None or at + timedelta(days=days) <= now:
        return False
    if len(picture) > MOST_BYTES:
        raise PictureError(N_("A picture of more than {limit} MB is not kept."), limit=MOST_BYTES >> 20)
    newest = session.scalar(select(func.max(KeptPicture.at)).where(KeptPicture.eye_id == eye.id))
    if newest is not None and at - newest < EVERY:
        return False
    row = KeptPicture(eye_id=eye.id, at=at, expires_at=at + timedelta(days=days))
    row.sealed = store.seal(_label(row), picture)
    session.add(row)
    session.flush()
    return True


def view_picture(
    session: Session, store: CredentialStore, picture_id: int, actor: Actor, now: datetime, reason: str = ""
) -> bytes:
    """A kept picture in clear, and the view of it written down.

    Raises ``PictureError`` where there is none or it has expired, ``CredentialError`` where it does not open.
    """
    row = session.get(KeptPicture, picture_id)
    if row is None or row.expires_at <= now:
        raise PictureError(N_("There is no such picture any more."))
    code = session.get_one(Eye, row.eye_id).code
    detail = {"picture": row.id, "taken_at": row.at.isoformat()}
    audit.record(session, actor, Action.PICTURE_VIEWED, f"eye:{code}", now, detail=detail, reason=reason)
    return store.unseal(_label(row), row.sealed)


def reseal(session: Session, store: CredentialStore) -> int:
    """Seal every kept picture anew with the newest key; returns how many. One that does not open stops it."""
    ids = session.scalars(select(KeptPicture.id)).all()
    for picture_id in ids:
        row = session.get_one(KeptPicture, picture_id)
        row.sealed = store.seal(_label(row), store.unseal(_label(row), row.sealed))
        session.flush()
        session.expunge(row)  # one at a time in memory
    return len(ids)


def forget_expired(session: Session, now: datetime) -> int:
    """Delete the pictures whose time is over; returns how many."""
    gone = delete(KeptPicture).where(KeptPicture.expires_at <= now).returning(KeptPicture.id)
    return len(session.execute(gone).all())


def _label(row: KeptPicture) -> str:
    return f"picture {row.eye_id} {row.at.isoformat()}"
