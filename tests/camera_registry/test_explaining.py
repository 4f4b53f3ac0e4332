"""The explanation of a figure: its parts sum, and what is printed can be worked out again."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from camera_registry import explaining, models, periods, uptime
from camera_registry.cli import app
from camera_registry.db import Database
from camera_registry.explaining import Absence, Away, ExplainError, Explanation
from camera_registry.i18n import LANGUAGES, Language, duration
from camera_registry.units import Scope
from camera_registry.uptime import History, Span, Turn
from tests.camera_registry import september
from tests.camera_registry.september import HOUR_US, LATE, at

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = at("2025-11-22T10:00")
MONTH = Span(at("2025-09-01T00:00"), at("2025-10-01T00:00"))

Run = Callable[..., Result]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = september.fill(database_url)
    yield database
    database.close()


@pytest.fixture
def run(
    database: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", database_url)
    monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(tmp_path / "var"))

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, list(words))

    return invoke


def explained(database: Database, code: str = "E1", asked: Span = MONTH, now: datetime = NOW) -> Explanation:
    with database.reading() as session:
        found = explaining.explain(session, Scope.everything(), now, ZONE, code, asked)
    assert found is not None
    return found


def test_every_part_of_the_month_is_accounted_for(database: Database) -> None:
    found = explained(database)

    tally = found.tally
    assert (tally.not_in_service, tally.maintenance) == (384 * HOUR_US, 4 * HOUR_US)
    assert tally.unknown == 3.5 * HOUR_US
    assert tally.down == 16 * HOUR_US - LATE
    assert tally.degraded == 3 * HOUR_US
    assert tally.period == 720 * HOUR_US
    for state in explaining.STATES:
        assert sum(each.us for each in found.intervals if each.state == state) == getattr(tally, state)
    assert sum(each.us for each in found.unknown) == tally.unknown
    assert sum(each.us for each in found.outages) == tally.down
    assert [each.span.end for each in found.intervals[:-1]] == [
        each.span.start for each in found.intervals[1:]
    ]
    rates = {each.name: each.share for each in found.fractions}
    assert rates["availability"] == tally.availability
    assert rates["coverage"] == tally.coverage
    assert rates["usable"] == tally.usable_rate
    assert rates["usable_coverage"] == tally.usable_coverage
    assert rates["clock"] == 0


def test_what_is_left_out_has_a_reason_and_an_author(database: Database) -> None:
    found = explained(database)

    assert [(each.why, each.span.length // HOUR_US, each.note) for each in found.away] == [
        (Absence.NOT_COMMISSIONED, 360, ""),
        (Absence.SUSPENDED, 24, "Dời cột"),
    ]
    assert [(each.span.length // HOUR_US, each.kind, each.entered_by) for each in found.windows] == [
        (3, "power_cut", "An"),
        (2, "power_cut", "An"),
    ]
    inside = [each for each in found.intervals if each.state == "maintenance"]
    assert [each.windows for each in inside] == [tuple(each.id for each in found.windows)]
    assert [(each.reason, each.us / HOUR_US, each.times) for each in found.unknown] == [
        ("NO_RESULT", 2.5, 1),
        ("AUTH_REJECTED", 1.0, 1),
    ]
    assert [(each.at, each.reason) for each in found.blips] == [(at("2025-09-29T10:00"), "TCP_REFUSED")]


def test_outages_and_what_they_come_to(database: Database) -> None:
    found = explained(database)

    assert [(each.reason, each.us, each.end) for each in found.outages] == [
        ("TCP_TIMEOUT", 15 * HOUR_US - LATE, at("2025-09-24T15:00")),
        ("RTSP_TIMEOUT", HOUR_US, None),
    ]
    assert (found.ended, found.ended_us) == (1, 15 * HOUR_US - LATE)
    assert found.summary.mttr_s == pytest.approx(15 * 3600, abs=1)


def test_an_outage_names_the_incident_that_it_was_part_of(run: Run, database: Database) -> None:
    began, ended = at("2025-09-24T00:00") + timedelta(microseconds=LATE), at("2025-09-24T15:00")
    with database.transaction() as session:
        eye = session.query(models.Eye).filter_by(code="E1").one()
        unit = session.query(models.Unit).one()
        for kind, ancestor in (("eye", eye.id), ("area", unit.id)):
            incident = models.Incident(
                kind=kind, ancestor_id=ancestor, started_at=began, announced_at=began, ended_at=ended,
                recorded_at=ended,
            )  # fmt: skip
            session.add(incident)
            session.flush()
            part = models.IncidentEye(incident_id=incident.id, eye_id=eye.id, from_at=began, to_at=ended)
            session.add(part)

    first, last = explained(database).outages

    assert first.cause is not None
    assert (first.cause.kind, first.cause.name) == ("area", "Phường Yên Bái")
    assert last.cause is None
    done = run("explain", "E1", "--from", "2025-09-01", "--to", "2025-10-01")
    assert "Cả khu vực: mất điện hoặc đường truyền: Phường Yên Bái" in done.output
    told = json.loads(run("explain", "E1", "--from", "2025-09-01", "--to", "2025-10-01", "--json").output)
    assert told["outages"][0]["incident"]["kind"] == "area"


def test_what_has_not_come_is_no_part_of_the_figure(database: Database) -> None:
    found = explained(database, now=at("2025-09-17T00:00"))

    assert found.counted == Span(MONTH.start, at("2025-09-17T00:00"))
    assert found.ahead_us == 14 * 24 * HOUR_US
    assert found.tally.period + found.ahead_us == MONTH.length
    assert found.tally.availability == 1


def test_a_period_that_has_not_begun(database: Database) -> None:
    found = explained(database, asked=MONTH, now=at("2025-08-01T00:00"))

    assert (found.intervals, found.ahead_us, found.tally.availability) == ((), MONTH.length, None)


def test_an_eye_that_nobody_asked_is_unknown(database: Database) -> None:
    found = explained(database, "E2")

    assert [(each.state, each.reason) for each in found.intervals] == [("unknown", "NEVER_PROBED")]
    assert found.fractions[0].share is None


def test_the_unit_is_the_one_of_the_moment(database: Database) -> None:
    with database.transaction() as session:
        other = models.Unit(uid="u-2", code="04253", name="Phường Âu Lâu", kind="phuong")
        session.add(other)
        session.flush()
        point = session.query(models.Point).filter_by(code="P1").one()
        moved = at("2025-09-11T00:00").astimezone(ZONE).date()
        session.add(models.PointUnit(point_id=point.id, unit_id=other.id, valid_from=moved))

    homes = explained(database).homes

    assert [(each.unit, each.span.length // (24 * HOUR_US)) for each in homes] == [
        ("Phường Yên Bái", 10),
        ("Phường Âu Lâu", 20),
    ]


def test_who_may_not_see_an_eye_learns_nothing(database: Database) -> None:
    with database.reading() as session:
        for code in ("E1", "nobody"):
            assert explaining.explain(session, Scope.of([999]), NOW, ZONE, code, MONTH) is None
        with pytest.raises(ExplainError):
            explaining.explain(session, Scope.everything(), NOW, ZONE, "E3", MONTH)


# --- what is printed --------------------------------------------------------------------------------

SIGNS = {"vi": ("giờ", "phút", "giây"), "en": ("h", "min", "s")}


def parsed(text: str, language: Language) -> int:
    """Microseconds of a printed length, read as a person would."""
    total = 0
    for sign, factor in zip(SIGNS[language], (3_600_000_000, 60_000_000, 1_000_000), strict=True):
        found = re.search(rf"([\d.,]+)\s{sign}(?!\w)", text)
        if found is None:
            continue
        figure = found.group(1)
        thousands, point = (".", ",") if language == "vi" else (",", ".")
        whole, _, decimals = figure.replace(thousands, "").partition(point)
        total += int(whole) * factor + int((decimals or "0").ljust(6, "0")) * factor // 1_000_000
    return total


@given(st.integers(0, 400 * 86_400_000_000), st.sampled_from(LANGUAGES))
def test_a_printed_length_is_exact(us: int, language: Language) -> None:
    assert parsed(duration(us, language), language) == us


def section(text: str, title: str) -> list[list[str]]:
    """The rows under a heading, cut at the gaps between columns."""
    below = text.split(f"\n{title}\n", 1)[1].split("\n\n", 1)[0]
    return [re.split(r"\s{2,}", row.strip()) for row in below.splitlines()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_printed_numbers_sum(run: Run, language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_REGISTRY_LANGUAGE", language)
    names = {
        "vi": (
            "Các khoảng thời gian", "Tổng", "Cộng", "Phép tính", "Chưa xác định, vì", "Mất kết nối",
            "Lần mất kết nối",
        ),
        "en": ("Intervals", "Sum", "Together", "Arithmetic", "Unknown, and why", "Disconnected", "Outages"),
    }[language]  # fmt: skip

    done = run("explain", "E1", "--from", "2025-09-01", "--to", "2025-10-01")

    assert done.exit_code == 0
    intervals = section(done.output, names[0])
    for row in intervals:
        assert parsed(row[2], language) == told(row[1], language) - told(row[0], language), (
            "as anybody subtracts"
        )
    sums = {row[0]: parsed(row[1], language) for row in section(done.output, names[1])}
    together = sums.pop(names[2])
    assert together == sum(sums.values()) == 720 * HOUR_US
    for state, us in sums.items():
        assert sum(parsed(row[2], language) for row in intervals if row[3] == state) == us, state
    unknown = section(done.output, names[4])
    assert sum(parsed(row[0], language) for row in unknown) == 3.5 * HOUR_US
    divided = 0
    for row in section(done.output, names[3]):
        over, under, rate = re.split(r" [÷=] ", row[1])
        if rate.endswith("%"):
            share = float(rate.rstrip("%").strip().replace(",", ".")) / 100
            assert parsed(over, language) / parsed(under, language) == pytest.approx(share, abs=5.1e-5)
        else:
            assert parsed(over, language) / int(under) == pytest.approx(parsed(rate, language), abs=500_000)
        divided += 1
    assert divided == 8  # four rates, two of the clock, MTTR, MTBF
    available = sums[names[5]]
    assert available == 16 * HOUR_US, "in whole seconds"
    assert [parsed(row[2], language) for row in section(done.output, names[6])] == [15 * HOUR_US, HOUR_US]


def told(text: str, language: Language) -> int:
    """A printed moment, in microseconds."""
    pattern = {"vi": "%d/%m/%Y %H:%M:%S (%z)", "en": "%Y-%m-%d %H:%M:%S (%z)"}[language]
    return int(datetime.strptime(text, pattern).astimezone(UTC).timestamp()) * 1_000_000


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_period_that_goes_on_is_printed_in_whole_seconds(
    run: Run, language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMERA_REGISTRY_LANGUAGE", language)

    done = run("explain", "E1")

    assert done.exit_code == 0
    assert re.findall(rf"\d[.,]\d+\s{SIGNS[language][2]}\b", done.output) == []


def test_the_percentage_is_of_the_exact_lengths(run: Run, database: Database) -> None:
    """Three quarters of a second out of one and a half: printed as 1 s of 1 s, and still a half."""
    with database.transaction() as session:
        session.query(models.Suspension).delete()
        session.query(models.MaintenanceScope).delete()
        session.query(models.Transition).delete()
        eye = session.query(models.Eye).filter_by(code="E1").one()
        began = at("2025-09-16T00:00")
        turns = ((0, "unknown", "down"), (750_000, "down", "up"), (1_500_000, "up", "unknown"))
        for us, before, after in turns:
            moment = began + timedelta(microseconds=us)
            session.add(
                models.Transition(
                    eye_id=eye.id, ledger="eye", at=moment, before=before, after=after, reason="NO_RESULT",
                    recorded_at=moment,
                )
            )  # fmt: skip

    found = explained(database)
    output = run("explain", "E1", "--from", "2025-09-01", "--to", "2025-10-01").output.replace("\xa0", " ")

    assert "1 giây ÷ 1 giây = 50,00 %" in output
    assert [(each.us, each.shown) for each in found.outages] == [(750_000, 0)]
    assert (
        json.loads(run("explain", "E1", "--from", "2025-09-01", "--to", "2025-10-01", "--json").output)[
            "down_s"
        ]
        == 0.75
    )


def test_the_vector_of_a_commissioning_is_printed_as_people_would(run: Run, database: Database) -> None:
    """T5: commissioned on the 16th, down 15 h since."""
    with database.transaction() as session:
        session.query(models.Suspension).delete()
        session.query(models.MaintenanceScope).delete()
        session.query(models.Transition).delete()
        eye = session.query(models.Eye).filter_by(code="E1").one()
        turns = (("2025-09-16T00:00", "up"), ("2025-09-20T00:00", "down"), ("2025-09-20T15:00", "up"))
        before = "unknown"
        for moment, state in turns:
            session.add(
                models.Transition(
                    eye_id=eye.id, ledger="eye", at=at(moment), before=before, after=state,
                    reason="OK" if state == "up" else "TCP_TIMEOUT", recorded_at=at(moment),
                )
            )  # fmt: skip
            before = state

    output = run("explain", "E1", "--from", "2025-09-01", "--to", "2025-10-01").output.replace("\xa0", " ")

    assert "345 giờ 00 phút ÷ 360 giờ 00 phút = 95,83 %" in output
    assert "360 giờ 00 phút ÷ 360 giờ 00 phút = 100,00 %" in output


def test_programs_are_told_the_same(run: Run) -> None:
    done = run("explain", "E1", "--from", "2025-09-01", "--to", "2025-10-01", "--json")
    told = json.loads(done.output)

    assert sum(each["seconds"] for each in told["intervals"]) == 720 * 3600
    assert told["down_s"] == 16 * 3600 - LATE / 1e6
    assert told["rates"]["availability"]["rate"] == pytest.approx(
        told["rates"]["availability"]["over_s"] / told["rates"]["availability"]["under_s"]
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["nobody"], "Không có mắt camera nào mang mã “nobody”.", id="no such eye"),
        pytest.param(["E1", "--from", "x"], "“x” không phải là ngày", id="no such day"),
        pytest.param(["E3"], "không kết nối mạng", id="an eye that people report on"),
    ],
)
def test_what_cannot_be_explained(run: Run, words: list[str], said: str) -> None:
    done = run("explain", *words)

    assert done.exit_code == 1
    assert said in done.output


# --- any history ------------------------------------------------------------------------------------

BEGAN = datetime(2026, 9, 1, tzinfo=UTC)


def moments() -> st.SearchStrategy[datetime]:
    return st.integers(0, 4_000).map(lambda n: BEGAN + timedelta(seconds=n / 2))


def spans() -> st.SearchStrategy[Span]:
    return st.tuples(moments(), moments()).map(lambda pair: Span(min(pair), max(pair)))


def turns() -> st.SearchStrategy[list[Turn]]:
    states = st.sampled_from(("up", "degraded", "down", "unknown"))
    lists = st.lists(st.builds(Turn, moments(), states), unique_by=lambda turn: turn.at, max_size=12)
    return lists.map(lambda found: sorted(found, key=lambda turn: turn.at))


@given(
    turns(),
    st.lists(spans(), max_size=4),
    st.lists(spans(), max_size=4),
    st.lists(spans(), max_size=4),
    spans(),
)
def test_intervals_sum_to_the_tally(
    states: list[Turn], service: list[Span], windows: list[Span], absences: list[Span], within: Span
) -> None:
    history = History(states, service=uptime.merged(service), maintenance=uptime.merged(windows))
    kinds = list(Absence)
    away = [Away(span, kinds[n % len(kinds)]) for n, span in enumerate(absences)]

    found = explaining.intervals(history, explaining.EYE, within, away)

    tally = uptime.tally(history, within)
    for state in explaining.STATES:
        assert sum(each.us for each in found if each.state == state) == getattr(tally, state)
    edges = [within.start, *(each.span.end for each in found)]
    assert [each.span.start for each in found] == edges[:-1]
    if found:
        assert edges[-1] == within.end

    shown = uptime.tally(explaining.history_to_the_second(history), explaining.to_the_second(within))
    for state in explaining.STATES:
        assert sum(each.shown for each in found if each.state == state) == getattr(shown, state)
        assert all(each.shown % 1_000_000 == 0 for each in found)
    assert shown.period == explaining.to_the_second(within).length


def test_the_period_asked_for_is_said_by_its_moments() -> None:
    assert periods.asked("2025-09-01", "2025-10-01", ZONE, NOW) == MONTH
