"""Who paid for the demonstration city: a funding ledger, made up and marked so.

Facts are only that the city's 44 cameras at 27 points cost 10.000.000.000 đồng in 2023, and that residents
paid for 248 more in that year. Who gave what, what was bought of it, and all that came before and after is
made up here; of what is older than 2023 much is not known, as is usual. The rows are those that clerks would
have entered and a second person approved.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from camera_registry import models, queries
from camera_registry.funding.kinds import Component, Form, Kind, Paper, Source, State
from camera_registry.inventory import Funding
from camera_registry.money import evenly

SYNTHETIC: Final = "(mô phỏng)"  # in every name and text
CLERK, CHIEF = "ke-toan-mo-phong", "lanh-dao-mo-phong"
OF_THE_CITY, OF_RESIDENTS = "CT-2023", "XHH-2023"
COST: Final = 10_000_000_000  # đồng, of the city's points together
CITY_SHARES: Final = (  # per cent of the cost
    (Component.CAMERA, 34),
    (Component.POLE, 24),
    (Component.LINE, 17),
    (Component.STORAGE, 15),
    (Component.CENTRE, 10),
)
RESIDENTS_SHARES: Final = ((Component.CAMERA, 62), (Component.STORAGE, 23), (Component.LINE, 15))
AN_EYE: Final = (4_800_000, 2_000_000, 8_000_000)  # đồng: the median, the least, the most
OF_OLD: Final = (0.3, 0.55)  # shares of older points: of which all is known, … and only that it was paid
GIVERS: Final = (  # who pays for a residents' point, how often, and which part of it
    (Source.HOUSEHOLD, 0.9, 50),
    (Source.BUSINESS, 0.5, 30),
    (Source.ORGANISATION, 0.2, 10),
    (Source.DONOR, 0.2, 10),
)
A_HOUSEHOLD: Final = (100_000, 500_000)  # đồng
BUSINESSES, ORGANISATIONS, DONORS = 24, 8, 12
GIVER_NAMES: Final = {
    Source.BUSINESS: ("Doanh nghiệp", BUSINESSES),
    Source.ORGANISATION: ("Cơ quan", ORGANISATIONS),
    Source.DONOR: ("Nhà tài trợ", DONORS),
}
IN_KIND: Final = 0.15  # of contributions that are no money
RUNNING: Final = ((Component.ELECTRICITY, 45_000), (Component.INTERNET, 120_000))  # đồng, a month and point
RUNNING_YEAR: Final = 2026


@dataclass(frozen=True, slots=True)
class Place:
    """A point, with what of it matters to money. ``unit_id`` is of 2023, ``ward`` that of today."""

    id: int
    code: str
    city: bool
    eyes: int
    opened: date
    unit_id: int
    ward: int
    group: str


def fill(session: Session, now: datetime, zone: tzinfo) -> None:
    """Programmes, contributors, papers and entries until ``now``, into a ledger that has nothing yet."""
    places = places_of(session, now, zone)
    book = Book(session, random.Random(10), now, zone)
    _city(book, [place for place in places if place.city])
    residents = [place for place in places if not place.city]
    _residents(book, [place for place in residents if place.opened.year == 2023])
    _older(book, [place for place in residents if place.opened.year < 2023])
    _running(book, [place for place in places if place.city])
    _slips(book, [place for place in places if place.city])
    book.write()


def places_of(session: Session, now: datetime, zone: tzinfo) -> list[Place]:
    """The points of the demonstration, by code."""
    day = now.astimezone(zone).date()
    wards = {point_id: unit_id for point_id, (unit_id, _) in queries.homes(session, day).items()}
    rows = session.execute(
        select(
            *(models.Point.id, models.Point.code, models.Point.funding, models.PointUnit.unit_id),
            func.count(models.Eye.id).label("eyes"),
            func.min(models.Eye.commissioned_at).label("opened"),
        )
        .join(models.PointUnit, models.PointUnit.point_id == models.Point.id)
        .join(models.Device, models.Device.point_id == models.Point.id)
        .join(models.Eye, models.Eye.device_id == models.Device.id)
        .group_by(models.Point.id, models.Point.code, models.Point.funding, models.PointUnit.unit_id)
        .order_by(models.Point.code)
    )
    return [
        Place(
            row.id,
            row.code,
            row.funding == Funding.CITY,
            row.eyes,
            row.opened.astimezone(zone).date(),
            row.unit_id,
            wards.get(row.id, row.unit_id),
            f"Tổ dân phố {1 + row.id % 12} {SYNTHETIC}",
        )
        for row in rows
    ]


# --- the book -------------------------------------------------------------------------------------------

Shares = Sequence[tuple[Place | None, int | None]]


class Book:
    """Entries on their way into the ledger: written together, in the order in which they were made."""

    def __init__(self, session: Session, chance: random.Random, now: datetime, zone: tzinfo) -> None:
        self.session = session
        self.chance = chance
        self.now = now
        self.today = now.astimezone(zone).date()
        self.zone = zone
        self._entries: list[tuple[models.MoneyEntry, Shares]] = []
        self._givers: dict[tuple[Source, str, int | None], models.Contributor] = {}

    def programme(self, code: str, name: str, **more: Any) -> int:
        row = models.Programme(
            code=code, name=f"{name} {SYNTHETIC}", made_at=self.at(date(2023, 2, 1)), made_by=CLERK, **more
        )
        self.session.add(row)
        self.session.flush()
        return row.id

    def giver(self, kind: Source, name: str, unit_id: int | None, group: str = "") -> models.Contributor:
        """Who gave, entered once; some donors agreed to be named."""
        key = kind, f"{name} {group}", unit_id
        if key not in self._givers:
            agreed = kind is Source.DONOR and self.chance.random() < 0.5
            self._givers[key] = models.Contributor(
                kind=str(kind),
                name=f"{name} {SYNTHETIC}",
                unit_id=unit_id,
                residential_group=group,
                consent_on=date(2023, 3, 1) if agreed else None,
                consent=f"Phiếu đồng ý {SYNTHETIC}" if agreed else "",
                made_at=self.at(date(2023, 2, 1)),
                made_by=CLERK,
            )
            self.session.add(self._givers[key])
            self.session.flush()
        return self._givers[key]

    def enter(
        self,
        kind: Kind,
        dated: date,
        shares: Shares,
        *,
        giver: models.Contributor | None = None,
        form: Form = Form.MONEY,
        component: Component | None = None,
        state: State = State.APPROVED,
        text: str = "",
        **more: Any,
    ) -> models.MoneyEntry | None:
        """An entry, unless its day is still to come."""
        if dated > self.today:
            return None
        amounts = [amount for _, amount in shares if amount is not None]
        decided = state is not State.WAITING
        row = models.MoneyEntry(
            kind=str(kind),
            dated=dated,
            budget_year=dated.year,
            contributor_id=giver.id if giver is not None else None,
            form=str(form),
            component=str(component or ""),
            amount=sum(amounts) if len(amounts) == len(shares) else None,
            text=f"{text} {SYNTHETIC}".strip(),
            state=str(state),
            made_at=self.at(dated, 2),
            made_by=CLERK,
            decided_at=self.at(dated, 3) if decided else None,
            decided_by=CHIEF if decided else "",
            **more,
        )
        self._entries.append((row, shares))
        return row

    def paper(self, kind: Paper, number: str, dated: date, title: str, issuer: str) -> int:
        row = models.Document(
            kind=str(kind),
            number=number,
            dated=dated,
            issuer=issuer,
            title=f"{title} {SYNTHETIC}",
            made_at=self.at(dated, 2),
            made_by=CLERK,
        )
        self.session.add(row)
        self.session.flush()
        return row.id

    def at(self, day: date, later: int = 0) -> datetime:
        """The morning of a day, or of some days later; not after now."""
        return min(
            datetime.combine(day + timedelta(days=later), time(9), self.zone).astimezone(UTC), self.now
        )

    def write(self) -> None:
        self.session.add_all(entry for entry, _ in self._entries)
        self.session.flush()
        rows = [
            {"entry_id": entry.id, "point_id": place.id if place is not None else None, "amount": amount}
            for entry, shares in self._entries
            for place, amount in shares
        ]
        self.session.execute(insert(models.MoneyShare), rows)


# --- the city's points ------------------------------------------------------------------------------------


def _city(book: Book, places: Sequence[Place]) -> None:
    """27 points, 44 eyes, 10 billion: estimated, paid by the city's budget in two parts, spent, settled."""
    if not places:
        return
    programme = book.programme(
        OF_THE_CITY,
        "Hệ thống camera an ninh thành phố: 44 camera tại 27 điểm",
        decision=f"Quyết định số 01/QĐ-MP {SYNTHETIC}",
        decided_on=date(2023, 2, 15),
        first_year=2023,
        last_year=2023,
    )
    by_component = {part: by_eyes(COST * share // 100, places) for part, share in CITY_SHARES}
    costs = [
        (place, sum(shares[number][1] for shares in by_component.values()))
        for number, place in enumerate(places)
    ]
    budget = book.giver(Source.CITY, "Ngân sách thành phố Yên Bái", None)
    for component, shares in by_component.items():
        book.enter(
            *(Kind.ESTIMATE, date(2023, 2, 15), shares),
            component=component,
            programme_id=programme,
            text="Dự toán được duyệt",
        )
    first = [(place, amount * 6 // 10) for place, amount in costs]
    rest = [(place, amount - part) for (place, amount), (_, part) in zip(costs, first, strict=True)]
    for day, shares, text in (
        (date(2023, 3, 20), first, "Cấp kinh phí đợt 1"),
        (date(2023, 9, 20), rest, "Cấp kinh phí đợt 2"),
    ):
        book.enter(Kind.CONTRIBUTION, day, shares, giver=budget, programme_id=programme, text=text)
    for months, (component, shares) in enumerate(by_component.items()):
        book.enter(
            *(Kind.EXPENSE, date(2023, 6 + months, 12), shares),
            component=component,
            programme_id=programme,
            payee=f"Nhà thầu A {SYNTHETIC}",
            text="Thanh toán theo hợp đồng",
        )
    settled = date(2023, 12, 28)
    book.enter(Kind.SETTLEMENT, settled, costs, programme_id=programme, text="Quyết toán hoàn thành")
    for kind, number, day, title in (
        (Paper.DECISION, "01/QĐ-MP", date(2023, 2, 15), "Phê duyệt dự án camera"),
        (Paper.SETTLEMENT, "88/QT-MP", settled, "Quyết toán dự án hoàn thành"),
    ):
        paper = book.paper(kind, number, day, title, f"UBND thành phố Yên Bái {SYNTHETIC}")
        book.session.add(models.DocumentUse(document_id=paper, programme_id=programme))


def _running(book: Book, places: Sequence[Place]) -> None:
    """Power and lines of the city's points, which the wards of today pay for month by month."""
    by_ward: dict[int, list[Place]] = defaultdict(list)
    for place in places:
        by_ward[place.ward].append(place)
    for ward, some in by_ward.items():
        budget = book.giver(Source.COMMUNE, "Ngân sách phường", ward)
        for month in range(1, 11):
            day = date(RUNNING_YEAR, month, 10)
            if month % 3 == 1:
                quarter = 3 * sum(cost for _, cost in RUNNING)
                book.enter(
                    *(Kind.CONTRIBUTION, day - timedelta(days=5), [(place, quarter) for place in some]),
                    giver=budget,
                    text="Kinh phí điện, Internet cho các điểm camera",
                )
            for component, cost in RUNNING:
                book.enter(
                    *(Kind.EXPENSE, day + timedelta(days=15), [(place, cost) for place in some]),
                    component=component,
                    payee=f"Đơn vị cung cấp dịch vụ {SYNTHETIC}",
                    state=State.WAITING if month == 10 else State.APPROVED,
                    text=f"Tháng {month:02}/{RUNNING_YEAR}",
                )


def _slips(book: Book, places: Sequence[Place]) -> None:
    """What goes wrong in every book: an expense entered wrongly and taken back, and one refused."""
    if len(places) < 2:
        return
    day = date(2026, 3, 4)
    said: dict[str, Any] = {"component": Component.MAINTENANCE, "payee": f"Cơ sở sửa chữa B {SYNTHETIC}"}
    wrong = book.enter(Kind.EXPENSE, day, [(places[0], 15_000_000)], text="Thay nguồn camera", **said)
    if wrong is not None:
        book.session.add(wrong)
        book.session.flush()
        book.enter(
            *(Kind.EXPENSE, day + timedelta(days=6), [(places[0], -15_000_000)]),
            reverses_id=wrong.id,
            text="Nhập thừa một số 0",
            **said,
        )
    book.enter(
        *(Kind.CONTRIBUTION, day, [(places[0], 1_500_000)]),
        giver=book.giver(Source.COMMUNE, "Ngân sách phường", places[0].ward),
        text="Kinh phí thay nguồn camera",
    )
    book.enter(
        *(Kind.EXPENSE, day + timedelta(days=6), [(places[0], 1_500_000)]), text="Thay nguồn camera", **said
    )
    book.enter(
        *(Kind.EXPENSE, day, [(places[1], 900_000)]),
        state=State.REFUSED,
        decision=f"Thiếu hóa đơn {SYNTHETIC}",
        text="Vệ sinh camera",
        **said,
    )


# --- residents' points ------------------------------------------------------------------------------------


def _residents(book: Book, places: Sequence[Place]) -> None:
    """What residents paid for in 2023: all of it known, by whom and for what."""
    if not places:
        return
    programme = book.programme(
        OF_RESIDENTS,
        "Xã hội hóa camera an ninh năm 2023: 248 mắt camera",
        decision=f"Nghị quyết họp dân {SYNTHETIC}",
        decided_on=date(2023, 1, 20),
        levels=f"Mỗi hộ 100.000–500.000 đồng; hộ kinh doanh từ 300.000 đồng {SYNTHETIC}",
        first_year=2023,
        last_year=2023,
    )
    for place in places:
        _paid_by_residents(book, place, programme)
    _shared(book, places, programme)


def _older(book: Book, places: Sequence[Place]) -> None:
    """Of older points all is known of some, that somebody paid of others, and of the rest nothing."""
    for place in places:
        draw = book.chance.random()
        if draw < OF_OLD[0]:
            _paid_by_residents(book, place, None)
        elif draw < OF_OLD[1]:
            households = book.giver(Source.HOUSEHOLD, "Các hộ gia đình", place.unit_id, place.group)
            book.enter(
                *(Kind.CONTRIBUTION, place.opened, [(place, None)]),
                giver=households,
                text="Nhân dân đóng góp, không còn sổ sách",
            )


def _paid_by_residents(book: Book, place: Place, programme: int | None) -> None:
    """What was given for a point, and what it was spent on; now and then something is left."""
    chance = book.chance
    median, least, most = AN_EYE
    eyes = (min(max(int(median * chance.lognormvariate(0, 0.35)), least), most) for _ in range(place.eyes))
    cost = sum(eyes) // 100_000 * 100_000
    giving = [(source, part) for source, often, part in GIVERS if chance.random() < often] or [
        (Source.HOUSEHOLD, 1)
    ]
    parts = [cost * part // sum(part for _, part in giving) // 10_000 * 10_000 for _, part in giving]
    parts[0] += cost - sum(parts)
    day = place.opened - timedelta(days=chance.randint(20, 60))
    money = 0
    for (source, _), amount in zip(giving, parts, strict=True):
        form = Form.MONEY
        if source is not Source.HOUSEHOLD and chance.random() < IN_KIND:
            form = chance.choice((Form.IN_KIND, Form.LABOUR, Form.VALUED))
        money += amount if form is Form.MONEY else 0
        households = amount // chance.randint(*A_HOUSEHOLD) + 1
        book.enter(
            *(Kind.CONTRIBUTION, day, [(place, amount)]),
            giver=_giver(book, place, source),
            givers=households if source is Source.HOUSEHOLD else None,
            form=form,
            component=Component.CAMERA if form is not Form.MONEY else None,
            programme_id=programme,
            text="Đóng góp lắp đặt camera an ninh",
        )
    spent = money - (money // 20 // 10_000 * 10_000 if chance.random() < 0.25 else 0)
    for component, shares in _split([(place, spent)], RESIDENTS_SHARES).items():
        if spent:
            book.enter(
                *(Kind.EXPENSE, place.opened, shares),
                component=component,
                programme_id=programme,
                payee=f"Cửa hàng thiết bị C {SYNTHETIC}",
                text="Mua sắm, lắp đặt",
            )


def _giver(book: Book, place: Place, source: Source) -> models.Contributor:
    if source is Source.HOUSEHOLD:
        return book.giver(source, "Các hộ gia đình", place.unit_id, place.group)
    name, many = GIVER_NAMES[source]
    return book.giver(source, f"{name} {1 + place.unit_id * 7 % many:02}", place.unit_id)


def _shared(book: Book, places: Sequence[Place], programme: int) -> None:
    """A business gave one sum for several points of its ward: split, and kept for their upkeep."""
    by_unit: dict[int, list[Place]] = defaultdict(list)
    for place in places:
        by_unit[place.unit_id].append(place)
    for number, (unit_id, some) in enumerate(sorted(by_unit.items())):
        given = 3_000_000 + 500_000 * number
        shares = zip(some[:4], evenly(given, len(some[:4])), strict=True)
        book.enter(
            *(Kind.CONTRIBUTION, date(2023, 11, 5), list(shares)),
            giver=book.giver(Source.BUSINESS, f"Doanh nghiệp {1 + unit_id * 7 % BUSINESSES:02}", unit_id),
            programme_id=programme,
            text="Ủng hộ kinh phí duy trì các điểm camera",
        )


# --- sums -----------------------------------------------------------------------------------------------


def by_eyes(cost: int, places: Sequence[Place]) -> list[tuple[Place, int]]:
    """The cost by points, each eye costing the same to the đồng."""
    eyes = iter(evenly(cost, sum(place.eyes for place in places)))
    return [(place, sum(next(eyes) for _ in range(place.eyes))) for place in places]


def _split(
    costs: Sequence[tuple[Place, int]], parts: Sequence[tuple[Component, int]]
) -> Mapping[Component, list[tuple[Place, int]]]:
    """Each point's cost by component; what rounding leaves is the first one's."""
    split: dict[Component, list[tuple[Place, int]]] = {component: [] for component, _ in parts}
    for place, cost in costs:
        amounts = {component: cost * per_cent // 100 for component, per_cent in parts}
        amounts[parts[0][0]] += cost - sum(amounts.values())
        for component, amount in amounts.items():
            split[component].append((place, amount))
    return split
