"""What messages say, word by word; and what they never say, whatever names people give to things."""

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_registry.alerts import digests, happened, words
from camera_registry.alerts.html import html
from camera_registry.alerts.occasions import Occasion, What, Where
from camera_registry.alerts.phrases import is_person, plain
from camera_registry.alerts.routing import DIGESTS, REMINDERS, Kind
from camera_registry.i18n import LANGUAGES, Language
from camera_registry.incidents import Kind as IncidentKind

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
FELL = datetime(2025, 9, 9, 14, 40, tzinfo=UTC)  # 21:40
NOW = FELL + timedelta(minutes=12)
BACK = FELL + timedelta(hours=2, minutes=15)

WARD = Where(1, "Phường Yên Bái", "YB-0127", manager="Công an phường Yên Bái", phone="0216 3852 999")
POINT = Occasion(
    "incident:12",
    What.OUTAGE,
    WARD,
    ("YB-0127-1", "YB-0127-2", "YB-0127-3"),
    3,
    FELL,
    FELL,
    FELL,
    reason="TCP_TIMEOUT",
    incident=12,
    kind=IncidentKind.POINT,
)
EYE = replace(POINT, eyes=("YB-0127-2",), kind=IncidentKind.EYE)
AREA = replace(
    POINT,
    where=Where(1, "Phường Yên Bái", points=12, codes=("YB-0101", "YB-0102", "YB-0103"), offices=2),
    eyes=tuple(f"E{n}" for n in range(41)),
    of_eyes=52,
    kind=IncidentKind.AREA,
)
SITE = replace(
    AREA,
    what=What.SITE,
    where=Where(None, "", points=12, site="HO-DAN", codes=("YB-0101",), offices=2, site_name="Hộ dân"),
    kind=IncidentKind.SITE,
)
ORPHAN = replace(EYE, where=Where(1, "Phường Yên Bái", "YB-0127"))
HOUSEHOLD = replace(EYE, where=replace(WARD, manager="Hộ ông Nguyễn Văn A", phone="0912 345 678"))


def over(occasion: Occasion) -> Occasion:
    return replace(occasion, ended_at=BACK)


def taken(occasion: Occasion) -> Occasion:
    return replace(occasion, acknowledged_at=NOW, acknowledged_by="tuan.nguyen")


def found(what: What, reason: str = "") -> Occasion:
    """What probes found of one eye."""
    return replace(EYE, key=f"{what}:1", what=what, reason=reason, incident=None, kind=None)


@pytest.mark.parametrize(
    ("kind", "occasion", "options", "title", "text"),
    [
        pytest.param(
            Kind.OPENED,
            POINT,
            {},
            "[MẤT KẾT NỐI] YB-0127, phường Yên Bái: 3/3 mắt",
            "[MẤT KẾT NỐI] Điểm YB-0127, phường Yên Bái: 3/3 mắt camera mất kết nối từ 21:40 ngày 09/9. "
            "Nguyên nhân có thể: mất điện hoặc mất đường truyền tại điểm. "
            "Phụ trách: Công an phường Yên Bái, ĐT 0216 3852 999.",
            id="a point",
        ),
        pytest.param(
            Kind.OPENED,
            EYE,
            {"answerable": True},
            "[MẤT KẾT NỐI] YB-0127, phường Yên Bái: 1/3 mắt",
            "[MẤT KẾT NỐI] Điểm YB-0127, phường Yên Bái: 1/3 mắt camera (YB-0127-2) mất kết nối từ 21:40 "
            "ngày 09/9. Nguyên nhân có thể: chính camera, bộ nguồn hoặc dây của camera. "
            "Phụ trách: Công an phường Yên Bái, ĐT 0216 3852 999. Trả lời NHAN YB-0127 để tiếp nhận.",
            id="an eye, over a channel that takes answers",
        ),
        pytest.param(
            Kind.OPENED,
            replace(EYE, reason="CHANNEL_OFFLINE"),
            {"escalated": True},
            "[MẤT KẾT NỐI] YB-0127, phường Yên Bái: 1/3 mắt",
            "[MẤT KẾT NỐI] Điểm YB-0127, phường Yên Bái: 1/3 mắt camera (YB-0127-2) mất kết nối từ 21:40 "
            "ngày 09/9. Chưa có ai tiếp nhận. Nguyên nhân có thể: chính camera, bộ nguồn hoặc dây của "
            "camera. Phụ trách: Công an phường Yên Bái, ĐT 0216 3852 999.",
            id="told to the next, because nobody has acknowledged",
        ),
        pytest.param(
            Kind.OPENED,
            replace(ORPHAN, reason="AUTH_REJECTED"),
            {},
            "[MẤT KẾT NỐI] YB-0127, phường Yên Bái: 1/3 mắt",
            "[MẤT KẾT NỐI] Điểm YB-0127, phường Yên Bái: 1/3 mắt camera (YB-0127-2) mất kết nối từ 21:40 "
            "ngày 09/9. Nguyên nhân có thể: thiết bị không nhận mật khẩu ghi trong sổ đăng ký. "
            "Điểm chưa được bàn giao cho đơn vị nào.",
            id="a password, in nobody's hands",
        ),
        pytest.param(
            Kind.OPENED,
            HOUSEHOLD,
            {},
            "[MẤT KẾT NỐI] YB-0127, phường Yên Bái: 1/3 mắt",
            "[MẤT KẾT NỐI] Điểm YB-0127, phường Yên Bái: 1/3 mắt camera (YB-0127-2) mất kết nối từ 21:40 "
            "ngày 09/9. Nguyên nhân có thể: chính camera, bộ nguồn hoặc dây của camera. "
            "Phụ trách: hộ gia đình (xem sổ đăng ký).",
            id="a household is not named, nor its number",
        ),
        pytest.param(
            Kind.OPENED,
            AREA,
            {"answerable": True},
            "[MẤT KẾT NỐI] Phường Yên Bái: 41/52 mắt",
            "[MẤT KẾT NỐI] Phường Yên Bái, 12 điểm lắp đặt (YB-0101, YB-0102, YB-0103 và 9 điểm khác): "
            "41/52 mắt camera mất kết nối từ 21:40 ngày 09/9. "
            "Nguyên nhân có thể: mất điện hoặc mất đường truyền cả khu vực. Nhiều đơn vị phụ trách. "
            "Trả lời NHAN và mã một điểm để tiếp nhận, ví dụ NHAN YB-0101.",
            id="an area",
        ),
        pytest.param(
            Kind.OPENED,
            replace(
                taken(AREA), where=replace(AREA.where, manager=WARD.manager, phone=WARD.phone, offices=1)
            ),
            {"answerable": True, "escalated": True},
            "[MẤT KẾT NỐI] Phường Yên Bái: 41/52 mắt",
            "[MẤT KẾT NỐI] Phường Yên Bái, 12 điểm lắp đặt (YB-0101, YB-0102, YB-0103 và 9 điểm khác): "
            "41/52 mắt camera mất kết nối từ 21:40 ngày 09/9. Đã tiếp nhận lúc 21:52 ngày 09/9. "
            "Nguyên nhân có thể: mất điện hoặc mất đường truyền cả khu vực. "
            "Phụ trách: Công an phường Yên Bái, ĐT 0216 3852 999.",
            id="an area of one office, which has it in hand",
        ),
        pytest.param(
            Kind.OPENED,
            SITE,
            {},
            "[MẤT LIÊN LẠC] HO-DAN (Hộ dân): 41 mắt camera",
            "[MẤT LIÊN LẠC] Khu vực mạng HO-DAN (Hộ dân): hệ thống giám sát mất liên lạc từ 21:40 ngày 09/9. "
            "41 mắt camera chưa xác định được trạng thái, không tính là mất kết nối. "
            "Nguyên nhân có thể: đường truyền đến khu vực mạng, nguồn điện hoặc máy kiểm tra tại đó. "
            "Đề nghị kiểm tra đường truyền và nguồn điện tại đó trước, sau đó đến máy kiểm tra.",
            id="a site that is not heard",
        ),
        pytest.param(
            Kind.RECOVERED,
            over(POINT),
            {},
            "[ĐÃ KHÔI PHỤC] YB-0127, phường Yên Bái: 3 mắt camera",
            "[ĐÃ KHÔI PHỤC] Điểm YB-0127, phường Yên Bái: 3/3 mắt camera mất kết nối từ 21:40 ngày 09/9, "
            "hoạt động trở lại lúc 23:55, sau 2 giờ 15 phút.",
            id="a point is back",
        ),
        pytest.param(
            Kind.RECOVERED,
            replace(AREA, ended_at=FELL + timedelta(days=3, hours=1)),
            {},
            "[ĐÃ KHÔI PHỤC] Phường Yên Bái: 41 mắt camera",
            "[ĐÃ KHÔI PHỤC] Phường Yên Bái, 12 điểm lắp đặt (YB-0101, YB-0102, YB-0103 và 9 điểm khác): "
            "41/52 mắt camera mất kết nối từ 21:40 ngày 09/9, "
            "ít nhất 80 % đã hoạt động trở lại lúc 22:40 ngày 12/9, sau 3 ngày.",
            id="an area is back",
        ),
        pytest.param(
            Kind.RECOVERED,
            over(SITE),
            {},
            "[ĐÃ LIÊN LẠC LẠI] HO-DAN (Hộ dân): 41 mắt camera",
            "[ĐÃ LIÊN LẠC LẠI] Khu vực mạng HO-DAN (Hộ dân): hệ thống giám sát mất liên lạc từ 21:40 "
            "ngày 09/9, liên lạc lại được lúc 23:55, sau 2 giờ 15 phút.",
            id="a site is heard again",
        ),
        pytest.param(
            Kind.RECOVERED,
            replace(POINT, withdrawn_at=BACK),
            {},
            "[RÚT LẠI] YB-0127, phường Yên Bái: 3 mắt camera",
            "[RÚT LẠI] Điểm YB-0127, phường Yên Bái: rút lại tin (3/3 mắt camera mất kết nối từ 21:40 "
            "ngày 09/9). Báo nhầm, hoặc đã ghi nhận là do mất điện hay bảo trì.",
            id="withdrawn",
        ),
        pytest.param(
            Kind.REMINDER_3D,
            replace(POINT, started_at=NOW - timedelta(days=3)),
            {"answerable": True},
            "[NHẮC LẠI: MẤT KẾT NỐI] YB-0127, phường Yên Bái: 3/3 mắt",
            "[NHẮC LẠI: MẤT KẾT NỐI] Điểm YB-0127, phường Yên Bái: 3/3 mắt camera mất kết nối từ 21:52 "
            "ngày 06/9, đến nay đã 3 ngày. Chưa có ai tiếp nhận. Nguyên nhân có thể: mất điện hoặc mất "
            "đường truyền tại điểm. Phụ trách: Công an phường Yên Bái, ĐT 0216 3852 999. "
            "Trả lời NHAN YB-0127 để tiếp nhận.",
            id="a reminder",
        ),
        pytest.param(
            Kind.REMINDER_1D,
            replace(taken(POINT), started_at=NOW - timedelta(days=1)),
            {"answerable": True},
            "[NHẮC LẠI: MẤT KẾT NỐI] YB-0127, phường Yên Bái: 3/3 mắt",
            "[NHẮC LẠI: MẤT KẾT NỐI] Điểm YB-0127, phường Yên Bái: 3/3 mắt camera mất kết nối từ 21:52 "
            "ngày 08/9, đến nay đã 1 ngày. Đã tiếp nhận lúc 21:52 ngày 09/9. Nguyên nhân có thể: mất "
            "điện hoặc mất đường truyền tại điểm. Phụ trách: Công an phường Yên Bái, ĐT 0216 3852 999.",
            id="a reminder of what somebody has in hand, who is not named",
        ),
        pytest.param(
            Kind.UNSTABLE,
            found(What.UNSTABLE),
            {},
            "[CHẬP CHỜN] YB-0127, phường Yên Bái: 1/3 mắt",
            "[CHẬP CHỜN] Điểm YB-0127, phường Yên Bái: 1/3 mắt camera (YB-0127-2) nhiều lần mất rồi lại có "
            "kết nối từ 21:40 ngày 09/9. Phụ trách: Công an phường Yên Bái, ĐT 0216 3852 999. "
            "Khi còn chập chờn, không báo từng lần mất kết nối, trừ khi mất lâu.",
            id="unstable",
        ),
        pytest.param(
            Kind.NOTICE,
            found(What.DEGRADED, "PICTURE_COVERED"),
            {},
            "[HÌNH KHÔNG DÙNG ĐƯỢC] YB-0127, phường Yên Bái: 1/3 mắt",
            "[HÌNH KHÔNG DÙNG ĐƯỢC] Điểm YB-0127, phường Yên Bái: 1/3 mắt camera (YB-0127-2) không có hình "
            "dùng được từ 21:40 ngày 09/9. Ghi nhận: ống kính bị che. "
            "Phụ trách: Công an phường Yên Bái, ĐT 0216 3852 999.",
            id="a picture",
        ),
        pytest.param(
            Kind.NOTICE,
            found(What.EXPOSURE, "STREAM_OPEN_NO_AUTH"),
            {},
            "[BẢO MẬT] YB-0127, phường Yên Bái: 1/3 mắt",
            "[BẢO MẬT] Điểm YB-0127, phường Yên Bái: 1/3 mắt camera (YB-0127-2) xem được mà không cần đăng "
            "nhập, phát hiện lúc 21:40 ngày 09/9. Phụ trách: Công an phường Yên Bái, ĐT 0216 3852 999. "
            "Đề nghị báo kỹ thuật viên khắc phục.",
            id="exposure",
        ),
        pytest.param(
            Kind.NOTICE,
            found(What.RETENTION, "RETENTION_SHORT"),
            {},
            "[LƯU TRỮ] YB-0127, phường Yên Bái: 1/3 mắt",
            "[LƯU TRỮ] Điểm YB-0127, phường Yên Bái: 1/3 mắt camera (YB-0127-2) lưu hình không đủ số ngày "
            "quy định từ 21:40 ngày 09/9. Ghi nhận: hình ghi lưu chưa đủ số ngày yêu cầu. "
            "Phụ trách: Công an phường Yên Bái, ĐT 0216 3852 999.",
            id="retention",
        ),
        pytest.param(
            Kind.NOTICE,
            found(What.CLOCK, "CLOCK_UNSET"),
            {},
            "[SAI GIỜ] YB-0127, phường Yên Bái: 1/3 mắt",
            "[SAI GIỜ] Điểm YB-0127, phường Yên Bái: 1/3 mắt camera (YB-0127-2) sai giờ từ 21:40 ngày 09/9. "
            "Ghi nhận: đồng hồ của thiết bị chưa được đặt giờ. "
            "Phụ trách: Công an phường Yên Bái, ĐT 0216 3852 999.",
            id="clock",
        ),
        pytest.param(
            Kind.NOTICE,
            found(What.FIRMWARE),
            {},
            "[THIẾT BỊ THAY ĐỔI] YB-0127, phường Yên Bái: 1/3 mắt",
            "[THIẾT BỊ THAY ĐỔI] Điểm YB-0127, phường Yên Bái: 1/3 mắt camera (YB-0127-2) có phần mềm khác "
            "hoặc thiết bị khác trả lời, phát hiện lúc 21:40 ngày 09/9. "
            "Phụ trách: Công an phường Yên Bái, ĐT 0216 3852 999. "
            "Nếu đơn vị không thay đổi gì, hãy báo kỹ thuật viên.",
            id="firmware",
        ),
    ],
)
def test_a_message_says_all_that_is_needed(
    kind: Kind, occasion: Occasion, options: dict[str, Any], title: str, text: str
) -> None:
    said = words.message(kind, occasion, "vi", ZONE, max(NOW, occasion.ended_at or NOW), **options)

    assert said.text == text
    assert said.title == title


@pytest.mark.parametrize(
    ("kind", "occasion", "text"),
    [
        pytest.param(
            Kind.OPENED,
            POINT,
            "[DISCONNECTED] Point YB-0127, phường Yên Bái: 3/3 eyes disconnected since 21:40 on 2025-09-09. "
            "Probable cause: a power cut or a broken line at the point. "
            "Responsible: Công an phường Yên Bái, phone 0216 3852 999.",
            id="opened",
        ),
        pytest.param(
            Kind.RECOVERED,
            over(POINT),
            "[RESTORED] Point YB-0127, phường Yên Bái: 3/3 eyes disconnected since 21:40 on 2025-09-09, "
            "work again since 23:55, after 2 h 15 min.",
            id="recovered",
        ),
        pytest.param(
            Kind.REMINDER_7D,
            replace(EYE, started_at=NOW - timedelta(days=7)),
            "[REMINDER: DISCONNECTED] Point YB-0127, phường Yên Bái: 1/3 eyes (YB-0127-2) disconnected since "
            "21:52 on 2025-09-02, for 7 days now. Nobody has taken it in hand yet. Probable cause: the "
            "camera itself, its power supply or its cable. "
            "Responsible: Công an phường Yên Bái, phone 0216 3852 999.",
            id="reminder",
        ),
        pytest.param(
            Kind.OPENED,
            SITE,
            "[NOT HEARD] Site HO-DAN (Hộ dân): the monitor has not heard from there since 21:40 "
            "on 2025-09-09. The state of 41 eyes is unknown, which is not counted as disconnected. "
            "Probable cause: the line to the site, or the power or the machine there. "
            "Look at the line and the power there first, then at the machine that asks.",
            id="site",
        ),
    ],
)
def test_a_message_in_english(kind: Kind, occasion: Occasion, text: str) -> None:
    said = words.message(kind, occasion, "en", ZONE, max(NOW, occasion.ended_at or NOW))

    assert said.text == text


def test_data_say_the_same_and_no_person() -> None:
    told = words.told(Kind.OPENED, taken(HOUSEHOLD))

    assert told == {
        "kind": "opened",
        "occasion": "incident:12",
        "what": "outage",
        "cause": "eye",
        "reason": "TCP_TIMEOUT",
        "incident": 12,
        "unit": "Phường Yên Bái",
        "point": "YB-0127",
        "points": 1,
        "site": None,
        "eyes": ["YB-0127-2"],
        "eyes_away": 1,
        "eyes_of": 3,
        "started_at": "2025-09-09T14:40:00+00:00",
        "ended_at": None,
        "withdrawn": False,
        "acknowledged_at": "2025-09-09T14:52:00+00:00",
        "responsible": None,
        "phone": None,
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_occasion_of_every_kind_has_words(language: Language) -> None:
    for what in set(What) - {What.RECOVERY}:
        for kind in set(Kind) - DIGESTS:
            said = words.message(kind, replace(POINT, what=what, ended_at=BACK), language, ZONE, NOW)
            assert said.text.startswith(said.title[: said.title.index("]")])


def test_what_was_held_is_told_once_each_as_it_stands() -> None:
    early = replace(POINT, key="incident:11", where=replace(WARD, point="YB-0044"))
    said = [(Kind.OPENED, over(early)), (Kind.OPENED, AREA), (Kind.RECOVERED, over(early))]
    held = digests.held(Kind.HELD, said, "vi", ZONE, BACK, unit="Phường Yên Bái")

    assert held.title == "[TIN GỘP] Phường Yên Bái: 1 việc đang diễn ra, 1 đã kết thúc"
    assert held.text == (
        "[TIN GỘP] Phường Yên Bái, 23:55 ngày 09/9.\n"
        "\nĐang diễn ra, chưa báo trước đó:\n"
        "- [MẤT KẾT NỐI] Phường Yên Bái: 41/52 mắt, từ 21:40 ngày 09/9 (2 giờ 15 phút); "
        "nhiều đơn vị phụ trách\n"
        "\nĐã kết thúc:\n"
        "- [ĐÃ KHÔI PHỤC] YB-0044, phường Yên Bái: 3 mắt camera, từ 21:40 ngày 09/9 đến 23:55 (2 giờ 15 phút)"
    )
    assert digests.told_held(Kind.HELD, said)["messages"] == 3


# --- whatever the names -------------------------------------------------------------------------------

OCTET = r"(?:25[0-5]|2[0-4]\d|[01]?\d?\d)"
ADDRESS = re.compile(
    rf"(?<!\d)(?<!\d\.){OCTET}(?:\.{OCTET}){{3}}(?!\.?\d)|::[\da-f]|[0-9a-fA-F]{{2}}(?:[:-][0-9a-fA-F]{{2}}){{5}}"
)
NASTY = [
    *("", "W" * 400, "ế" * 400, "e\u0302\u0301" * 200, "…" * 90, "một\nhai\r\nba\u2028bốn"),
    *("a\x00b\x1b[31m\u202ec\u200bd\ud800", "{text}", "%s", "<b>", "fe80::1", "2001:db8::1/64", "::"),
    *("10.0.0.5", "NVR 192.168.1.2:554", "x-010.001.002.003]", "a.10.0.0.5", "rtsp://admin:x@10.1.2.3/live"),
    *("00:1a:2B:3c:4d:5e", "00-1a-2B-3c-4d-5e"),
]
NAMES = st.one_of(st.sampled_from(NASTY), st.text(max_size=20))


@st.composite
def occasions(draw: st.DrawFn) -> Occasion:
    eyes = tuple(draw(st.lists(NAMES, min_size=1, max_size=4)))
    where = Where(
        *(
            1,
            draw(NAMES),
            draw(NAMES),
            draw(st.sampled_from([1, 9_999])),
            draw(NAMES),
            draw(NAMES),
            draw(NAMES),
        ),
        codes=tuple(draw(st.lists(NAMES, max_size=3))),
        offices=draw(st.sampled_from([0, 2])),
        site_name=draw(NAMES),
    )
    return Occasion(
        key=f"incident:{draw(st.integers(1, 4))}",
        what=draw(st.sampled_from([what for what in What if what is not What.RECOVERY])),
        where=where,
        eyes=eyes,
        of_eyes=draw(st.sampled_from([0, 3, 99_999])),
        started_at=FELL,
        told_at=FELL,
        recorded_at=FELL,
        ended_at=draw(st.sampled_from([None, BACK])),
        withdrawn_at=draw(st.sampled_from([None, BACK])),
        acknowledged_at=draw(st.sampled_from([None, BACK])),
        acknowledged_by="tuan.nguyen",
        reason=draw(st.sampled_from(["", "TCP_TIMEOUT", "AUTH_REJECTED", "SOMETHING_NEWER"])),
        incident=12,
        kind=draw(st.sampled_from([None, *IncidentKind])),
    )


def is_safe(said: words.Words) -> None:
    assert len(said.title) <= words.LONGEST_TITLE
    assert len(said.text) <= words.LONGEST_TEXT
    for text in (said.title, *said.text.split("\n")):
        assert all(unicodedata.category(char)[0] != "C" for char in text)
        assert ADDRESS.search(text) is None
        assert "tuan.nguyen" not in text


@settings(max_examples=100)
@given(
    occasions(), st.sampled_from([kind for kind in Kind if kind not in DIGESTS]), st.sampled_from(LANGUAGES)
)
def test_no_name_makes_a_message_too_long_or_betrays_an_address(
    occasion: Occasion, kind: Kind, language: Language
) -> None:
    said = words.message(kind, occasion, language, ZONE, BACK, answerable=True, escalated=True)

    is_safe(said)
    assert ADDRESS.search(str(words.told(kind, occasion))) is None


HELD = st.tuples(st.sampled_from([Kind.OPENED, *REMINDERS.values()]), occasions())


@settings(max_examples=40)
@given(st.lists(HELD, max_size=8), NAMES)
def test_no_name_makes_a_summary_too_long_or_betrays_an_address(
    said: list[tuple[Kind, Occasion]], unit: str
) -> None:
    is_safe(digests.held(Kind.MORNING, said, "vi", ZONE, BACK, unit=unit))


@given(st.ip_addresses(), st.sampled_from(["", "NVR ", "("]), st.sampled_from(["", ":554", ")", " cổng 80"]))
def test_an_address_in_a_name_is_left_out(address: object, before: str, after: str) -> None:
    assert str(address) not in plain(f"{before}{address}{after}", 100)


@pytest.mark.parametrize(
    "name",
    ["0216.3.852.999", "08:30", "số 12:30/QĐ-UBND", "Đ/c 1.2.3", "Đường 19/5", "v1.2.3.4.5", "999.1.1.1"],
)
def test_what_is_no_address_stays(name: str) -> None:
    assert plain(name, 100) == name


@pytest.mark.parametrize(
    ("manager", "person"),
    [
        ("Hộ ông Nguyễn Văn A", True),
        ("hộ gia đình Trần B", True),
        ("Ông Lê C", True),
        ("Bà: Đỗ D", True),
        ("Công an phường Yên Bái", False),
        ("UBND phường Bà Rịa", False),
        ("Ban quản lý chợ Hồng Hà", False),
        ("Công ty Ông Bụt", False),
    ],
)
def test_a_person_is_told_from_an_office(manager: str, person: bool) -> None:
    assert is_person(manager) == person


# --- where it is ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("custodies", "manager", "phone", "offices"),
    [
        (dict.fromkeys(range(5), ("UBND phường", "0216 1")), "UBND phường", "0216 1", 1),
        ({n: ("UBND phường", f"0216 {n}") for n in range(5)}, "UBND phường", "", 1),
        ({0: ("UBND phường", "0216 1"), 1: ("Công an phường", "0216 2")}, "", "", 2),
        ({}, "", "", 0),
    ],
    ids=["one office", "one office with several numbers", "several, and nobody", "nobody"],
)
def test_of_several_points_the_first_are_named_and_whose_they_are(
    custodies: dict[int, tuple[str, str]], manager: str, phone: str, offices: int
) -> None:
    ground = happened.Ground(
        homes={n: (1, frozenset({1})) for n in range(5)},
        unit_names={1: "Phường Yên Bái"},
        codes={n: f"YB-{9 - n}" for n in range(5)},
        in_service={(n, 1): 2 for n in range(5)},
        custodies=custodies,
    )
    touched = tuple(happened.Touched(n, f"E{n}", n, 1, True, "") for n in range(5))
    occasion = happened.cut(happened.Happening(AREA, touched), ground, lambda *_: True)

    assert occasion is not None
    assert occasion.where == Where(
        *(1, "Phường Yên Bái", "", 5, "", manager, phone), codes=("YB-5", "YB-6", "YB-7"), offices=offices
    )


# --- as a mail ----------------------------------------------------------------------------------------


def test_a_mail_says_what_the_text_says_and_loads_nothing() -> None:
    link = "https://camera.yb.example/i/" + "a" * 43
    text = f"[MẤT KẾT NỐI] Một <b>điểm</b>.\n\nĐang diễn ra:\n- A & B\n- C\n\nhttp://evil.example/\n{link}"
    page = html("[MẤT KẾT NỐI] <YB>", text)
    lines = re.sub(r"<[^>]+>", "\n", page[page.index("<body") :])

    assert [line.strip() for line in lines.splitlines() if line.strip()] == [
        *("[MẤT KẾT NỐI] &lt;YB&gt;", "Một &lt;b&gt;điểm&lt;/b&gt;.", "Đang diễn ra:"),
        *("A &amp; B", "C", "http://evil.example/", link),
    ]
    assert re.findall(r'(?:href|src)="([^"]*)"', page) == [link]
    assert page.count("<li") == 2
