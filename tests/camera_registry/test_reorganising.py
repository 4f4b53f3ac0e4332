"""Decrees are applied from tables: the real ones of the city, and every way to get one wrong."""

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import figures, models
from camera_registry.audit import Action, Actor
from camera_registry.db import Database
from camera_registry.decrees import DecreeError
from camera_registry.figures import Group
from camera_registry.outlines import Outline, OutlineError, read_outlines
from camera_registry.reorganising import Reorganised, reorganise
from camera_registry.units import Scope, UnitTree, load_data_set, unit_at
from camera_registry.uptime import Span
from tests.databases import sqlite_in

DATA = Path(__file__).parents[1] / "data" / "units"
BEFORE, *DECREES = ("2019-before.csv", "2020-02-01.csv", "2024-12-01.csv", "2025-07-01.csv")
WARDS = "wards-2025.geojson"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
CLERK = Actor("clerk", "cli")
NEW = date(2025, 7, 1)
HEADS = ("Từ ngày", "Đơn vị cũ", "Mã điểm", "Mã mới", "Đơn vị mới", "Trực thuộc", "Ranh giới")


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    yield from empty(database_url)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """The city as it was until June 2025, for those who change nothing."""
    for session in empty(sqlite_in(tmp_path_factory.mktemp("units"))):
        until_2025(session)
        add_point(session, "YB-1", "04261-1")
        yield session


def empty(url: str) -> Iterator[Session]:
    database = Database(url)
    with database.transaction() as session:
        yield session
    database.close()


def apply(session: Session, path: Path, *, dry_run: bool = False) -> Reorganised:
    return reorganise(session, CLERK, path, NOW, ZONE, dry_run=dry_run)


def until_2025(session: Session) -> None:
    for name in (BEFORE, *DECREES[:2]):
        apply(session, DATA / name)


def written(folder: Path, *rows: Sequence[str], heads: Sequence[str] = HEADS) -> Path:
    path = folder / "decree.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([heads, *rows])
    return path


def add_point(
    session: Session, code: str, uid: str, position: tuple[float, float] | None = None
) -> models.Point:
    latitude, longitude = position or (None, None)
    point = models.Point(code=code, name=code, latitude=latitude, longitude=longitude)
    session.add(point)
    session.flush()
    unit_id = session.scalars(select(models.Unit.id).where(models.Unit.uid == uid)).one()
    session.add(models.PointUnit(point_id=point.id, unit_id=unit_id))
    session.flush()
    return point


def units(session: Session) -> set[tuple[object, ...]]:
    """Everything that is known of units and of what became of them, but for notes and sources."""
    tree = UnitTree.load(session)
    uid = {unit.id: unit.uid for unit in tree.units.values()}
    return {
        (
            *(unit.uid, unit.code, unit.name, unit.kind, unit.valid_from, unit.valid_to),
            *(unit.latitude, unit.longitude, uid[unit.parent_id] if unit.parent_id else None),
            tuple(sorted(uid[after] for after in tree.successors.get(unit.id, ()))),
        )
        for unit in tree.units.values()
    }


def forget_units(session: Session) -> None:
    session.query(models.UnitSuccessor).delete()
    session.query(models.Unit).update({"parent_id": None})
    session.query(models.Unit).delete()
    session.expire_all()


def everything(session: Session) -> list[int]:
    tables = (models.Unit, models.UnitSuccessor, models.PointUnit, models.Audit)
    counts = [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]
    ended = session.scalar(select(func.count()).where(models.Unit.valid_to.is_not(None))) or 0
    return [*counts, ended]


def count_on(session: Session, parent: str, day: date) -> int:
    tree = UnitTree.load(session)
    top = next(unit.id for unit in tree.units.values() if unit.uid == parent)
    return len([unit for unit in tree.children(top, day) if unit.kind in ("phuong", "xa")])


# --- the real ones ----------------------------------------------------------------------------------


def test_the_three_reorganisations_make_the_units_of_the_data_set(session: Session) -> None:
    numbers = []
    for name in (BEFORE, *DECREES):
        done = apply(session, DATA / name)
        assert (done.left_below, done.undecided) == ((), ())
        day = max((unit.valid_from for unit in done.begun if unit.valid_from), default=date.min)
        numbers.append((len(done.begun), len(done.ended), count_on(session, "132-1", day)))
    # 17 communes of 2013, 15 of 2020, 14 of 2024; then there is no city, but four wards of Lào Cai.
    assert numbers == [(27, 2, 17), (2, 4, 15), (1, 2, 14), (5, 22, 0)]
    assert count_on(session, "15-2", NEW) == 4
    of_files = units(session)
    forget_units(session)
    load_data_set(session, "yen-bai")
    assert units(session) == of_files


def test_applying_twice_changes_nothing(session: Session) -> None:
    for name in (BEFORE, *DECREES):
        apply(session, DATA / name)
    before, counts = units(session), everything(session)
    for name in (BEFORE, *DECREES):
        assert not apply(session, DATA / name).changes
    assert (units(session), everything(session)) == (before, counts)


def test_a_decree_over_the_data_set_finds_everything_there(session: Session) -> None:
    load_data_set(session, "yen-bai")
    before = units(session)
    for name in DECREES:
        assert not apply(session, DATA / name).changes
    assert units(session) == before


def test_a_dry_run_lists_everything_and_changes_nothing(session: Session) -> None:
    until_2025(session)
    add_point(session, "YB-1", "04261-1")
    add_point(session, "YB-2", "04267-1")
    add_point(session, "YB-3", "132-1")
    before, counts = units(session), everything(session)
    done = apply(session, DATA / DECREES[2], dry_run=True)
    assert {unit.name for unit in done.begun} == {
        *("Tỉnh Lào Cai", "Phường Yên Bái", "Phường Nam Cường", "Phường Văn Phú", "Phường Âu Lâu"),
    }
    assert {each.last for each in done.ended} == {date(2025, 6, 30)}
    became = {each.unit.uid: [after.code for after in each.successors] for each in done.ended}
    assert became["04264-2"] == ["04252"]
    assert became["132-1"] == ["04252", "04273", "04279", "04543"]
    assert became["138-1"] == []
    follow = {group.points: (group.before.name, group.after.name) for group in done.following}
    assert follow == {
        ("YB-1",): ("Phường Đồng Tâm", "Phường Yên Bái"),
        ("YB-2",): ("Phường Hồng Hà", "Phường Yên Bái"),
    }
    (open_one,) = done.undecided
    assert (open_one.point, open_one.before.uid) == ("YB-3", "132-1")
    assert "no position" in open_one.problem.text("en")
    assert (units(session), everything(session)) == (before, counts)


def test_points_of_a_dissolved_city_are_placed_by_the_outlines_of_its_wards(session: Session) -> None:
    """The representative point of each old unit lies in the ward that the unit went into."""
    load_data_set(session, "yen-bai")
    tree = UnitTree.load(session)
    known = [
        unit
        for unit in tree.units.values()
        if unit.latitude is not None and unit.valid_to == date(2025, 6, 30) and unit.parent_id
    ]
    forget_units(session)
    until_2025(session)
    expected = {}
    for number, unit in enumerate(known):
        assert unit.latitude is not None
        assert unit.longitude is not None
        add_point(session, f"YB-{number}", "132-1", (unit.latitude, unit.longitude))
        expected[f"YB-{number}"] = tree.roll_up(unit.id, NEW).uid
    done = apply(session, DATA / DECREES[2])
    assert len(known) == 17
    assert {each.point: each.after.uid for each in done.placed} == expected
    assert {each.how for each in done.placed} == {"outline"}
    moves = session.scalars(select(models.Audit).where(models.Audit.action == Action.POINT_MOVED)).all()
    assert len(moves) == 17
    assert not apply(session, DATA / DECREES[2]).changes


def test_who_did_it_is_written_down(session: Session) -> None:
    for name in (BEFORE, *DECREES[:1]):
        apply(session, DATA / name)
    deeds = session.scalars(select(models.Audit).order_by(models.Audit.id)).all()
    assert {deed.action for deed in deeds} == {Action.UNITS_REORGANISED}
    assert (deeds[-1].subject, deeds[-1].who) == ("units:2020-02-01", "clerk")
    assert deeds[-1].detail == {
        "begun": ["04543-2", "04558-2"],
        "ended": ["04543-1", "04549-1", "04552-1", "04558-1"],
        "placed": [],
        "document": "NQ 871/NQ-UBTVQH14",
    }


# --- a unit that is split ---------------------------------------------------------------------------


SPLIT = (
    ("01/01/2027", "Phường Yên Bái", "", "04252", "Phường Yên Bái Đông", "Tỉnh Lào Cai", ""),
    ("01/01/2027", "Phường Yên Bái", "", "04253", "Phường Yên Bái Tây", "Tỉnh Lào Cai", ""),
)


def test_the_points_of_a_split_unit_are_placed_one_by_one(session: Session, tmp_path: Path) -> None:
    load_data_set(session, "yen-bai")
    points = [add_point(session, f"YB-{n}", "04261-1") for n in (1, 2)]
    counts = everything(session)
    with pytest.raises(DecreeError) as refused:
        apply(session, written(tmp_path, *SPLIT))
    said = [problem.text("en") for problem in refused.value.problems]
    assert [text.split()[:4] for text in said] == [["B2", "The", "point", f"YB-{n}"] for n in (1, 2)]
    assert everything(session) == counts
    rows = [
        ("01/01/2027", "", "YB-1", "04252", "", "", ""),
        ("01/01/2027", "", "YB-2", "", "Phường Yên Bái Tây", "", ""),
    ]
    path = written(tmp_path, *SPLIT, *rows)
    done = apply(session, path)
    assert [(each.point, each.after.name, each.how) for each in done.placed] == [
        ("YB-1", "Phường Yên Bái Đông", "row"),
        ("YB-2", "Phường Yên Bái Tây", "row"),
    ]
    names = [unit_at(session, point.id, date(2027, 1, 1)).name for point in points]
    assert names == ["Phường Yên Bái Đông", "Phường Yên Bái Tây"]
    assert unit_at(session, points[0].id, date(2026, 12, 31)).name == "Phường Yên Bái"
    assert unit_at(session, points[0].id, date(2025, 6, 30)).name == "Phường Đồng Tâm"
    assert not apply(session, path).changes


# --- what can be wrong ------------------------------------------------------------------------------


ONE = ("01/07/2025", "Phường Đồng Tâm", "", "04252", "Phường Yên Bái", "", "")


@pytest.mark.parametrize(
    ("rows", "place", "reason"),
    [
        pytest.param([("31/02/2025", *ONE[1:])], "A2", "not a date", id="no such day"),
        pytest.param([("", *ONE[1:])], "A2", "day is missing", id="no day"),
        pytest.param([(ONE[0], "Phường Atlantis", *ONE[2:])], "B2", "Atlantis", id="unknown unit"),
        pytest.param([(ONE[0], "Yên Bái", *ONE[2:])], "B2", "names several units", id="two of a name"),
        pytest.param([(ONE[0], "Xã Phúc Lộc", *ONE[2:])], "B2", "→ Xã Giới Phiên", id="ended before"),
        pytest.param([(ONE[0], "04552-1", *ONE[2:])], "B2", "cannot end on 30/06/2025", id="ended, by uid"),
        pytest.param(
            [ONE, (ONE[0], "Xã Âu Lâu", "", "04252", "Phường Khác", "", "")], "E3", "row 2", id="two names"
        ),
        pytest.param([(*ONE[:3], "", "Phường Yên Bái", "", "")], "D2", "needs its code", id="no code"),
        pytest.param([(*ONE[:4], "", "", "")], "E2", "needs its code and its name", id="no name"),
        pytest.param([(*ONE[:4], "Yên Bái", "", "")], "E2", "what kind of unit", id="no kind"),
        pytest.param([(*ONE[:5], "Tỉnh Atlantis", "")], "F2", "Atlantis", id="unknown parent"),
        pytest.param([(*ONE[:5], "04252-2", "")], "F2", "cannot be above", id="below itself"),
        pytest.param([ONE], "D2", "Yên Ninh.*does not end", id="a code that is still in use"),
        pytest.param(
            [(*ONE[:3], "04270", "", "", "")], "E2", "needs its code and its name", id="grown in place"
        ),
        pytest.param(
            [("", "", "", "04249", "Phường Khác", "", "")], "E2", "known already", id="another name"
        ),
        pytest.param(
            [(ONE[0], "", "", "", "", "Tỉnh Lào Cai", "")], "E2", "does not name it", id="a parent alone"
        ),
        pytest.param(
            [(ONE[0], "", "YB-1", "", "", "", "")], "E2", "where the point goes", id="a point to nowhere"
        ),
        pytest.param([(ONE[0], "", "YB-9", "04999", "Xã Mới", "", "")], "C2", "YB-9", id="unknown point"),
        pytest.param(
            [(ONE[0], "", "YB-1", "04999", "Xã Mới", "", "")],
            "C2",
            "does not become",
            id="a point of another unit",
        ),
        pytest.param([(*ONE[:6], "none.geojson")], "G2", "cannot be read", id="no outlines"),
        pytest.param(
            [(ONE[0], "", "", "04999", "Xã Mới", "", WARDS)], "G2", "code 04999", id="another outline"
        ),
        pytest.param([(*ONE[:6], "decree.csv")], "G2", "no GeoJSON", id="outlines in no GeoJSON"),
        pytest.param(
            [(ONE[0], "Phường Đồng Tâm", "", "", "", "", "")], "B2", "needs a row", id="left homeless"
        ),
    ],
)
def test_one_wrong_cell_and_nothing_is_changed(
    city: Session, tmp_path: Path, rows: list[tuple[str, ...]], place: str, reason: str
) -> None:
    (tmp_path / WARDS).write_bytes((DATA / WARDS).read_bytes())
    before, counts = units(city), everything(city)
    with pytest.raises(DecreeError) as refused:
        apply(city, written(tmp_path, *rows))
    problem = refused.value.problems[0]
    assert f"{problem.column}{problem.row}" == place, problem.text("en")
    assert re.search(reason, problem.text("en")), problem.text("en")
    assert problem.text("vi") != problem.text("en")
    assert "Số chỗ sai trong tệp" in refused.value.text("vi")
    assert (units(city), everything(city)) == (before, counts)


def test_every_wrong_cell_is_named_at_once(city: Session, tmp_path: Path) -> None:
    rows = [("x", *ONE[1:]), ("", *ONE[1:]), ("01/07/2025", "", "", "", "", "", "")]
    with pytest.raises(DecreeError, match="Wrong places of the file: 3") as refused:
        apply(city, written(tmp_path, *rows))
    assert [problem.row for problem in refused.value.problems] == [2, 3, 4]


@pytest.mark.parametrize(
    "heads",
    [pytest.param(("a", "b"), id="other columns"), pytest.param(("Từ ngày", "Ghi chú"), id="no unit")],
)
def test_a_file_of_something_else_is_refused(city: Session, tmp_path: Path, heads: Sequence[str]) -> None:
    with pytest.raises(DecreeError) as refused:
        apply(city, written(tmp_path, ("1", "2"), heads=heads))
    assert "no table" in refused.value.text("en")


def test_english_headers_and_a_spreadsheet_s_numbers(session: Session, tmp_path: Path) -> None:
    heads = ("From", "Old unit", "New version", "New code", "New unit", "Kind", "Document", "Note")
    rows = [
        ("", "", "", "1", "Tỉnh Một", "Tỉnh", "", ""),
        ("2001-05-06", "", "00007-5", "7", "Bảy", "xã", "NQ 1", "ghi chú"),
        ("2001-05-06", "", "", "8", "Xã Tám", "", "", ""),
    ]
    done = apply(session, written(tmp_path, *rows, heads=heads))
    assert [(unit.uid, unit.code, unit.kind, unit.valid_from) for unit in done.begun] == [
        ("1-1", "1", "tinh", None),
        ("00007-5", "00007", "xa", date(2001, 5, 6)),
        ("00008-1", "00008", "xa", date(2001, 5, 6)),
    ]
    row = session.scalars(select(models.Unit).where(models.Unit.uid == "00007-5")).one()
    assert (row.source, row.note) == ("NQ 1", "ghi chú")


def test_units_that_stay_below_one_that_ended_are_named(city: Session, tmp_path: Path) -> None:
    done = apply(city, written(tmp_path, ("01/07/2025", "Huyện Trấn Yên", *[""] * 5)), dry_run=True)
    assert [unit.name for unit in done.left_below] == ["Xã Cường Thịnh", "Xã Minh Quân"]


# --- outlines ---------------------------------------------------------------------------------------


SQUARE = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0), (0.0, 0.0))
HOLE = ((1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0), (1.0, 1.0))
EXCLAVE = ((9.0, 9.0), (10.0, 9.0), (10.0, 10.0), (9.0, 9.0))


@pytest.mark.parametrize(
    ("latitude", "longitude", "inside"),
    [
        pytest.param(0.5, 0.5, True, id="inside"),
        pytest.param(2.0, 2.0, False, id="in the hole"),
        pytest.param(5.0, 2.0, False, id="north of it"),
        pytest.param(2.0, -1.0, False, id="west of it: the ray crosses it"),
        pytest.param(9.2, 9.8, True, id="in the exclave"),
        pytest.param(0.0, 0.0, True, id="its south-west corner"),
        pytest.param(4.0, 4.0, False, id="its north-east corner"),
    ],
)
def test_a_position_lies_inside_an_outline(latitude: float, longitude: float, inside: bool) -> None:
    assert Outline((SQUARE, HOLE, EXCLAVE)).holds(latitude, longitude) is inside


def test_outlines_by_code(tmp_path: Path) -> None:
    assert set(read_outlines(DATA / WARDS)) == {"04252", "04273", "04279", "04543"}
    path = tmp_path / "a.geojson"
    path.write_text(
        '{"features": [{"id": 7, "geometry": {"type": "MultiPolygon", "coordinates": '
        "[[[[0,0],[2,0],[2,2],[0,0]]], [[[5,5],[6,5],[6,6],[5,5]]]]}}]}"
    )
    found = read_outlines(path)["7"]
    assert (found.holds(0.5, 1.0), found.holds(5.2, 5.5), found.holds(3, 3)) == (True, True, False)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "not JSON",
        '{"features": [{"id": 1, "geometry": null}]}',
        '{"features": [{"id": 1, "geometry": {"type": "Point", "coordinates": [1, 2]}}]}',
        '{"features": [{"id": 1, "geometry": {"type": "Polygon", "coordinates": [[["a", "b"]]]}}]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_outline_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(text)
    with pytest.raises(OutlineError, match="no GeoJSON"):
        read_outlines(path)


def test_the_tables_of_the_documentation_apply(session: Session, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reorganising.md").read_text(encoding="utf-8")
    merger, split = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)
    load_data_set(session, "yen-bai")
    for code in ("YB-0001", "YB-0002"):
        add_point(session, code, "04264-1")
    path = tmp_path / "decree.csv"
    path.write_text(merger, encoding="utf-8")
    assert not apply(session, path).changes, "the data set has it"
    path.write_text(split, encoding="utf-8")
    assert [each.point for each in apply(session, path).placed] == ["YB-0001", "YB-0002"]


def test_figures_of_a_unit_that_was_split_are_those_of_its_parts(session: Session, tmp_path: Path) -> None:
    load_data_set(session, "yen-bai")
    session.add(models.Site(code="S1"))
    session.flush()
    for code in ("YB-1", "YB-2"):
        point = add_point(session, code, "04261-1")
        device = models.Device(code=code, point_id=point.id, site_id=1)
        session.add(device)
        session.flush()
        session.add(models.Eye(code=code, device_id=device.id))
    rows = [("01/01/2027", "", "YB-1", "04252", "", "", ""), ("01/01/2027", "", "YB-2", "04253", "", "", "")]
    apply(session, written(tmp_path, *SPLIT, *rows))
    later = datetime(2027, 2, 1, tzinfo=UTC)
    december = Span(datetime(2026, 11, 30, 17, tzinfo=UTC), datetime(2027, 1, 31, 17, tzinfo=UTC))

    def names(day: date) -> list[tuple[str, int]]:
        found = figures.availability(session, Scope.everything(), later, ZONE, december, Group.UNIT, day)
        return [(figure.name, figure.tally.unknown // 86_400_000_000) for figure in found]

    assert names(date(2027, 1, 31)) == [("Phường Yên Bái Đông", 62), ("Phường Yên Bái Tây", 62)]
    assert names(date(2026, 12, 31)) == [("Phường Yên Bái", 124)]
