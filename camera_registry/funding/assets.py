"""Points as the books of assets have them, and how much of their value is worn (hao mòn).

Thông tư 23/2023/TT-BTC: what is used a year or longer and cost 10.000.000 đồng or more is a fixed asset;
parts that cannot work without each other are one asset, so a point is one. Wear is reckoned once a year, in
December, at a share of the original cost that is a setting (``ASSET_WEAR_PERCENT``).
"""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit, queries
from camera_registry.audit import Action, Actor
from camera_registry.funding import reading
from camera_registry.funding.checks import FundingError, a_day, said
from camera_registry.funding.sums import Totals
from camera_registry.i18n import N_
from camera_registry.inventory import InventoryError
from camera_registry.models import Asset, Point
from camera_registry.money import MOST, Sum
from camera_registry.units import Scope

FIXED_FROM: Final = 10_000_000  # đồng of original cost
LONGEST_NUMBER, LONGEST_OWNERSHIP = 64, 300  # characters


@dataclass(frozen=True, slots=True)
class Filled:
    """An asset record as a person fills it in. ``cost`` is as the books have it; ``None``: not known.

    ``ownership`` is the decision, or the minutes, that make the point public property.
    """

    number: str = ""
    in_use_on: date | None = None
    cost: int | None = None
    ownership: str = ""


@dataclass(frozen=True, slots=True)
class AssetRow:
    """A point as an asset. ``recorded`` is the cost in the books, ``reckoned`` what the ledger sums to."""

    point: str
    point_name: str
    unit: str
    number: str
    in_use_on: date | None
    recorded: int | None
    reckoned: Sum
    ownership: str

    @property
    def cost(self) -> int | None:
        """The original cost: as recorded, else as reckoned where all of that is known; else ``None``."""
        if self.recorded is not None:
            return self.recorded
        return self.reckoned.known if self.reckoned.whole and self.reckoned.known else None

    @property
    def fixed(self) -> bool | None:
        """Whether it is a fixed asset; ``None`` where its cost is not known and known parts do not tell."""
        if self.recorded is None and self.reckoned.known >= FIXED_FROM:
            return True
        return None if self.cost is None else self.cost >= FIXED_FROM


@dataclass(frozen=True, slots=True)
class Wear:
    """Wear of an asset by a day, in đồng: ``a_year``, ``worn`` in ``years`` Decembers so far, and left."""

    a_year: int
    years: int
    worn: int
    left: int


def save(
    session: Session,
    actor: Actor,
    scope: Scope,
    code: str,
    filled: Filled,
    now: datetime,
    zone: tzinfo,
    reason: str = "",
) -> None:
    """The asset record of a point. Raises ``InventoryError`` for one out of scope, and ``FundingError``."""
    today = now.astimezone(zone).date()
    point = queries.point_in(session, scope, today, code)
    if point is None:
        raise InventoryError(N_('There is no point with the code "{code}".'), code=code)
    a_day(filled.in_use_on, today, years_ahead=0)
    if filled.cost is not None and not 0 <= filled.cost <= MOST:
        raise FundingError(N_("An amount is at most {limit} đồng."), limit=MOST)
    values: dict[str, Any] = {
        "number": said(filled.number, LONGEST_NUMBER),
        "in_use_on": filled.in_use_on,
        "cost": filled.cost,
        "ownership": said(filled.ownership, LONGEST_OWNERSHIP),
    }
    row = session.get(Asset, point.id, with_for_update=True)
    before = None if row is None else {name: getattr(row, name) for name in values}
    if row is None:
        row = Asset(point_id=point.id)
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    row.made_at, row.made_by = now, actor.name
    session.flush()
    detail = {"before": before, "after": values}
    audit.record(session, actor, Action.ASSET_SAVED, f"point:{code}", now, detail=detail, reason=reason)


def assets(session: Session, scope: Scope, day: date, *, point: str | None = None) -> list[AssetRow]:
    """Every point in scope as an asset, or one of them, by code; costs by what is approved until ``day``."""
    wanted = select(Point, Asset).outerjoin(Asset, Asset.point_id == Point.id).order_by(Point.code)
    if point is not None:
        wanted = wanted.where(Point.code == point)
    units = queries.point_units(session, scope, day)
    sums = reading.totals_by_point(session, scope, day, until=day)
    return [
        _row(at, row, units[at.id][0], sums.get(at.code, Totals()).cost)
        for at, row in session.execute(wanted)
        if at.id in units
    ]


def wear(asset: AssetRow, percent: float, day: date) -> Wear | None:
    """How much of an asset is worn by ``day``: a whole year for each 31 December that it was in use.

    ``None`` where it is no fixed asset, or its cost or the day it came into use is not known.
    """
    if asset.cost is None or asset.in_use_on is None or not asset.fixed:
        return None
    a_year = int((asset.cost * Decimal(str(percent)) / 100).quantize(Decimal(1), ROUND_HALF_UP))
    years = max(0, day.year - asset.in_use_on.year + (1 if (day.month, day.day) == (12, 31) else 0))
    worn = min(asset.cost, a_year * years)
    return Wear(a_year, years, worn, asset.cost - worn)


def _row(point: Point, row: Asset | None, unit: str, reckoned: Sum) -> AssetRow:
    if row is None:
        return AssetRow(point.code, point.name, unit, "", None, None, reckoned, "")
    return AssetRow(
        point.code, point.name, unit, row.number, row.in_use_on, row.cost, reckoned, row.ownership
    )
