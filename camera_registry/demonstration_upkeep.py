"""Who has the points of the demonstration city, who must mend them, and what is being mended: all made up.

Custody has the gap of 2025, when the police of the districts ended on 01/03 and their units on 01/07. Repairs
are of what was long down in the made-up year; a city without a year has them of points by themselves.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.demonstration_money import (
    CHIEF,
    CLERK,
    COST,
    SYNTHETIC,
    Book,
    Place,
    by_eyes,
    places_of,
)
from camera_registry.funding.basis import missing_basis
from camera_registry.funding.kinds import Component, Duty, Kind, Paper, Source
from camera_registry.funding.kinds import State as Approval
from camera_registry.repairs.deeds import duty_of
from camera_registry.repairs.states import Payer, State
from camera_registry.units import Scope

LAST_OF_THE_DISTRICTS: Final = date(2025, 2, 28)  # their police
LAST_OF_OLD_UNITS: Final = date(2025, 6, 30)
FIRST_OF_NEW_UNITS: Final = date(2025, 7, 1)
PHONE: Final = "0216 000 000"
CITY_POLICE: Final = "Công an thành phố Yên Bái"
REPAIRS: Final = 24  # that are over, and as many that are not
LONG: Final = timedelta(days=8)  # what was down so long is mended as a repair
FAULTS: Final = (
    ("Hỏng nguồn camera, nghi do sét", Component.CAMERA, 1_800_000),
    ("Đứt cáp từ cột về tủ", Component.LINE, 2_400_000),
    ("Hỏng ổ cứng đầu ghi", Component.STORAGE, 3_600_000),
    ("Camera mờ, đọng nước trong vỏ", Component.CAMERA, 4_200_000),
    ("Cột bị xe va, lệch hướng", Component.POLE, 7_500_000),
    ("Mất kết nối Internet, hết hạn thuê bao", Component.LINE, 1_320_000),
)
OPEN_STATES: Final = (
    State.WAITING_FOR_MONEY,
    State.IN_REPAIR,
    State.WAITING_FOR_MONEY,
    State.REPORTED,
    State.WAITING_FOR_MONEY,
    State.WRITTEN_OFF,
)
PAYERS: Final = (Payer.WARD, Payer.CONTRIBUTORS, Payer.WARD, Payer.CITY)


def fill(session: Session, now: datetime, zone: tzinfo) -> None:
    """Custodies, warranties and contracts, assets, repairs and letters, as of ``now``."""
    places = places_of(session, now, zone)
    book = Book(session, random.Random(11), now, zone)
    names = {row.id: row.name for row in session.execute(select(models.Unit.id, models.Unit.name))}
    for number, place in enumerate(place for place in places if place.city):
        _city_point(book, place, number, names)
    _assets(book, [place for place in places if place.city])
    for place in (place for place in places if not place.city):
        _residents_point(book, place, names)
    _minutes(book, [place for place in places if not place.city])
    session.flush()
    repairs = [
        _repair(book, broken, number, names) for number, broken in enumerate(_broken(session, book, places))
    ]
    book.write()
    _proposals(book, [repair for repair in repairs if repair.state == State.WAITING_FOR_MONEY])
    _letterheads(book, {place.ward for place in places}, names)


# --- who has it, and who must mend it ---------------------------------------------------------------------


def _police(unit: str) -> str:
    return f"Công an {unit[0].lower()}{unit[1:]}"


def _people(unit: str) -> str:
    return f"UBND {unit[0].lower()}{unit[1:]}"


def _city_point(book: Book, place: Place, number: int, names: Mapping[int, str]) -> None:
    """Handed over in form, then nobody's for four months, then the ward's; a few still wait."""
    _custody(book, place, place.opened, LAST_OF_THE_DISTRICTS, CITY_POLICE, "UBND thành phố Yên Bái")
    ward = names[place.ward]
    if number % 9 != 0:
        handed_over = FIRST_OF_NEW_UNITS + timedelta(days=14) if number % 9 > 2 else None
        _custody(book, place, FIRST_OF_NEW_UNITS, None, _police(ward), _people(ward), handed_over)
    ends = date(2026, 12, 30) if number % 4 == 0 else date(2025, 12, 30)
    _duty(book, place, Duty.WARRANTY, f"Nhà thầu A {SYNTHETIC}", place.opened, ends, "Hợp đồng 15/HĐ-MP")
    if number % 2:
        first, last = date(2026, 1, 1), date(2026, 12, 31)
        _duty(
            book, place, Duty.MAINTENANCE, f"Đơn vị bảo trì D {SYNTHETIC}", first, last, "Hợp đồng 03/HĐ-MP"
        )


def _residents_point(book: Book, place: Place, names: Mapping[int, str]) -> None:
    """Half are the new ward's, a quarter still the dissolved one's, of the rest nobody wrote down whose."""
    draw = book.chance.random()
    old, ward = names[place.unit_id], names[place.ward]
    if draw < 0.5:
        _custody(book, place, place.opened, LAST_OF_OLD_UNITS, _police(old), place.group, place.opened)
        handed_over = FIRST_OF_NEW_UNITS + timedelta(days=30)
        _custody(book, place, FIRST_OF_NEW_UNITS, None, _police(ward), place.group, handed_over)
    elif draw < 0.75:
        _custody(book, place, place.opened, None, _police(old), "", place.opened)
    if place.opened.year == 2023 and book.chance.random() < 0.7:
        last = place.opened + timedelta(days=365 * book.chance.choice((2, 3, 3)))
        known = last if book.chance.random() < 0.8 else None
        _duty(book, place, Duty.WARRANTY, f"Cửa hàng thiết bị C {SYNTHETIC}", place.opened, known, "")


def _custody(
    book: Book,
    place: Place,
    first: date,
    last: date | None,
    manager: str,
    payer: str,
    handed_over_on: date | None = None,
) -> None:
    if first > book.today or (last is not None and last < first):
        return
    book.session.add(
        models.Custody(
            point_id=place.id,
            valid_from=first,
            valid_to=last,
            manager=manager,
            electricity=payer,
            internet=payer,
            handed_over_on=handed_over_on,
            document=f"Biên bản bàn giao {SYNTHETIC}" if handed_over_on is not None else "",
            phone=PHONE,
        )
    )


def _duty(
    book: Book, place: Place, kind: Duty, party: str, first: date, last: date | None, document: str
) -> None:
    book.session.add(
        models.Upkeep(
            point_id=place.id,
            kind=str(kind),
            party=party,
            valid_from=first,
            valid_to=last,
            document=f"{document} {SYNTHETIC}" if document else "",
            phone=PHONE,
            made_at=book.at(first, 5),
            made_by=CLERK,
        )
    )


def _assets(book: Book, places: Sequence[Place]) -> None:
    """The city's points are in the books of assets; of a few the cost is not."""
    for number, (place, cost) in enumerate(by_eyes(COST, places)):
        book.session.add(
            models.Asset(
                point_id=place.id,
                number=f"TSCĐ-MP-{number + 1:03}",
                in_use_on=place.opened,
                cost=cost if number % 7 else None,
                ownership=f"Quyết định giao tài sản 09/QĐ-MP {SYNTHETIC}",
                made_at=book.at(place.opened, 20),
                made_by=CLERK,
            )
        )


def _minutes(book: Book, places: Sequence[Place]) -> None:
    """Residents of a unit decided in one meeting on several of its points; not every paper was kept."""
    by_unit: dict[int, list[Place]] = {}
    for place in places:
        by_unit.setdefault(place.unit_id, []).append(place)
    for unit_id, some in sorted(by_unit.items()):
        issuer = f"Hội nghị nhân dân {SYNTHETIC}"
        minutes, owned = (
            book.paper(kind, f"{unit_id:02}/{suffix}", dated, title, issuer)
            for kind, suffix, dated, title in (
                (Paper.MINUTES, "BB-MP", date(2023, 1, 15), "Biên bản họp dân về camera an ninh"),
                (Paper.OWNERSHIP, "QĐ-MP", date(2024, 5, 20), "Xác lập quyền sở hữu toàn dân"),
            )
        )
        papers = [(minutes, place) for place in some if place.id % 5 > 1] + [(minutes, some[0])]
        papers += [(owned, place) for place in some if place.id % 3 == 0] + [(owned, some[0])]
        book.session.add_all(
            models.DocumentUse(document_id=paper, point_id=point_id)
            for paper, point_id in sorted({(paper, place.id) for paper, place in papers})
        )


# --- what is being mended -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Broken:
    """What was down for long: since when, until when (``None``: still), and in which incident."""

    place: Place
    eyes: Sequence[int]
    start: datetime
    end: datetime | None
    incident: int | None


def _broken(session: Session, book: Book, places: Sequence[Place]) -> Iterator[Broken]:
    """One of a point at most; from incidents where there are some."""
    by_id = {place.id: place for place in places}
    found = _from_incidents(session, book, by_id) or _by_themselves(session, book, places)
    still = [each for each in found if each.end is None]
    over = [each for each in found if each.end is not None]
    some = (each for many in (still, over) for each in many[:: max(1, len(many) // REPAIRS)][:REPAIRS])
    yield from sorted(some, key=lambda each: each.start)


def _from_incidents(session: Session, book: Book, places: Mapping[int, Place]) -> list[Broken]:
    member, incident = models.IncidentEye, models.Incident
    rows = session.execute(
        select(
            *(member.incident_id, member.eye_id, models.Device.point_id),
            func.min(member.from_at).label("start"),
            func.max(member.to_at).label("end"),
            (func.count() - func.count(member.to_at)).label("away"),
        )
        .join(incident, incident.id == member.incident_id)
        .join(models.Eye, models.Eye.id == member.eye_id)
        .join(models.Device, models.Device.id == models.Eye.device_id)
        .where(incident.withdrawn_at.is_(None))
        .group_by(member.incident_id, member.eye_id, models.Device.point_id)
        .order_by(member.incident_id, member.eye_id)
    )
    found: dict[int, Broken] = {}
    for row in rows:
        end = None if row.away else row.end
        if (end or book.now) - row.start < LONG or row.start > book.now:
            continue
        known = found.get(row.point_id)
        if known is None:
            found[row.point_id] = Broken(places[row.point_id], [row.eye_id], row.start, end, row.incident_id)
        elif known.incident == row.incident_id:
            later = None if end is None or known.end is None else max(end, known.end)
            found[row.point_id] = Broken(
                known.place, [*known.eyes, row.eye_id], min(known.start, row.start), later, known.incident
            )
    return sorted(found.values(), key=lambda each: each.place.code)


def _by_themselves(session: Session, book: Book, places: Sequence[Place]) -> list[Broken]:
    found = []
    for place in book.chance.sample(list(places), min(2 * REPAIRS, len(places))):
        eye_id = session.scalars(
            select(models.Eye.id)
            .join(models.Device, models.Device.id == models.Eye.device_id)
            .where(models.Device.point_id == place.id)
            .order_by(models.Eye.id)
        ).first()
        start = book.now - timedelta(days=book.chance.randint(10, 200))
        end = book.now - timedelta(days=book.chance.randint(1, 8)) if book.chance.random() < 0.5 else None
        if eye_id is not None:
            found.append(Broken(place, [eye_id], start, end, None))
    return found


def _repair(book: Book, broken: Broken, number: int, names: Mapping[int, str]) -> models.Repair:
    """One repair with its story, its quotations, and what was paid."""
    fault, component, usual = FAULTS[number % len(FAULTS)]
    began = _minute(broken.start + timedelta(days=1, hours=number % 9))
    day = began.astimezone(book.zone).date()
    payer, grounds = PAYERS[number % len(PAYERS)], ""
    for obliged in (Payer.CONTRACT, Payer.WARRANTY):
        if duty := duty_of(book.session, broken.place.id, obliged, day):
            payer, grounds = obliged, duty
    steps = list(_story(broken, began, book.now, payer, number))
    state = steps[-1][1]
    paid = payer if state is not State.REPORTED else None
    row = models.Repair(
        point_id=broken.place.id,
        incident_id=broken.incident,
        state=str(state),
        component=str(component),
        fault=f"{fault} {SYNTHETIC}",
        payer=str(paid or ""),
        grounds=grounds if paid is not None else "",
        opened_at=began,
        opened_by=CLERK,
    )
    book.session.add(row)
    book.session.flush()
    book.session.add_all(models.RepairEye(repair_id=row.id, eye_id=eye_id) for eye_id in broken.eyes)
    book.session.add_all(
        models.RepairStep(repair_id=row.id, at=at, state=str(after), text=text, made_at=at, made_by=CLERK)
        for at, after, text in steps
    )
    if paid is not None and not paid.costs_nothing and state is not State.WRITTEN_OFF:
        asked = usual * book.chance.randint(85, 130) // 100 // 10_000 * 10_000
        _quotations(book, row, asked, began)
        if state is State.DONE:
            _pay(book, row, broken.place, paid, asked, steps[-1][0], names)
    return row


def _story(
    broken: Broken, began: datetime, now: datetime, payer: Payer, number: int
) -> Iterator[tuple[datetime, State, str]]:
    """Reported, most of the time waiting for money, mended for a while; as far as it has come."""
    end = broken.end or now
    wanted = State.DONE if broken.end is not None else OPEN_STATES[number % len(OPEN_STATES)]
    lasts = end - began
    yield began, State.REPORTED, f"Tổ dân phố báo {SYNTHETIC}"
    if wanted is State.REPORTED:
        return
    if not payer.costs_nothing:
        yield (
            _minute(began + lasts * 0.1),
            State.WAITING_FOR_MONEY,
            f"Đã khảo sát, chưa có kinh phí {SYNTHETIC}",
        )
    elif wanted is State.WAITING_FOR_MONEY:
        wanted = State.IN_REPAIR
    if wanted is State.WRITTEN_OFF:
        yield _minute(began + lasts * 0.6), State.WRITTEN_OFF, f"Thiết bị quá cũ, không sửa nữa {SYNTHETIC}"
    if wanted in (State.IN_REPAIR, State.DONE):
        yield _minute(began + lasts * 0.8), State.IN_REPAIR, ""
    if wanted is State.DONE:
        yield end, State.DONE, f"Đã nghiệm thu {SYNTHETIC}"


def _minute(at: datetime) -> datetime:
    """As people write down when something was."""
    return at.replace(second=0, microsecond=0)


def _quotations(book: Book, row: models.Repair, asked: int, began: datetime) -> None:
    dated = (began + timedelta(days=1)).astimezone(book.zone).date()
    for number, per_cent in enumerate((100, 115)):
        book.session.add(
            models.Quotation(
                repair_id=row.id,
                party=f"Cơ sở sửa chữa {'BE'[number]} {SYNTHETIC}",
                amount=asked * per_cent // 100,
                dated=min(dated, book.today),
                chosen=number == 0,
                made_at=book.at(dated, 1),
                made_by=CLERK,
            )
        )


def _pay(
    book: Book,
    row: models.Repair,
    place: Place,
    payer: Payer,
    amount: int,
    done: datetime,
    names: Mapping[int, str],
) -> None:
    """Whoever pays gives it, and it is spent; of the newest the second person has not looked yet."""
    day = done.astimezone(book.zone).date()
    giver = {
        Payer.WARD: (Source.COMMUNE, "Ngân sách phường", place.ward, ""),
        Payer.CITY: (Source.PROVINCE, "Ngân sách tỉnh Lào Cai", None, ""),
        Payer.CONTRIBUTORS: (Source.HOUSEHOLD, "Các hộ gia đình", place.unit_id, place.group),
    }[payer]
    book.enter(
        *(Kind.CONTRIBUTION, day, [(place, amount)]),
        giver=book.giver(*giver),
        repair_id=row.id,
        text=f"Kinh phí sửa chữa điểm {place.code}, {names[place.ward]}",
    )
    book.enter(
        *(Kind.EXPENSE, day, [(place, amount)]),
        component=Component.MAINTENANCE,
        payee=f"Cơ sở sửa chữa B {SYNTHETIC}",
        repair_id=row.id,
        state=Approval.WAITING if book.today - day < timedelta(days=14) else Approval.APPROVED,
        text="Chi sửa chữa theo báo giá",
    )


def _proposals(book: Book, waiting: Sequence[models.Repair]) -> None:
    """A letter that was sent and has no answer yet, and one that is being drawn up."""
    asked_at = book.now - timedelta(days=25)
    old = [repair for repair in waiting if repair.opened_at < asked_at - LONG]
    new = [repair for repair in waiting if repair not in old]
    for some, sent_on in ((old[:6], book.today - timedelta(days=20)), ([*old[6:], *new][:8], None)):
        if not some:
            continue
        row = models.Proposal(
            addressee=f"Ủy ban nhân dân tỉnh Lào Cai {SYNTHETIC}",
            title="Đề nghị bố trí kinh phí sửa chữa camera an ninh",
            text=f"Các điểm camera dưới đây đã hỏng và chờ kinh phí. {SYNTHETIC}",
            made_at=asked_at if sent_on is not None else book.now - timedelta(days=3),
            made_by=CLERK,
            sent_on=sent_on,
            number="07/TTr-MP" if sent_on is not None else "",
        )
        book.session.add(row)
        book.session.flush()
        lacking = (
            {each.point: each.missing for each in missing_basis(book.session, Scope.everything(), sent_on)}
            if sent_on is not None
            else {}
        )
        for repair in some:
            point = book.session.get_one(models.Point, repair.point_id).code
            amount = book.session.scalar(
                select(models.Quotation.amount).where(
                    models.Quotation.repair_id == repair.id, models.Quotation.chosen
                )
            )
            book.session.add(
                models.ProposalRepair(
                    proposal_id=row.id,
                    repair_id=repair.id,
                    amount=amount if sent_on is not None else None,
                    missing=" ".join(lacking.get(point, ())),
                )
            )


def _letterheads(book: Book, wards: set[int], names: Mapping[int, str]) -> None:
    desk = {"parent": "UBND tỉnh Lào Cai", "body": "Phòng Quản lý camera (mô phỏng)", "symbol": "MP"}
    heads: list[tuple[int | None, Mapping[str, str]]] = [(None, desk)]
    for ward in sorted(wards):
        police = {"parent": "CÔNG AN TỈNH LÀO CAI", "body": f"{_police(names[ward]).upper()} (MÔ PHỎNG)"}
        heads.append((ward, police | {"symbol": "CAP", "signer_title": "TRƯỞNG CÔNG AN PHƯỜNG"}))
    book.session.add_all(
        models.Letterhead(
            unit_id=unit_id,
            place="Yên Bái",
            recipients="Như trên;\nLưu: VT.",
            made_at=book.now,
            made_by=CHIEF,
            **head,
        )
        for unit_id, head in heads
    )
