"""The login states in the database: what a process that asks eyes begins with, and writes down."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.db import Database
from camera_registry.login_book import Save
from probes import logins
from probes.logins import LoginState, Status
from probes.result import LoginKey


def no_try_before(session: Session, site: str, device: str, now: datetime) -> datetime | None:
    """Until when no password is sent to a device (``host:port`` of its RTSP); ``None`` where one may be.

    Either the device has refused one, or what it is asked with was stopped everywhere.
    """
    row = models.LoginBudget
    here = (row.site == site) & (row.device == device)
    same = select(row.credential).where(here)
    everywhere = (row.device == "") & row.credential.in_(same)
    return session.scalar(select(func.max(row.not_before)).where(here | everywhere, row.not_before > now))


def load_states(database: Database) -> dict[LoginKey, LoginState]:
    """The stored states as a process that just started may trust them."""
    with database.reading() as session:
        return {
            LoginKey(row.site, row.device, row.credential): logins.restarted(_state(row))
            for row in session.scalars(select(models.LoginBudget))
        }


def save_in(database: Database) -> Save:
    """A ``save`` that stores in ``database``."""

    def save(key: LoginKey, state: LoginState) -> None:
        with database.transaction() as session:
            keep(session, key, state)

    return save


def keep(session: Session, key: LoginKey, state: LoginState) -> None:
    """Write one state down."""
    session.merge(
        models.LoginBudget(
            site=key.site,
            device=key.device,
            credential=key.credential,
            status=state.status.value,
            reserved_at=state.reserved_at,
            accepted_at=state.accepted_at,
            rejected_at=[at.isoformat() for at in state.rejected_at],
            not_before=state.not_before,
        )
    )


def states_of(session: Session, site: str) -> dict[LoginKey, LoginState]:
    """What is stored of the devices of one site, as it was stored."""
    rows = session.scalars(select(models.LoginBudget).where(models.LoginBudget.site == site))
    return {LoginKey(row.site, row.device, row.credential): _state(row) for row in rows}


def _state(row: models.LoginBudget) -> LoginState:
    return LoginState(
        status=Status(row.status),
        reserved_at=row.reserved_at,
        accepted_at=row.accepted_at,
        rejected_at=tuple(datetime.fromisoformat(at) for at in row.rejected_at),
        not_before=row.not_before,
    )
