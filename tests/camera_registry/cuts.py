"""Six eyes whose lines are cut: a judge and a book beside it, and a story of 45 minutes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from camera_registry import incident_book, ingest, models
from camera_registry.db import Database
from camera_registry.ingest import Ingest
from camera_registry.models import Incident
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Verdict
from tests.camera_registry.watching import Clock

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
EYES = {"E1": "P1", "E2": "P1", "E3": "P2", "E4": "P2", "E5": "P3", "E6": "P4"}


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def fill(url: str) -> Database:
    """Six eyes, each with its own device, at four points of two units (P4 alone in the second)."""
    made = Database(url)
    with made.transaction() as session:
        session.add(models.Site(id=1, code="S1"))
        for number in (1, 2):
            session.add(
                models.Unit(id=number, uid=f"u-{number}", code=f"{number}", name=f"U{number}", kind="ward")
            )
        session.flush()
        for number in (1, 2, 3, 4):
            session.add(models.Point(id=number, code=f"P{number}", name=f"Point {number}"))
            session.flush()
            session.add(models.PointUnit(point_id=number, unit_id=2 if number == 4 else 1))
        for number, point in enumerate(EYES.values(), 1):
            session.add(
                models.Device(
                    id=number, code=f"D{number}", point_id=int(point[1]), site_id=1, host="127.0.0.1"
                )
            )
            session.flush()
            session.add(models.Eye(id=number, code=f"E{number}", device_id=number, commissioned_at=at(-600)))
    return made


def result(eye: str, minute: float, letter: str) -> ProbeResult:
    """``o`` is ok, ``f`` fails by the network, ``u`` could not be asked."""
    outcome, reason = {
        "o": (Outcome.OK, Reason.OK),
        "f": (Outcome.FAILING, Reason.TCP_TIMEOUT),
        "u": (Outcome.UNKNOWN, Reason.STREAM_SLOTS_BUSY),
    }[letter]
    return ProbeResult(
        eye, at(minute), Depth.LIVENESS, 0.1, (Verdict(Check.STREAM, outcome, reason, 60.0),), memory=Memory()
    )


def story(**letters: str) -> list[ProbeResult]:
    """One letter a minute from noon on."""
    return [
        result(eye, minute, letter)
        for eye, told in letters.items()
        for minute, letter in enumerate(told)
        if letter != "."
    ]


# A point at 5, the rest of the unit at 20 for 15 minutes; E6 stands in another unit and flaps.
STORY = story(
    E1="o" * 5 + "f" * 6 + "o" * 9 + "f" * 15 + "o" * 10,
    E2="o" * 5 + "f" * 6 + "o" * 9 + "f" * 15 + "o" * 10,
    E3="o" * 20 + "f" * 15 + "o" * 10,
    E4="o" * 20 + "f" * 24 + "o",
    E5="o" * 21 + "f" * 14 + "o" * 10,
    E6="oofffooffooofff" * 3,
)
EXPECTED = [
    "point 1 5-11: 1 2",
    "area 1 20-35: 1 2 3 4 5",
    "eye 4 35-44: 4",
    *(
        f"eye 6 {start}-{end}: 6"
        for start, end in ((2, 5), (7, 9), (12, 15), (17, 20), (22, 24), (27, 30), (32, 35), (37, 39))
    ),
    "eye 6 42-: 6",
]


class Book:
    """A judge and the book beside it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock(at(45))
        self.judge = Ingest(database, ingest.rules(confirm_after=2), self.clock)
        self._deliveries = 0

    def deliver(self, results: Sequence[ProbeResult], *, fold: bool = True) -> None:
        self._deliveries += 1
        self.judge.deliver(f"d{self._deliveries}", results)
        if fold:
            self.fold()

    def fold(self) -> int:
        return incident_book.fold(self.database, UTC, self.clock())

    def rows(self) -> list[Incident]:
        with self.database.reading() as session:
            found = session.scalars(select(Incident).where(Incident.withdrawn_at.is_(None))).unique().all()
            for row in found:
                assert row.members
            session.expunge_all()
        return sorted(found, key=lambda row: (row.started_at, row.kind, row.ancestor_id))

    def told(self) -> list[str]:
        return sorted(
            f"{row.kind} {row.ancestor_id} {minute(row.started_at)}-{minute(row.ended_at)}: "
            + " ".join(sorted({str(member.eye_id) for member in row.members}))
            for row in self.rows()
        )

    def ids(self) -> dict[str, int]:
        return {f"{row.kind} {row.ancestor_id} {minute(row.started_at)}": row.id for row in self.rows()}


def minute(moment: datetime | None) -> str:
    return "" if moment is None else f"{(moment - NOON) / timedelta(minutes=1):g}"
