"""A small ledger in the small city: a programme, gifts, an expense; one entry waits, one has no figure."""

from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from camera_registry.audit import Actor
from camera_registry.funding import contributors, entries, programmes, upkeep
from camera_registry.funding.entries import Entered
from camera_registry.funding.kinds import Component, Duty, Form, Kind, Source
from camera_registry.units import Scope
from tests.dashboards.city import NOW

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CLERK, SECOND = Actor("clerk", "127.0.0.1"), Actor("second", "127.0.0.1")
DAY = date(2026, 3, 5)


def fund(session: Session) -> list[int]:
    """Enter it; returns the numbers of its entries. Two wait: what is no point's yet, and a reversal."""
    scope, at = Scope.everything(), (NOW, ZONE)
    programme = programmes.Filled("XHH-2026", "Xã hội hóa camera 2026", "05/NQ-HĐND", DAY, first_year=2026)
    programmes.save(session, CLERK, scope, programme, *at)
    shop, home, state = (
        contributors.save(session, CLERK, scope, contributors.Filled(kind, name, unit, group), *at)
        for kind, name, unit, group in (
            (Source.BUSINESS, "Cửa hàng vật liệu Hòa Bình", "04273-2", ""),
            (Source.HOUSEHOLD, "Bà Nguyễn Thị Tư", "04273-2", "Tổ dân phố số 4"),
            (Source.COMMUNE, "Ngân sách phường Nam Cường", "04273-2", ""),
        )
    )
    both = (("NC1", 6_000_000), ("AL1", 4_000_000))
    asked: list[Entered] = [
        Entered(Kind.ESTIMATE, DAY, (("NC1", 25_000_000),), component=Component.CAMERA, programme="XHH-2026"),
        Entered(
            Kind.CONTRIBUTION, DAY, both, contributor_id=shop, programme="XHH-2026", text="Góp mua camera"
        ),
        Entered(Kind.CONTRIBUTION, DAY, (("NC1", 15_000_000),), contributor_id=state, programme="XHH-2026"),
        Entered(
            *(Kind.CONTRIBUTION, DAY, (("NC1", None),)),
            contributor_id=home,
            givers=35,
            form=Form.LABOUR,
            text="Ngày công dựng cột",
        ),
        Entered(
            *(Kind.EXPENSE, DAY, (("NC1", 18_500_000),)),
            component=Component.CAMERA,
            programme="XHH-2026",
            payee="Công ty TNHH Điện tử Yên Bái",
            text="Mua và lắp 3 mắt camera",
        ),
        Entered(Kind.CONTRIBUTION, DAY, ((None, 2_000_000),), contributor_id=home, programme="XHH-2026"),
    ]
    numbers = [entries.enter(session, CLERK, scope, each, *at) for each in asked]
    for number in numbers[:-1]:
        entries.approve(session, SECOND, scope, number, *at)
    numbers.append(entries.reverse(session, CLERK, scope, numbers[2], *at, reason="Ghi nhầm nguồn ngân sách"))
    duty = upkeep.Filled(Duty.WARRANTY, "Công ty TNHH Điện tử Yên Bái", DAY, date(2028, 3, 4), "HĐ 12/2026")
    upkeep.set_upkeep(session, CLERK, scope, "NC1", duty, *at)
    return numbers
