"""A report in which every kind of part and of figure stands, and one that is as long as a city's."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from camera_registry.money import Sum
from camera_registry.reports.value import (
    Annex,
    Column,
    Fact,
    Facts,
    Head,
    Kind,
    Measure,
    Report,
    Run,
    Strip,
    Strips,
    Table,
    Text,
)

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
HEAD = Head(
    parent="Ủy ban nhân dân tỉnh Lào Cai",
    body="Ủy ban nhân dân phường Yên Bái",
    symbol="BC-UBND",
    place="Yên Bái",
    authority="TM. Ủy ban nhân dân",
    signer_title="Chủ tịch",
    signer="Người ký mẫu",
    recipients=("Công an tỉnh Lào Cai (để báo cáo)", "Thường trực Đảng ủy phường", "Lưu: VT"),
)
FORMULA = "=HYPERLINK(1)"
MARKUP = '#panic("no") *bold* $x$ <b>&amp;</b> @ref \\ "quoted"'

MONEY = Table(
    "money",
    "Kinh phí theo nguồn",
    (
        Column("source", "Nguồn", weight=2),
        Column("estimate", "Dự toán", Measure.DONG),
        Column("collected", "Đã thu", Measure.DONG),
        Column("balance", "Số dư", Measure.DONG),
        Column("share", "Tỷ trọng", Measure.SHARE),
        Column("day", "Quyết toán ngày", Measure.DAY),
    ),
    (
        ("Ngân sách thành phố", Sum(10_000_000_000), Sum(10_000_000_000), Sum(-1_250_000), 0.9876, None),
        ("Hộ gia đình", Sum(125_500_000, 3), Sum(98_765_432, 1), Sum(0, 2), 0.0123, date(2026, 3, 5)),
        (FORMULA, None, Sum(0, 1), Sum(0), 0.0001, date(2025, 12, 31)),
    ),
    ("Tổng cộng", Sum(10_125_500_000, 4), Sum(10_098_765_432, 2), Sum(-1_250_000, 2), 1.0, None),
    ("Sổ theo dõi kinh phí này không thay sổ kế toán.",),
)
EYES = Table(
    "eyes",
    "Từng mắt camera",
    (
        Column("code", "Mã mắt camera"),
        Column("place", "Địa điểm", weight=2),
        Column("rate", "Tỷ lệ hoạt động", Measure.SHARE),
        Column("down", "Mất kết nối", Measure.SECONDS),
        Column("outages", "Số lần", Measure.COUNT),
        Column("distance", "Khoảng cách (km)", Measure.NUMBER),
        Column("since", "Từ lúc", Measure.MOMENT),
    ),
    (
        ("YB-0127-01", MARKUP, 0.6742, 242_712.4, 1_234, 2.5, datetime(2026, 10, 9, 14, 40, tzinfo=UTC)),
        ("YB-0127-02", "Ngã tư Nguyễn Thái Học – Điện Biên", 0.995, 45, 0, 0.125, None),
        ("YB-0128-01", "Chợ Ga Yên Bái", None, None, None, None, None),
    ),
)
STATES = (
    ("up", "Hoạt động"),
    ("degraded", "Hoạt động kém"),
    ("down", "Mất kết nối"),
    ("unknown", "Chưa xác định"),
    ("maintenance", "Bảo trì"),
    ("not_in_service", "Không trong thời gian khai thác"),
)
STRIPS = Strips(
    "strips",
    "Diễn biến theo điểm",
    date(2026, 10, 1),
    date(2026, 10, 31),
    STATES,
    (
        Strip(
            "YB-0127",
            (
                Run("up", 0, 0.2),
                Run("degraded", 0.2, 0.35),
                Run("down", 0.35, 0.5),
                Run("unknown", 0.5, 0.65),
                Run("maintenance", 0.65, 0.8),
                Run("not_in_service", 0.8, 1),
            ),
            "Mất kết nối từ 10/10 đến 15/10.",
        ),
        Strip("YB-0128", (Run("up", 0, 0.999), Run("down", 0.999, 1)), "Hoạt động gần như cả tháng."),
    ),
)
FACTS = Facts(
    "figures",
    "Số liệu chính",
    (
        Fact("eyes", "Số mắt camera", 953, Measure.COUNT),
        Fact("availability", "Tỷ lệ hoạt động", 0.6742, Measure.SHARE, "Độ phủ 87,35 %."),
        Fact("mttr", "Thời gian khắc phục trung bình", 93_784, Measure.SECONDS),
        Fact("mtbf", "Thời gian giữa hai lần hỏng", None, Measure.SECONDS),
        Fact("per_point", "Số mắt mỗi điểm", 1.63, Measure.NUMBER),
        Fact("spent", "Đã chi", Sum(9_876_543_210, 12), Measure.DONG),
        Fact("whole", "Dự toán được duyệt", Sum(10_000_000_000), Measure.DONG),
        Fact("nobody", "Giá trị hiện vật", Sum(0, 1), Measure.DONG),
        Fact("closed", "Ngày chốt số liệu", date(2026, 11, 5), Measure.DAY),
        Fact("last", "Lần mất kết nối cuối", datetime(2026, 10, 31, 2, 15, tzinfo=UTC), Measure.MOMENT),
        Fact("manager", "Đơn vị quản lý", "Công an phường Yên Bái"),
    ),
)
TEXT = Text(
    "words",
    "Nhận xét",
    (
        "Trong tháng, mưa lớn và mất điện làm nhiều điểm mất kết nối; các điểm ở tổ dân phố Đồng Tâm, "
        "Yên Ninh, Nguyễn Thái Học được khôi phục trước. Những chữ khó: ẵ, ặ, ẫ, ệ, ỗ, ộ, ữ, ự, ỹ, Đ.",
        MARKUP,
    ),
)
REPORT = Report(
    kind=Kind.UPTIME,
    name="uptime-phường-yên-bái-2026-10",
    title="Báo cáo",
    about="Tình hình hoạt động của camera an ninh phường Yên Bái tháng 10 năm 2026",
    language="vi",
    zone=ZONE,
    as_of=datetime(2026, 11, 5, 1, 30, tzinfo=UTC),
    parts=(TEXT, FACTS, MONEY, EYES, STRIPS),
    head=HEAD,
    grounds=(
        "Luật Thực hiện dân chủ ở cơ sở ngày 10 tháng 11 năm 2022",
        "Quy chế quản lý camera của phường",
    ),
    mark="9f86d081884c7d65",
    synthetic=True,
)

LETTER = replace(
    REPORT,
    kind=Kind.PROPOSAL,
    title="Tờ trình",
    parts=(TEXT, FACTS),
    annex=Annex("Danh mục và căn cứ", (MONEY, EYES, STRIPS)),
)


def city(eyes: int = 953, points: int = 430) -> Report:
    """As long as the month of a whole city: a row for each eye, a strip for each point."""
    rows = tuple(
        (
            f"YB-{n // 2:04}-{n % 2 + 1:02}",
            f"Tổ dân phố số {n % 27 + 1}, đường Điện Biên, phường Yên Bái",
            n % 1000 / 1000,
            n * 3671,
            n % 40,
            n / 8,
            datetime(2026, 10, n % 30 + 1, n % 24, tzinfo=UTC),
        )
        for n in range(eyes)
    )
    states = [state for state, _ in STATES]
    strips = tuple(
        Strip(
            f"YB-{n:04}",
            tuple(Run(states[(n + k) % 6], k / 24, (k + 1) / 24) for k in range(24)),
            f"{n % 9} lần mất kết nối, lâu nhất {n % 50} giờ.",
        )
        for n in range(points)
    )
    return replace(
        REPORT,
        name="uptime-city-2026-10",
        parts=(TEXT, FACTS, MONEY, replace(EYES, rows=rows), replace(STRIPS, strips=strips)),
    )
