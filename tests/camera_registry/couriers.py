"""A registry whose site is asked by a machine of its own, for tests: simulated cameras, tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select, update

from camera_registry import models, settings
from camera_registry.audit import Actor
from camera_registry.auth import tokens
from camera_registry.auth.roles import Permission
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.push.wire import MACHINE, RESULTS, TARGETS
from probes.simulator.simulator import Simulator
from tests.camera_registry.watching import PASSWORD, USER, register
from tests.dashboards.serving import Web, make_web

CLERK = Actor("clerk", "cli", "r1")
FIRST, SECOND = "1" * 32, "2" * 32  # names of machines


@dataclass(frozen=True)
class Registry:
    """``token`` is of the site S1, ``other`` of a site without eyes, ``plain`` of a person."""

    web: Web
    token: str
    other: str
    plain: str

    @property
    def database(self) -> Database:
        return self.web.database

    def client(self, token: str = "") -> TestClient:
        bearer = {"Authorization": f"Bearer {token or self.token}"}
        return TestClient(
            self.web.app,
            base_url="http://localhost",
            client=("127.0.0.1", 50_000),
            headers=bearer,
            raise_server_exceptions=True,
        )

    def fetch(self, token: str = "", machine: str = FIRST, known: str = "") -> Response:
        headers = {MACHINE: machine} | ({"If-None-Match": known} if known else {})
        return self.client(token).get(TARGETS, headers=headers)

    def post(self, told: dict[str, Any], token: str = "", machine: str = FIRST) -> Response:
        return self.client(token).post(RESULTS, json={"machine": machine, "every_s": 20} | told)


def found(
    database: Database,
    folder: Path,
    sim: Simulator,
    now: Callable[[], datetime],
    *,
    password: str = PASSWORD,
    delivered: bool = True,
) -> Registry:
    """The registry of the simulated cameras; ``now`` is the time it goes by."""
    store = CredentialStore(settings.load(data_dir=folder))
    with database.transaction() as session:
        store.prepare(session)
        good = store.put(session, "good", USER, password, now=now())
        register(session, sim, lambda _: good, started=True)
        session.add(models.Site(code="S2", delivered=True))
        session.execute(update(models.Site).values(delivered=True))
        user = models.User(name="an", role="operator", everywhere=True, made_at=now(), made_by="tests")
        session.add(user)
        session.flush()
        token = tokens.make(session, CLERK, "an", "ward", (), now(), site="S1")
        other = tokens.make(session, CLERK, "an", "other", (), now(), site="S2")
        plain = tokens.make(session, CLERK, "an", "plain", [Permission.VIEW], now())
        session.execute(update(models.Site).where(models.Site.code == "S1").values(delivered=delivered))
    return Registry(make_web(database, now=now, data_dir=folder), token, other, plain)


def ledger(database: Database, eye: str) -> list[tuple[datetime, str, str]]:
    """What an eye's own ledger says: when, to which state, why."""
    with database.reading() as session:
        rows = session.execute(
            select(models.Transition.at, models.Transition.after, models.Transition.reason)
            .join(models.Eye)
            .where(models.Transition.ledger == "eye", models.Eye.code == eye)
            .order_by(models.Transition.at)
        )
        return [(at, after, reason) for at, after, reason in rows]
