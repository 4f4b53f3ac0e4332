"""Notices of planned power cuts, read and matched. The texts in ``tests/data/notices`` are synthetic."""

import re
import time
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_registry import models, units
from camera_registry.db import Database
from camera_registry.maintenance import Cover, names
from camera_registry.notices import (
    LONGEST_NOTICE,
    MOST_CUTS,
    Cut,
    Fault,
    Notice,
    NoticeError,
    read_notice,
)
from camera_registry.power_cuts import Doubt, Match, propose
from camera_registry.units import Scope
from camera_registry.uptime import Span
from tests.databases import sqlite_in

TEXTS = Path(__file__).parents[1] / "data" / "notices"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
TODAY = date(2026, 11, 22)


def span(told: str) -> Span:
    """``12/12 07:30-12/12 17:00``, of 2026, in Yên Bái."""
    ends = (re.findall(r"\d+", end) for end in told.split("-"))
    start, end = (
        datetime(2026, int(month), int(day), int(hour), int(minute), tzinfo=ZONE).astimezone(UTC)
        for day, month, hour, minute in ends
    )
    return Span(start, end)


def cut(spans: str, *areas: str, reason: str = "", faults: tuple[Fault, ...] = ()) -> Cut:
    return Cut(tuple(span(each) for each in spans.split(", ") if each), areas, reason, faults)


READ = {
    "01_labels_area_first": [
        cut(
            "12/12 07:30-12/12 17:00",
            "TDP số 4, TDP số 5 phường Yên Bái",
            reason="Sửa chữa, bảo dưỡng lưới điện theo kế hoạch",
        ),
        cut(
            "13/12 05:00-13/12 06:30",
            "Thôn Minh Long xã Tuy Lộc",
            "một phần phường Nam Cường",
            reason="Thao tác lưới điện",
        ),
    ],
    "02_letter": [
        cut(
            "15/12 07:30-15/12 11:00",
            "TDP số 5, số 6 phường Yên Bái",
            "đường Trần Hưng Đạo phường Yên Bái",
            reason="Thay cột điện",
        ),
        cut(
            "15/12 13:00-15/12 17:30",
            "xã Tuy Lộc: thôn Minh Long, thôn Minh Thành",
            reason="Đấu nối đường dây 35kV",
        ),
    ],
    "03_chat_one_line": [
        cut("12/12 07:30-12/12 17:00", "TDP 4, 5, 6 phường Văn Phú", reason="để bảo dưỡng đường dây"),
    ],
    "04_days_as_headings": [
        cut("14/12 05:30-14/12 09:00", "phường Âu Lâu"),
        cut("14/12 09:00-14/12 11:30", "thôn 3, thôn 4 xã Giới Phiên"),
        cut("15/12 08:00-15/12 16:00", "đường Điện Biên, phường Yên Bái (từ số nhà 1 đến số nhà 99)"),
    ],
    "05_no_marks": [
        cut("12/12 07:30-12/12 17:00", "tai to 5 phuong Yen Bai", reason="sua chua tram bien ap"),
    ],
    "06_several_days": [
        cut(
            "10/12 08:00-10/12 16:00, 11/12 08:00-11/12 16:00, 12/12 08:00-12/12 16:00",
            "toàn bộ phường Nam Cường",
            reason="Nâng cấp lưới điện",
        ),
    ],
    "07_range_of_days": [
        cut(
            "20/12 22:00-21/12 04:30, 21/12 22:00-22/12 04:30, 22/12 22:00-23/12 04:30",
            "thôn Cường Bắc, xã Tuy Lộc",
            reason="nhằm phục vụ thi công cầu",
        ),
    ],
    "08_through": [
        cut(
            "22/12 07:00-23/12 17:00",
            "Phường Văn Phú (TDP Phúc Thọ, TDP số 2)",
            reason="Cải tạo đường dây trung áp",
        ),
    ],
    "09_table": [
        cut("12/12 07:30-12/12 11:00", "TDP số 1 phường Âu Lâu", reason="Cân đảo pha"),
        cut("12/12 13:30-12/12 17:00", "thôn Đông Thịnh xã Âu Lâu", reason="Thay công tơ"),
    ],
    "10_long_date_afternoon": [
        cut(
            "18/12 13:30-18/12 17:00",
            "Phường Yên Bái: các tổ 7, 8, 9",
            "P. Nam Cường: đường Lê Hồng Phong",
            "khu vực chợ",
        ),
    ],
    "11_hours_then_day": [
        cut(
            "19/12 06:00-19/12 08:00",
            "phường Văn Phú, phường Âu Lâu và phường Nam Cường",
            reason="Thí nghiệm định kỳ",
        ),
    ],
    "12_two_ranges": [
        cut("21/12 05:00-21/12 07:00, 21/12 17:00-21/12 19:00", "TDP 10, TDP 11 P.Yên Bái"),
    ],
    "13_no_day": [
        cut(
            "",
            "thôn Minh Long xã Tuy Lộc",
            "Mất điện lúc 14h00 chưa rõ khi nào có lại",
            faults=(Fault.NO_DAY,),
        ),
    ],
    "14_no_such_day": [
        cut("", "phường Văn Phú", faults=(Fault.IMPOSSIBLE,)),
        cut("", "phường Âu Lâu", faults=(Fault.IMPOSSIBLE,)),
        cut("", "phường Nam Cường", faults=(Fault.IMPOSSIBLE,)),
    ],
    "15_emoji_chat": [
        cut("26/11 07:30-26/11 11:30", "Tổ 1, 2, 3 phường Nam Cường", reason="Sửa chữa"),
    ],
    "16_week": [
        cut("24/11 07:30-24/11 09:00", "TBA Km5, TBA Chợ", reason="để thí nghiệm"),
        cut(
            "29/11 05:00-29/11 06:30, 29/11 16:30-29/11 18:00",
            "các phường Yên Bái, Văn Phú (trừ TDP Phúc Thọ)",
        ),
    ],
}


def text_of(name: str) -> str:
    return (TEXTS / f"{name}.txt").read_text(encoding="utf-8")


def test_every_text_is_tried() -> None:
    assert sorted(READ) == sorted(path.stem for path in TEXTS.glob("*.txt"))


@pytest.mark.parametrize("name", READ)
def test_a_notice_is_read(name: str) -> None:
    assert list(read_notice(text_of(name), TODAY, ZONE).cuts) == READ[name]


@pytest.mark.parametrize("name", READ)
def test_how_letters_and_lines_are_stored_changes_nothing(name: str) -> None:
    text = text_of(name)
    plainly = read_notice(text, TODAY, ZONE)
    assert read_notice(unicodedata.normalize("NFD", text), TODAY, ZONE) == plainly
    assert read_notice(text.replace("\n", "\r\n").replace(" ", "\u00a0 "), TODAY, ZONE) == plainly


def test_a_moment_that_was_not_understood_is_handed_back() -> None:
    notice = read_notice(text_of("13_no_day"), TODAY, ZONE)
    assert notice.unread == ("Mất điện lúc 14h00 chưa rõ khi nào có lại",)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        pytest.param("từ 07h30 đến 17h00 ngày 12/12/2026", "12/12 07:30-12/12 17:00", id="h"),
        pytest.param("từ 7g30 tới 17g ngày 12/12/2026", "12/12 07:30-12/12 17:00", id="g, tới"),
        pytest.param("7:30 - 17:00, 12/12/2026", "12/12 07:30-12/12 17:00", id="colon, dash"),
        pytest.param("7h30’–17h00’ ngày 12.12.2026", "12/12 07:30-12/12 17:00", id="primes, dots"),
        pytest.param(
            "từ 7 giờ 30 phút sáng đến 5 giờ chiều ngày 12/12/2026",
            "12/12 07:30-12/12 17:00",
            id="phút, chiều",
        ),
        pytest.param("từ 6h tối đến 9h tối ngày 12/12/2026", "12/12 18:00-12/12 21:00", id="tối"),
        pytest.param("từ 22h00 đến 24h00 ngày 12/12/2026", "12/12 22:00-13/12 00:00", id="24h"),
        pytest.param("từ 22h00 đến 02h00 ngày 12/12/2026", "12/12 22:00-13/12 02:00", id="over night"),
        pytest.param(
            "từ 7h00 ngày 12/12/2026 đến 17h00 ngày 13/12/2026", "12/12 07:00-13/12 17:00", id="two days"
        ),
        pytest.param(
            "từ ngày 12/12/2026 07:00 đến ngày 13/12/2026 17:00", "12/12 07:00-13/12 17:00", id="day first"
        ),
        pytest.param(
            "từ 7h sáng mai 12/12/2026 đến 5h chiều", "12/12 07:00-12/12 17:00", id="tomorrow, and the day"
        ),
        pytest.param("Ngày 12/12/26 (thứ Bảy): 7h-9h", "12/12 07:00-12/12 09:00", id="short year, weekday"),
        pytest.param("ngày 5/12, từ 7h đến 9h", "05/12 07:00-05/12 09:00", id="no year"),
        pytest.param(
            "Bắt đầu: 7h00 12/12/2026\nThời gian kết thúc: 9h00 12/12/2026",
            "12/12 07:00-12/12 09:00",
            id="table",
        ),
    ],
)
def test_a_moment_is_read(when: str, expected: str) -> None:
    (found,) = read_notice(f"{when}\nKhu vực: phường Văn Phú", TODAY, ZONE).cuts
    assert found == cut(expected, "phường Văn Phú")


def test_a_day_without_a_year_is_the_nearest() -> None:
    (found,) = read_notice("ngày 5/1 từ 7h đến 8h: phường Văn Phú", TODAY, ZONE).cuts
    assert found.spans[0].start == datetime(2027, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("Chào buổi sáng cả nhà, đường 19/8 hôm nay đẹp quá", id="small talk"),
        pytest.param("x" * (LONGEST_NOTICE + 1), id="too long"),
        pytest.param("từ 7h đến 8h ngày 5/1/2027: phường Văn Phú\n" * (MOST_CUTS + 1), id="too many"),
    ],
)
def test_what_is_no_notice_is_refused(text: str) -> None:
    with pytest.raises(NoticeError):
        read_notice(text, TODAY, ZONE)


@pytest.mark.parametrize(
    "unit",
    [
        "7h",
        "7h-",
        "ngày ",
        "ngày 1, ",
        " \n",
        "a ",
        "12/12/2026 ",
        "từ 7h đến ",
        "khu vực: ",
        "(",
        "; ",
        "số: 1/a",
    ],
)
def test_a_text_made_to_be_slow_is_read_in_time(unit: str) -> None:
    began = time.process_time()
    with suppress(NoticeError):
        read_notice((unit * LONGEST_NOTICE)[:LONGEST_NOTICE], TODAY, ZONE)
    assert time.process_time() - began < 5


@given(
    st.lists(
        st.sampled_from(
            [
                "từ ",
                "đến ",
                "ngày ",
                "7h",
                "17h30",
                "12/12/2026",
                "31/02/2026",
                "\n",
                ": ",
                "khu vực",
                "lý do",
                "TDP 4",
                "phường Văn Phú",
                ", ",
                " và ",
                "(",
                ")",
                "-",
                "tối",
                "|",
                "99:99",
                "0/0/0000",
                "thôn",
            ]
        ),
        max_size=40,
    ).map("".join)
)
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        notice = read_notice(text, TODAY, ZONE)
    except NoticeError:
        return
    assert all(each.start < each.end for found in notice.cuts for each in found.spans)


@given(
    day=st.dates(date(2026, 6, 1), date(2027, 6, 1)),
    begins=st.integers(0, 23 * 60),
    lasts=st.integers(1, 59),
    hours=st.sampled_from(["{h}h{m:02}", "{h:02}:{m:02}", "{h} giờ {m} phút", "{h}g{m:02}"]),
    days=st.sampled_from(
        ["{d:%d/%m/%Y}", "{d:%d-%m-%Y}", "{d.day} tháng {d.month} năm {d.year}", "{d.day}/{d.month}/{d.year}"]
    ),
    layout=st.sampled_from(
        [
            "Từ {a} đến {b} ngày {d}: {area}",
            "Ngày {d}\n- {a} – {b}: {area}",
            "Khu vực: {area}\nThời gian: từ {a} đến {b} ngày {d}\nLý do: Thay cột",
            "Thời gian: {a} - {b}\nNgày: {d}\nKhu vực mất điện: {area}",
        ]
    ),
)
def test_what_is_written_is_read(
    day: date, begins: int, lasts: int, hours: str, days: str, layout: str
) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    start, end = midnight + timedelta(minutes=begins), midnight + timedelta(minutes=begins + lasts)
    said = {
        "a": hours.format(h=start.hour, m=start.minute),
        "b": hours.format(h=end.hour, m=end.minute),
        "d": days.format(d=day),
        "area": "phường Văn Phú",
    }
    (found,) = read_notice(layout.format(**said), TODAY, ZONE).cuts
    assert (found.spans, found.areas) == (
        (Span(start.astimezone(UTC), end.astimezone(UTC)),),
        ("phường Văn Phú",),
    )


# --- matched to the registry ------------------------------------------------------------------------

POINTS = [  # code, lowest unit, residential group, address
    ("P1", "04261-1", "Tổ dân phố số 4", "12 đường Điện Biên"),  # Đồng Tâm, merged into Yên Bái
    ("P2", "04252-1", "TDP 4", ""),  # Yên Ninh, the same
    ("P3", "04252-2", "TDP số 05", "đường Trần Hưng Đạo"),  # Yên Bái
    ("P4", "04252-2", "Tổ 7", "khu chợ Bến Đò"),
    ("P5", "04276-1", "Thôn Minh Long", ""),  # Tuy Lộc, merged into Nam Cường
    ("P6", "04279-2", "TDP Phúc Thọ", ""),  # Văn Phú
    ("P7", "04279-2", "", "Tổ dân phố số 2, quốc lộ 37"),
    ("P8", "04279-2", "Thôn 2", "trường Lê Hồng Phong"),
    ("P9", "04543-3", "thôn Minh Tấn", ""),  # Âu Lâu
    ("P10", "04273-2", "Tổ 1", ""),  # the old Nam Cường, merged into the new one
]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(sqlite_in(tmp_path_factory.mktemp("notices")))
    with database.transaction() as session:
        units.load_data_set(session, "yen-bai")
        ids = {unit.uid: unit.id for unit in units.UnitTree.load(session).units.values()}
        for code, unit, group, address in POINTS:
            point = models.Point(code=code, name=f"Điểm {code}", residential_group=group, address=address)
            session.add(point)
            session.flush()
            session.add(models.PointUnit(point_id=point.id, unit_id=ids[unit]))
    yield database
    database.close()


def matches(registry: Database, *areas: str, day: date = TODAY) -> list[tuple[str, list[str], Doubt | None]]:
    start = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
    notice = Notice((Cut((Span(start, start + timedelta(hours=1)),), areas),))
    with registry.reading() as session:
        (proposal,) = propose(session, Scope.everything(), notice, TODAY, ZONE)

        def told(match: Match) -> list[str]:
            called = names(session, match.covers)
            return [_short(called[cover]) for cover in match.covers]

        return [(match.text, told(match), match.doubt) for match in proposal.matches]


def _short(name: str) -> str:
    """``unit:Phường Văn Phú (04279-2)`` as ``04279-2``, ``point:P1`` as ``P1``."""
    return name.partition("(")[2].rstrip(")") if name.startswith("unit:") else name.partition(":")[2]


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        pytest.param("phường Văn Phú", [("phường Văn Phú", ["04279-2"], None)], id="a whole unit"),
        pytest.param("toan bo phuong van phu", [("phuong van phu", ["04279-2"], None)], id="without marks"),
        pytest.param("P.Văn Phú", [("P Văn Phú", ["04279-2"], None)], id="abbreviated"),
        pytest.param(
            "phường Văn Phú, Âu Lâu và Nam Cường",
            [
                ("phường Văn Phú", ["04279-2"], None),
                ("Âu Lâu", ["04543-3"], None),
                ("Nam Cường", ["04273-3"], None),
            ],
            id="a list of units",
        ),
        pytest.param(
            "các phường: Văn Phú, Âu Lâu",
            [("Văn Phú", ["04279-2"], None), ("Âu Lâu", ["04543-3"], None)],
            id="a list with its kind in front",
        ),
        pytest.param(
            "phường Văn Phú, tỉnh Lào Cai", [("phường Văn Phú", ["04279-2"], None)], id="with its province"
        ),
        pytest.param(
            "một phần phường Văn Phú", [("phường Văn Phú", ["04279-2"], Doubt.PART)], id="a part of a unit"
        ),
        pytest.param(
            "phường Văn Phú (một phần)",
            [("phường Văn Phú", ["04279-2"], Doubt.PART)],
            id="a part, said behind",
        ),
        pytest.param(
            "toàn bộ phường Văn Phú (trừ TDP Phúc Thọ)",
            [("phường Văn Phú", ["04279-2"], Doubt.PART), ("trừ TDP Phúc Thọ", [], Doubt.LEFT_OUT)],
            id="all but a part",
        ),
        pytest.param("TDP số 5 phường Yên Bái", [("TDP 5, phường Yên Bái", ["P3"], None)], id="a group"),
        pytest.param(
            "tổ 05, phường Yên Bái", [("tổ 5, phường Yên Bái", ["P3"], None)], id="a group otherwise written"
        ),
        pytest.param(
            "TDP Phúc Thọ phường Văn Phú",
            [("TDP Phúc Thọ, phường Văn Phú", ["P6"], None)],
            id="a group with a name",
        ),
        pytest.param(
            "Phường Văn Phú (TDP Phúc Thọ, TDP số 2)",
            [("TDP Phúc Thọ, Phường Văn Phú", ["P6"], None), ("TDP 2, Phường Văn Phú", ["P7"], None)],
            id="unit first; a group told by the address",
        ),
        pytest.param(
            "TDP 5, 6, 7 phường Yên Bái",
            [
                ("TDP 5, phường Yên Bái", ["P3"], None),
                ("TDP 6, phường Yên Bái", [], Doubt.NO_POINT),
                ("TDP 7, phường Yên Bái", ["P4"], None),
            ],
            id="numbers",
        ),
        pytest.param(
            "từ tổ 5 đến tổ 7 phường Yên Bái",
            [
                ("tổ 5, phường Yên Bái", ["P3"], None),
                ("tổ 6, phường Yên Bái", [], Doubt.NO_POINT),
                ("tổ 7, phường Yên Bái", ["P4"], None),
            ],
            id="from one number to another",
        ),
        pytest.param(
            "TDP 4 phường Yên Bái",
            [("TDP 4, phường Yên Bái", ["P1", "P2"], Doubt.AMBIGUOUS)],
            id="two old wards' groups",
        ),
        pytest.param(
            "tổ 1 phường Nam Cường",
            [("tổ 1, phường Nam Cường", ["P10"], Doubt.OLD_NUMBER)],
            id="an old ward's number",
        ),
        pytest.param(
            "tổ 1 phường Nam Cường cũ",
            [("tổ 1, phường Nam Cường", ["P10"], None)],
            id="the old ward of the same name",
        ),
        pytest.param(
            "thôn Minh Long xã Tuy Lộc",
            [("thôn Minh Long, xã Tuy Lộc", ["P5"], Doubt.OLD_NAME)],
            id="an old ward",
        ),
        pytest.param(
            "thôn Minh Long xã Tuy Lộc (cũ)", [("thôn Minh Long, xã Tuy Lộc", ["P5"], None)], id="said apart"
        ),
        pytest.param("phường Không Có", [("phường Không Có", [], Doubt.NO_UNIT)], id="no such unit"),
        pytest.param(
            "đường Trần Hưng Đạo phường Yên Bái",
            [("đường Trần Hưng Đạo, phường Yên Bái", ["P3"], None)],
            id="a street",
        ),
        pytest.param("đường Trần Hưng Đạo", [("đường Trần Hưng Đạo", ["P3"], None)], id="a street alone"),
        pytest.param(
            "đường Điện Biên, phường Yên Bái (từ số nhà 1 đến số nhà 99)",
            [("đường Điện Biên, phường Yên Bái", ["P1"], Doubt.PART)],
            id="a part of a street",
        ),
        pytest.param(
            "QL 37 phường Văn Phú", [("QL 37, phường Văn Phú", ["P7"], None)], id="a road by its number"
        ),
        pytest.param(
            "đường Lê Hồng Phong phường Văn Phú",
            [("đường Lê Hồng Phong, phường Văn Phú", ["P8"], Doubt.GUESS)],
            id="a school of the street's name",
        ),
        pytest.param(
            "khu chợ Bến Đò phường Yên Bái", [("khu chợ Bến Đò, phường Yên Bái", ["P4"], None)], id="a place"
        ),
        pytest.param(
            "thôn Minh Tân phường Âu Lâu",
            [("thôn Minh Tân, phường Âu Lâu", ["P9"], Doubt.SPELLING)],
            id="other marks",
        ),
        pytest.param("tổ 5", [("tổ 5", ["P3"], Doubt.AMBIGUOUS)], id="a number without a unit"),
        pytest.param("TBA Km 5", [("TBA Km 5", [], Doubt.NO_POINT)], id="what no registry knows"),
    ],
)
def test_an_area_is_matched_or_says_what_is_in_doubt(
    registry: Database, area: str, expected: list[tuple[str, list[str], Doubt | None]]
) -> None:
    assert matches(registry, area) == expected


def test_a_heading_holds_for_the_lines_below_it(registry: Database) -> None:
    assert matches(registry, "Phường Yên Bái:", "tổ 5", "đường Trần Hưng Đạo") == [
        ("tổ 5, Phường Yên Bái", ["P3"], None),
        ("đường Trần Hưng Đạo, Phường Yên Bái", ["P3"], None),
    ]
    assert matches(registry, "Phường Yên Bái", "tổ 5") == [
        ("Phường Yên Bái", ["04252-2"], Doubt.PART),
        ("tổ 5, Phường Yên Bái", ["P3"], None),
    ]


def test_units_are_those_of_the_day_of_the_cut(registry: Database) -> None:
    long_ago = date(2024, 5, 1)
    assert matches(registry, "phường Nam Cường", day=long_ago) == [("phường Nam Cường", ["04273-2"], None)]
    assert matches(registry, "thôn Minh Long xã Tuy Lộc", day=long_ago) == [
        ("thôn Minh Long, xã Tuy Lộc", ["P5"], None)
    ]


def test_a_reader_s_scope_has_no_points_elsewhere(registry: Database) -> None:
    start = datetime(2026, 12, 12, tzinfo=UTC)
    areas = ("TDP 5 phường Yên Bái", "phường Yên Bái", "phường Văn Phú", "TDP Phúc Thọ phường Văn Phú")
    notice = Notice((Cut((Span(start, start + timedelta(hours=1)),), areas),))
    with registry.reading() as session:
        tree = units.UnitTree.load(session)
        scope = Scope.of([tree.resolve("phường Văn Phú", TODAY).id])
        (proposal,) = propose(session, scope, notice, TODAY, ZONE)
    assert [len(match.covers) for match in proposal.matches] == [0, 0, 1, 1]


def test_what_is_sure_counts_once(registry: Database) -> None:
    start = datetime(2026, 12, 12, tzinfo=UTC)
    areas = ("TDP 5 phường Yên Bái", "đường Trần Hưng Đạo phường Yên Bái")
    notice = Notice((Cut((Span(start, start + timedelta(hours=1)),), areas),))
    with registry.reading() as session:
        (proposal,) = propose(session, Scope.everything(), notice, TODAY, ZONE)
    assert [type(cover) for cover in proposal.sure] == [Cover]


@given(
    st.lists(
        st.sampled_from(
            [
                "phường ",
                "Văn Phú",
                "xã ",
                "Tuy Lộc",
                "TDP ",
                "4",
                ", ",
                "(",
                ")",
                ": ",
                " và ",
                "số ",
                "đường ",
                "một phần ",
                "cũ",
                "các ",
                "từ ",
                " đến ",
                "số nhà ",
                "tỉnh ",
                "Lào Cai",
                " gồm ",
                "thôn ",
                "khu vực ",
                "P.",
            ]
        ),
        max_size=15,
    ).map("".join)
)
def test_no_area_breaks_the_matcher_and_none_is_lost(registry: Database, area: str) -> None:
    found = matches(registry, area)
    says_something = any(word in area for word in ("Văn Phú", "Tuy Lộc", "4"))
    assert found or not says_something
