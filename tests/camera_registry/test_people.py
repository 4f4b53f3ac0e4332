"""People on each kind of database: let in, signed in, slowed down, disabled; and what cannot be done."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from camera_registry import models
from camera_registry.audit import Actor
from camera_registry.auth import links, passwords, sessions, signing_in, users
from camera_registry.auth.identity import Identity
from camera_registry.auth.roles import Role
from camera_registry.auth.signing_in import Asker, WrongLogin
from camera_registry.auth.throttle import Throttled
from camera_registry.auth.users import LastAdministrator, NoSuchUser, Seeing, UserError
from camera_registry.db import Database
from camera_registry.settings import load
from camera_registry.units import Scope
from tests.dashboards.city import NOW, Wards, add_wards

SETTINGS = load(data_dir=Path("unused"))
CLERK = Actor("clerk", "cli")
HERE = Asker("192.0.2.7", "a browser", "r1")
EVERYTHING = Scope.everything()
EVERYWHERE = Seeing(everywhere=True)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    database.migrate()
    yield database
    database.close()


def add(database: Database, name: str, role: Role, seeing: Seeing = EVERYWHERE) -> None:
    with database.transaction() as session:
        users.add(session, CLERK, EVERYTHING, NOW, name, role, seeing)


def wards_of(database: Database) -> Wards:
    with database.transaction() as session:
        return add_wards(session)


def identified(database: Database, token: str) -> Identity | None:
    return sessions.identify(database, SETTINGS, token, NOW + timedelta(minutes=2), HERE.origin, "r2")


def test_the_way_in(database: Database) -> None:
    wards = wards_of(database)
    add(database, "An", Role.WARD_OFFICER, Seeing(unit_ids=frozenset({wards.tuy_loc})))
    with database.transaction() as session:
        token = links.make(session, CLERK, "an", NOW).rpartition("/")[2]
    came = identified(database, signing_in.by_link(database, SETTINGS, token, HERE, NOW))

    assert came is not None
    assert (came.name, came.role, came.units) == ("an", Role.WARD_OFFICER, ("Xã Tuy Lộc",))
    assert came.scope.unit_ids == frozenset({wards.tuy_loc, wards.nam_cuong})
    assert came.actor == Actor("an", HERE.origin, "r2")
    with database.reading() as session:
        (row,) = sessions.of_user(session, came.user_id, NOW)
        assert (row.seen_at - NOW, row.agent, row.by_link) == (timedelta(minutes=2), "a browser", True)

    signing_in.choose_password(database, came, "", "bốn con vịt", NOW)
    for guess in range(5):
        with pytest.raises(WrongLogin):
            signing_in.by_password(database, SETTINGS, "an", f"{guess}", HERE, NOW)
    with pytest.raises(Throttled, match="1 s"):
        signing_in.by_password(database, SETTINGS, "an", "bốn con vịt", HERE, NOW)
    later = NOW + timedelta(seconds=1)
    token = signing_in.by_password(database, SETTINGS, "an", "bốn con vịt", HERE, later)

    with database.transaction() as session:
        users.disable(session, CLERK, EVERYTHING, later, "an")
    assert identified(database, token) is None
    with database.reading() as session:
        log = session.execute(select(models.Audit.action, models.Audit.who).order_by(models.Audit.id)).all()
    assert [tuple(line) for line in log] == [
        *(("user_added", "clerk"), ("link_made", "clerk"), ("signed_in", "an"), ("password_set", "an")),
        *(("signed_in", "an"), ("user_disabled", "clerk")),
    ]


def test_somebody_can_always_let_others_in(database: Database) -> None:
    with database.transaction() as session:
        assert users.stranded_administrator(session, NOW) == "admin", "a new registry gets one"
    with database.transaction() as session:
        assert users.stranded_administrator(session, NOW) == "admin", "until one has a password"
        admin = users.one(session, EVERYTHING, "admin")
        users.set_password(session, CLERK, admin.id, passwords.hashed("bốn con vịt"), NOW)
        assert users.stranded_administrator(session, NOW) is None

    with database.transaction() as session:
        with pytest.raises(LastAdministrator):
            users.disable(session, CLERK, EVERYTHING, NOW, "admin")
        with pytest.raises(LastAdministrator):
            users.change(
                *(session, CLERK, EVERYTHING, NOW, "admin"),
                role=Role.OPERATOR,
                seeing=EVERYWHERE,
                shown_name="",
            )
    add(database, "second", Role.ADMINISTRATOR)
    with database.transaction() as session:
        users.disable(session, CLERK, EVERYTHING, NOW, "admin")
        with pytest.raises(LastAdministrator):
            users.disable(session, CLERK, EVERYTHING, NOW, "second")


def test_who_sees_a_part_manages_people_of_that_part(database: Database) -> None:
    wards = wards_of(database)
    ours, theirs = Seeing(unit_ids=frozenset({wards.au_lau})), Seeing(unit_ids=frozenset({wards.nam_cuong}))
    add(database, "colleague", Role.OPERATOR, ours)
    add(database, "stranger", Role.OPERATOR, theirs)
    add(database, "chief", Role.ADMINISTRATOR)
    scope = Scope.of({wards.au_lau})
    with database.transaction() as session:
        assert [user.name for user in users.listed(session, scope)] == ["colleague"]
        for name in ("stranger", "chief"):
            with pytest.raises(NoSuchUser):
                users.disable(session, CLERK, scope, NOW, name)
        for seeing in (theirs, EVERYWHERE, Seeing()):
            with pytest.raises(UserError):
                users.add(session, CLERK, scope, NOW, "new", Role.AUDITOR, seeing)


@pytest.mark.parametrize("name", ["", "nguyễn", "a b", ".a", "a" * 101, "a\x00"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UserError):
        users.name_of(name)
