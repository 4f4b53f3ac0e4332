"""People for tests: somebody of a role and of units, signed in."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from camera_registry import models
from camera_registry.auth import sessions
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from camera_registry.settings import Settings


def session_token(
    database: Database,
    settings: Settings,
    now: datetime,
    role: Role = Role.ADMINISTRATOR,
    units: Sequence[str] = (),
) -> str:
    """Begin a session of somebody who may see these units (uids), or everything; one user for each."""
    name = "-".join([role.replace("_", "-"), *units]).lower()
    with database.transaction() as session:
        user_id = session.scalar(select(models.User.id).where(models.User.name == name))
        if user_id is None:
            user = models.User(name=name, role=role, everywhere=not units, made_at=now, made_by="tests")
            session.add(user)
            session.flush()
            ids = session.scalars(select(models.Unit.id).where(models.Unit.uid.in_(units))).all()
            assert len(ids) == len(units), "a unit of this uid is missing"
            session.add_all(models.UserUnit(user_id=user.id, unit_id=unit_id) for unit_id in ids)
            user_id = user.id
        return sessions.begin(session, settings, user_id, now, "127.0.0.1")
