"""Repairs of the small city in several states, a letter that asks for money, reports that are waited for."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from camera_registry.audit import Actor
from camera_registry.funding.kinds import Component
from camera_registry.repairs import deeds, proposals
from camera_registry.repairs.states import Payer, State
from camera_registry.reports import jobs, letterheads, schedules
from camera_registry.reports.asked import Asked
from camera_registry.reports.schedules import Every
from camera_registry.reports.value import Format, Head, Kind
from camera_registry.settings import load
from camera_registry.units import Scope
from tests.dashboards.city import NOW

DAY = timedelta(days=1)
CLERK, ALL, ZONE = Actor("operator", "cli"), Scope.everything(), load().zone
TODAY = NOW.astimezone(ZONE).date()


def mend(session: Session) -> None:
    """No. 1 waits for money with two quotations, in letter No. 1; No. 2 is reported, No. 3 is in repair."""
    waits = deeds.open_repair(
        *(session, CLERK, ALL, NOW - 60 * DAY, ZONE),
        fault="Đầu ghi hình không khởi động lại sau khi mất điện",
        point="NC1",
        eyes=["NC1-DOWN"],
        component=Component.STORAGE,
    )
    deeds.move(
        session, CLERK, ALL, waits, State.WAITING_FOR_MONEY, NOW - 50 * DAY, ZONE, text="Đã lập biên bản"
    )
    deeds.set_payer(session, CLERK, ALL, waits, Payer.WARD, NOW - 49 * DAY, ZONE, grounds="Công văn số 12")
    chosen, _ = (
        deeds.quote(
            *(session, CLERK, ALL, waits, NOW - 40 * DAY, ZONE),
            party=party,
            amount=amount,
            dated=date(2026, 10, 12),
        )
        for party, amount in (("Cửa hàng giả lập A", 4_500_000), ("Cửa hàng giả lập B", 5_200_000))
    )
    deeds.choose(session, CLERK, ALL, waits, chosen, NOW - 39 * DAY, ZONE)
    at = (session, CLERK, ALL, NOW - 9 * DAY, ZONE)
    deeds.open_repair(*at, fault="Cột nghiêng sau mưa", point="AL1", component=Component.POLE)
    mending = deeds.open_repair(*at, fault="Hình mờ", point="NC1", eyes=["NC1-POOR"])
    deeds.move(session, CLERK, ALL, mending, State.IN_REPAIR, NOW - 2 * DAY, ZONE)
    proposals.draft(
        *(session, CLERK, ALL, NOW - DAY, ZONE),
        addressee="Cơ quan tài chính giả lập",
        title="Đề nghị kinh phí sửa chữa",
        repairs=[waits],
    )
    october = Asked(Kind.UPTIME, date(2026, 10, 1), date(2026, 10, 31))
    jobs.ask(session, ALL, CLERK, october, Format.PDF, "vi", NOW, TODAY)
    schedules.add(
        *(session, ALL, CLERK, NOW, TODAY, october, Format.PDF, "vi", Every.MONTH, None), reason="Hằng tháng"
    )
    head = Head(body="Cơ quan giả lập", place="Yên Bái", recipients=("Như trên", "Lưu: VT"))
    letterheads.save(session, ALL, CLERK, "", head, NOW, TODAY, reason="Mẫu mới")
