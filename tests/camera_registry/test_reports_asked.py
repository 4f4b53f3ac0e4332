"""What reports are asked to be about, kept and read back; whose they are, and how they are headed."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.audit import Action, Actor, ReasonError
from camera_registry.reports import asked, letterheads
from camera_registry.reports.asked import Asked, AskedError
from camera_registry.reports.letterheads import LetterheadError
from camera_registry.reports.owners import OwnerError
from camera_registry.reports.value import Head, Kind
from camera_registry.units import Scope
from tests.camera_registry import towns

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
TODAY = date(2026, 11, 22)
CLERK = Actor("clerk", "cli")
SEPTEMBER = Asked(Kind.UPTIME, date(2026, 9, 1), date(2026, 9, 30))
QUARTER = Asked(Kind.UPTIME, date(2026, 7, 1), date(2026, 9, 30))
YEAR = Asked(Kind.UPTIME, date(2025, 1, 1), date(2025, 12, 31))
SOME_DAYS = Asked(Kind.UPTIME, date(2026, 9, 8), date(2026, 9, 14))
CITY_DESK = Head("CÔNG AN TỈNH", "PHÒNG PC06", "BC-PC06", "Lào Cai", "TL.", "Trưởng phòng", "", ("Lưu: VT.",))

days = st.dates(date(2001, 1, 1), date(2098, 12, 31))
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=100)


@given(
    *(st.sampled_from(Kind), st.lists(days, min_size=2, max_size=2), texts, texts, texts),
    *(st.none() | days, st.none() | st.integers(1, 10**9)),
)
def test_is_read_back_as_it_was_kept(
    kind: Kind, two: list[date], unit: str, point: str, programme: str, at: date | None, proposal: int | None
) -> None:
    question = Asked(kind, min(two), max(two), unit, point, programme, at, proposal)
    assert asked.from_json(asked.to_json(question)) == question


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"kind": "uptime", "first": "2026-09-01"}, id="no end"),
        pytest.param({"kind": "x", "first": "2026-09-01", "last": "2026-09-30"}, id="no kind of ours"),
        pytest.param({"kind": "uptime", "first": "2026-09-30", "last": "2026-09-01"}, id="ends before"),
        pytest.param({"kind": "uptime", "first": "1926-09-30", "last": "2026-09-01"}, id="a year of old"),
        pytest.param({"kind": "uptime", "first": 7, "last": "2026-09-01"}, id="a number for a day"),
        pytest.param({"kind": "uptime", "first": "2026-09-01", "last": "2026-09-30", "x": 1}, id="unknown"),
        pytest.param(
            {"kind": "uptime", "first": "2026-09-01", "last": "2026-09-30", "unit": "u" * 101}, id="too long"
        ),
    ],
)
def test_refuses_what_was_never_kept(kept: dict[str, object]) -> None:
    with pytest.raises(AskedError):
        asked.from_json(kept)


@pytest.mark.parametrize(
    ("question", "words", "slug", "before"),
    [
        pytest.param(SEPTEMBER, "tháng 9/2026", "2026-09", (date(2026, 8, 1), date(2026, 8, 31)), id="month"),
        pytest.param(QUARTER, "quý III/2026", "2026-Q3", (date(2026, 4, 1), date(2026, 6, 30)), id="quarter"),
        pytest.param(YEAR, "năm 2025", "2025", (date(2024, 1, 1), date(2024, 12, 31)), id="year"),
        pytest.param(
            *(SOME_DAYS, "từ ngày 08/09/2026 đến ngày 14/09/2026", "2026-09-08_2026-09-14"),
            (date(2026, 9, 1), date(2026, 9, 7)),
            id="days",
        ),
        pytest.param(
            *(replace(SEPTEMBER, last=SEPTEMBER.first), "ngày 01/09/2026", "2026-09-01"),
            (date(2026, 8, 31), date(2026, 8, 31)),
            id="one day",
        ),
        pytest.param(
            *(Asked(Kind.UPTIME, date(2026, 8, 1), date(2026, 9, 30)),),
            *("từ ngày 01/08/2026 đến ngày 30/09/2026", "2026-08-01_2026-09-30"),
            (date(2026, 6, 1), date(2026, 7, 31)),
            id="two months",
        ),
    ],
)
def test_names_its_period(question: Asked, words: str, slug: str, before: tuple[date, date]) -> None:
    assert asked.period_words(question, "vi") == words
    assert asked.period_slug(question) == slug
    earlier = question.before()
    assert (earlier.first, earlier.last) == before
    assert earlier.span(ZONE).end == question.span(ZONE).start
    assert earlier.day_of_units == question.day_of_units


def test_a_letterhead_is_saved_once_and_audited(session: Session) -> None:
    towns.found(session, [1])
    city, ward = Scope.everything(), Scope.of([session.scalars(select(models.Unit.id)).first() or 0])
    untidy = replace(CITY_DESK, body="  PHÒNG \n PC06 ", recipients=("Lưu:  VT.", "  "))
    for _ in range(2):
        assert letterheads.save(session, city, CLERK, "", untidy, NOW, TODAY, reason="đầu năm") == CITY_DESK
    rows = session.scalars(select(models.Audit).where(models.Audit.action == Action.LETTERHEAD_SAVED)).all()
    assert [row.detail["after"]["body"] for row in rows] == ["PHÒNG PC06"]
    with pytest.raises(OwnerError):
        letterheads.save(session, ward, CLERK, "", CITY_DESK, NOW, TODAY, reason="thử")
    with pytest.raises(OwnerError):
        letterheads.save(session, ward, CLERK, "B", CITY_DESK, NOW, TODAY, reason="thử")
    long = replace(CITY_DESK, symbol="x" * 65)
    with pytest.raises(LetterheadError):
        letterheads.save(session, city, CLERK, "", long, NOW, TODAY, reason="thử")
    with pytest.raises(ReasonError):
        letterheads.save(session, city, CLERK, "", CITY_DESK, NOW, TODAY, reason=" ")
    own = replace(CITY_DESK, body="UBND PHƯỜNG A")
    letterheads.save(session, ward, CLERK, "A", own, NOW, TODAY, reason="của phường")
    assert letterheads.head_of(session, ward, "A") == letterheads.head_of(session, city, "A") == own
    assert letterheads.head_of(session, city, "B") == CITY_DESK  # the city desk writes of a ward
    assert letterheads.head_of(session, ward, "B") == Head()  # and nobody else in its name
    assert [uid for uid, _, _ in letterheads.every(session, city, TODAY)] == ["", "A"]
    assert [uid for uid, _, _ in letterheads.every(session, ward, TODAY)] == ["A"]
