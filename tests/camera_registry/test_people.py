"""People on each kind of database: let in, signed in, slowed down, disabled; and what cannot be done."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.audit import Actor
from camera_registry.auth import links, passwords, sessions, signing_in, throttle, tokens, users
from camera_registry.auth.identity import Identity
from camera_registry.auth.links import LinkOver
from camera_registry.auth.roles import Permission, Role
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


def test_a_link_ends_with_what_the_user_was_when_it_was_made(database: Database) -> None:
    add(database, "an", Role.OPERATOR)

    def as_(role: Role, shown_name: str) -> Callable[[Session], object]:
        return lambda session: users.change(
            *(session, CLERK, EVERYTHING, NOW, "an"), role=role, seeing=EVERYWHERE, shown_name=shown_name
        )

    def disabled_for_a_while(session: Session) -> None:
        users.disable(session, CLERK, EVERYTHING, NOW, "an")
        users.enable(session, CLERK, EVERYTHING, NOW, "an")

    def new_password(session: Session) -> None:
        users.set_password(session, CLERK, users.one(session, EVERYTHING, "an").id, "hash", NOW)

    def another_link(session: Session) -> None:
        links.make(session, CLERK, "an", NOW)

    with database.transaction() as session:
        for deed in (as_(Role.AUDITOR, ""), disabled_for_a_while, new_password, another_link):
            token = links.make(session, CLERK, "an", NOW).rpartition("/")[2]
            deed(session)
            with pytest.raises(LinkOver):
                links.use(session, token, NOW)
        token = links.make(session, CLERK, "an", NOW).rpartition("/")[2]
        as_(Role.AUDITOR, "An")(session)
        assert links.use(session, token, NOW).name == "an", "another name shown is no other user"


def test_tokens_end_with_the_user_and_with_a_password_after_a_link(database: Database) -> None:
    add(database, "an", Role.OPERATOR)

    def a_token() -> str:
        with database.transaction() as session:
            return tokens.make(session, CLERK, "an", "a program", [Permission.VIEW], NOW)

    def lives(token: str) -> bool:
        return tokens.identify(database, token, NOW, HERE.origin) is not None

    of_before = a_token()
    with database.transaction() as session:
        users.disable(session, CLERK, EVERYTHING, NOW, "an")
        users.enable(session, CLERK, EVERYTHING, NOW, "an")
        link = links.make(session, CLERK, "an", NOW).rpartition("/")[2]
    assert not lives(of_before), "who comes back makes new ones"

    anybodys = a_token()
    came = identified(database, signing_in.by_link(database, SETTINGS, link, HERE, NOW))
    assert came is not None
    signing_in.choose_password(database, came, "", "bốn con vịt", NOW)
    assert not lives(anybodys), "somebody else may have made it"

    own = a_token()
    came = identified(database, signing_in.by_password(database, SETTINGS, "an", "bốn con vịt", HERE, NOW))
    assert came is not None
    signing_in.choose_password(database, came, "bốn con vịt", "năm con vịt", NOW)
    assert lives(own)


def test_first_tries_at_once_are_counted_each(database: Database) -> None:
    def reserve(_: int) -> bool:
        try:
            with database.transaction() as session:
                throttle.reserve(session, "an", HERE.origin, NOW)
        except Throttled:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(reserve, range(16)))
    assert outcomes.count(True) == throttle.WITH_A_NAME.free


@pytest.mark.parametrize("name", ["", "nguyễn", "a b", ".a", "a" * 101, "a\x00"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UserError):
        users.name_of(name)
