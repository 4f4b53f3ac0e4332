"""What the monitor says of itself: of its database and its sites, and what it does not know."""

from datetime import timedelta

from camera_registry import census, models
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.own_health import OwnHealth, SiteHeard, own_health
from camera_registry.units import Scope
from tests.dashboards.city import NOW

RESTING = census.judge([], NOW)


def health_of(database: Database) -> OwnHealth:
    with database.reading() as session:
        health = own_health(session, Scope.everything(), RESTING, Counters.new(), NOW, NOW)
        assert own_health(session, Scope.of([1]), RESTING, Counters.new(), NOW, NOW) is None
    assert health is not None
    return health


def test_the_database_and_the_sites(database_url: str) -> None:
    database = Database(database_url)
    database.migrate()
    before = health_of(database).keeping
    assert before.written_at is None
    assert before.size > 10_000
    assert before.product.split()[0] == ("SQLite" if database.sqlite else "PostgreSQL")
    assert (before.free is None) == (not database.sqlite)
    assert 0 <= before.answered_s < 10

    with database.transaction() as session:
        site = models.Site(code="yb", name="Yên Bái")
        session.add_all((site, models.Site(code="new")))
        for minutes in (9, 2):
            at = NOW - timedelta(minutes=minutes)
            session.add(
                models.Delivery(key=str(minutes), received_at=at, first_at=at, last_at=at, packed=b"")
            )
        session.flush()
        heard_at = NOW - timedelta(seconds=20)
        session.add(
            models.Heartbeat(site_id=site.id, from_at=NOW - timedelta(hours=1), to_at=heard_at, every_s=10)
        )

    health = health_of(database)
    assert health.keeping.written_at == NOW - timedelta(minutes=2)
    assert health.sites == [SiteHeard("new", "", None, False), SiteHeard("yb", "Yên Bái", heard_at, False)]
    database.close()
