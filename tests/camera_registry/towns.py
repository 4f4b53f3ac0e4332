"""A small town whose ledgers are written by hand: units, points with their eyes, and what became of them."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.health import EYE
from camera_registry.uptime import Span
from probes.reasons import Check

STATES = ("up", "degraded", "down", "unknown")
OUTCOMES = ("ok", "failing", "unknown", "off")


@dataclass(frozen=True)
class Town:
    """Ids by code. Points stand in unit A at first, each with as many eyes as it was founded with."""

    units: dict[str, int]
    points: dict[str, int]
    devices: dict[str, int]
    eyes: dict[str, int]
    site: int


def found(session: Session, points: Sequence[int], units: Sequence[str] = ("A", "B")) -> Town:
    """A town of points P1, P2, … with so many eyes each (E1, E2, … throughout), all in the first unit."""
    rows = [models.Unit(uid=name, code=name, name=f"Phường {name}", kind="phuong") for name in units]
    site = models.Site(code="S1", name="Trung tâm")
    session.add_all([*rows, site])
    session.flush()
    town = Town({row.uid: row.id for row in rows}, {}, {}, {}, site.id)
    for number, eyes in enumerate(points, 1):
        point = models.Point(code=f"P{number}", name=f"Point {number}", funding="city_budget")
        session.add(point)
        session.flush()
        session.add(models.PointUnit(point_id=point.id, unit_id=rows[0].id))
        device = models.Device(code=f"D{number}", point_id=point.id, site_id=site.id, host="127.0.0.1")
        session.add(device)
        session.flush()
        town.points[point.code], town.devices[device.code] = point.id, device.id
        for channel in range(1, eyes + 1):
            eye = models.Eye(code=f"E{len(town.eyes) + 1}", device_id=device.id, channel=channel, path="/")
            session.add(eye)
            session.flush()
            town.eyes[eye.code] = eye.id
    return town


def write(session: Session, eye_id: int, ledger: str, turns: Iterable[tuple[datetime, str]]) -> None:
    """Lines of a ledger, in order of time; what is no change is left out."""
    before = "unknown"
    for at, after in turns:
        if after != before:
            session.add(
                models.Transition(
                    eye_id=eye_id,
                    ledger=ledger,
                    at=at,
                    before=before,
                    after=after,
                    reason="OK",
                    recorded_at=at,
                )
            )
            before = after
    session.flush()


def maintain(session: Session, span: Span, kind: str, ref_id: int | None) -> models.Maintenance:
    """A window on one thing."""
    window = models.Maintenance(
        kind="work",
        from_at=span.start,
        to_at=span.end,
        reason="repair",
        entered_at=span.start,
        entered_by="me",
    )
    session.add(window)
    session.flush()
    session.add(models.MaintenanceScope(maintenance_id=window.id, kind=kind, ref_id=ref_id))
    session.flush()
    return window


def move(session: Session, point_id: int, unit_id: int, first: date) -> None:
    """The point belongs to another unit from this day on."""
    session.add(models.PointUnit(point_id=point_id, unit_id=unit_id, valid_from=first))
    session.flush()


def live(session: Session, town: Town, within: Span, seed: int) -> None:
    """Ledgers of all checks at random, a few turns a day, and some suspicions that came to nothing."""
    chance = random.Random(seed)
    micros = (within.end - within.start) // timedelta(microseconds=1)

    def moments(most: int) -> list[datetime]:
        picked = {chance.randrange(micros) for _ in range(chance.randint(0, most))}
        return [within.start + timedelta(microseconds=n) for n in sorted(picked)]

    days = micros // (86_400 * 10**6) + 1
    for eye_id in town.eyes.values():
        write(session, eye_id, EYE, [(at, chance.choice(STATES)) for at in moments(3 * days)])
        for check in Check:
            write(session, eye_id, check, [(at, chance.choice(OUTCOMES)) for at in moments(2 * days)])
        doubts: list[Any] = [
            models.Instability(eye_id=eye_id, check="stream", at=at, reason="TCP_TIMEOUT")
            for at in moments(2 * days)
        ]
        session.add_all(doubts)
    session.flush()
