"""The history of the city's units, and every trap in it."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry.db import Database
from camera_registry.models import Point, PointUnit, Unit, UnitSuccessor
from camera_registry.spelling import fold, spelled
from camera_registry.units import (
    AmbiguousUnit,
    Scope,
    UnitError,
    UnitNotValid,
    UnitTree,
    UnknownUnit,
    load_data_set,
    unit_at,
)
from tests.databases import sqlite_in

OLD = date(2023, 12, 31)
NEW = date(2025, 7, 1)


@pytest.fixture
def session(session: Session) -> Session:
    load_data_set(session, "yen-bai")
    return session


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> UnitTree:
    """What a tree holds does not depend on the database; those who write load one of their own."""
    database = Database(sqlite_in(tmp_path_factory.mktemp("units")))
    with database.transaction() as session:
        load_data_set(session, "yen-bai")
    with database.reading() as session:
        loaded = UnitTree.load(session)
    database.close()
    return loaded


def by_uid(tree: UnitTree, uid: str) -> int:
    return next(unit.id for unit in tree.units.values() if unit.uid == uid)


def test_a_new_registry_has_no_units(database: Database) -> None:
    with database.reading() as session:
        assert UnitTree.load(session).units == {}


def test_loading_again_changes_nothing(session: Session) -> None:
    before = session.scalar(select(func.count()).select_from(Unit))
    assert load_data_set(session, "yen-bai") == (0, 0)
    assert session.scalar(select(func.count()).select_from(Unit)) == before == 35


def test_loading_corrects_what_was_changed(session: Session) -> None:
    unit = session.scalars(select(Unit).where(Unit.uid == "04276-1")).one()
    unit.name = "Xã Tuy Loc"
    session.query(UnitSuccessor).filter_by(unit_id=unit.id).delete()
    session.flush()
    assert load_data_set(session, "yen-bai") == (0, 1)
    assert unit.name == "Xã Tuy Lộc"
    assert UnitTree.load(session).roll_up(unit.id, NEW).name == "Phường Nam Cường"


def test_an_unknown_data_set_is_refused(session: Session) -> None:
    with pytest.raises(UnitError, match="yen-bai"):
        load_data_set(session, "atlantis")


@pytest.mark.parametrize(
    ("day", "parent", "count"),
    [
        pytest.param(date(2008, 8, 29), "132-1", 17, id="six communes joined"),
        pytest.param(date(2013, 12, 11), "132-1", 17, id="the day before two became wards"),
        pytest.param(date(2013, 12, 12), "132-1", 17, id="two became wards"),
        pytest.param(date(2020, 1, 31), "132-1", 17, id="the last day of 17"),
        pytest.param(date(2020, 2, 1), "132-1", 15, id="two communes merged"),
        pytest.param(date(2024, 11, 30), "132-1", 15, id="the last day of 15"),
        pytest.param(date(2024, 12, 1), "132-1", 14, id="Nguyễn Phúc into Hồng Hà"),
        pytest.param(date(2025, 6, 30), "132-1", 14, id="the last day of the city"),
        pytest.param(date(2025, 7, 1), "15-2", 4, id="four wards of Lào Cai"),
    ],
)
def test_units_at_each_date(tree: UnitTree, day: date, parent: str, count: int) -> None:
    communes = [u for u in tree.children(by_uid(tree, parent), day) if u.kind in ("phuong", "xa")]
    assert len(communes) == count


def test_counts_stand_as_published(tree: UnitTree) -> None:
    city = by_uid(tree, "132-1")
    days = [date(2008, 8, 29), date(2013, 12, 12), date(2020, 1, 31), date(2020, 2, 1), date(2024, 11, 30)]
    days += [date(2024, 12, 1), date(2025, 6, 30)]
    assert [len(tree.children(city, day)) for day in days] == [17, 17, 17, 15, 15, 14, 14]
    assert tree.children(city, NEW) == []


@pytest.mark.parametrize(
    ("text", "day", "uid"),
    [
        pytest.param("04252", OLD, "04252-1", id="04252 was Yên Ninh"),
        pytest.param("04252", NEW, "04252-2", id="04252 is Yên Bái"),
        pytest.param("04279", OLD, "04279-1", id="04279 was Tân Thịnh"),
        pytest.param("04279", NEW, "04279-2", id="04279 is Văn Phú"),
        pytest.param("04543", OLD, "04543-2", id="04543 was Giới Phiên"),
        pytest.param("04543", date(2019, 1, 1), "04543-1", id="04543 was a smaller Giới Phiên"),
        pytest.param("04543", NEW, "04543-3", id="04543 is Âu Lâu"),
        pytest.param("04264", date(2024, 11, 30), "04264-1", id="04264 was Nguyễn Phúc"),
        pytest.param("04264", date(2024, 12, 1), "04264-2", id="04264 was Hồng Hà"),
        pytest.param("15", date(2025, 6, 30), "15-1", id="15 was Yên Bái"),
        pytest.param("15", NEW, "15-2", id="15 is Lào Cai"),
        pytest.param("4252", NEW, "04252-2", id="a spreadsheet dropped the zero"),
        pytest.param("04252-1", NEW, "04252-1", id="a uid names its version on any day"),
        pytest.param("Phường Văn Phú", NEW, "04279-2", id="new Văn Phú"),
        pytest.param("Văn Phú", OLD, "04558-2", id="old Văn Phú had another code"),
        pytest.param("Âu Lâu", OLD, "04540-1", id="old Âu Lâu had another code"),
        pytest.param("P. Yên Ninh", OLD, "04252-1", id="kind abbreviated"),
        pytest.param("PHƯỜNG YÊN NINH", OLD, "04252-1", id="capitals"),
        pytest.param("yen ninh", OLD, "04252-1", id="without marks"),
        pytest.param(unicodedata.normalize("NFD", "Xã Tuy Lộc"), OLD, "04276-1", id="decomposed"),
        pytest.param("\u00a0Hồng  Hà ", OLD, "04267-1", id="no-break and double blanks"),
        pytest.param("dong tam", OLD, "04261-1", id="đ as d"),
        pytest.param("thành phố Yên Bái", OLD, "132-1", id="the city, by its kind"),
        pytest.param("tỉnh Yên Bái", OLD, "15-1", id="the province, by its kind"),
        pytest.param("Yên Bái", NEW, "04252-2", id="the ward, alone since 2025"),
    ],
)
def test_a_name_or_code_means_the_unit_of_its_day(tree: UnitTree, text: str, day: date, uid: str) -> None:
    assert tree.resolve(text, day).uid == uid


def test_a_name_of_two_units_is_refused_with_both(tree: UnitTree) -> None:
    with pytest.raises(AmbiguousUnit) as refused:
        tree.resolve("Yên Bái", OLD)
    assert "132-1" in str(refused.value)
    assert "15-1, 12/08/1991–30/06/2025" in str(refused.value)
    assert "nhiều đơn vị" in refused.value.text("vi")


def test_a_unit_that_ended_is_refused_with_what_it_became(tree: UnitTree) -> None:
    with pytest.raises(UnitNotValid, match=r"Xã Tuy Lộc .*30/06/2025\] → Phường Nam Cường"):
        tree.resolve("Tuy Lộc", NEW)


def test_a_unit_nobody_knows_is_refused(tree: UnitTree) -> None:
    with pytest.raises(UnknownUnit, match="Atlantis"):
        tree.resolve("Atlantis", NEW)


def test_namesakes_under_another_parent_are_told_apart(session: Session) -> None:
    """The old city of Lào Cai also had a phường Nam Cường, which went into Cam Đường."""
    cam_duong = Unit(uid="02671-9", code="02671", name="Phường Cam Đường", kind="phuong", valid_from=NEW)
    namesake = Unit(
        uid="02668-9", code="02668", name="Phường Nam Cường", kind="phuong", valid_to=date(2025, 6, 30)
    )
    session.add_all([cam_duong, namesake])
    session.flush()
    session.add(UnitSuccessor(unit_id=namesake.id, successor_id=cam_duong.id))
    session.flush()
    tree = UnitTree.load(session)
    with pytest.raises(AmbiguousUnit, match=r"04273-2.*02668-9"):
        tree.resolve("Nam Cường", OLD)
    assert tree.resolve("Nam Cường", NEW).uid == "04273-3"
    assert tree.roll_up(namesake.id, NEW).name == "Phường Cam Đường"


def test_lineages_neither_overlap_nor_leave_a_gap(tree: UnitTree) -> None:
    for unit_id, successors in tree.successors.items():
        ended = tree.units[unit_id].valid_to
        assert ended is not None
        for successor in successors:
            begun = tree.units[successor].valid_from
            assert begun is not None
            assert (begun - ended).days == 1


def test_tone_marks_decide_between_namesakes(session: Session) -> None:
    session.add_all(Unit(uid=f"x{n}", code=f"9{n}", name=n, kind="xa") for n in ("Xã Hòa", "Xã Hóa"))
    session.flush()
    tree = UnitTree.load(session)
    assert tree.resolve("xã Hoà", NEW).name == "Xã Hòa"
    with pytest.raises(AmbiguousUnit):
        tree.resolve("xa hoa", NEW)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *[(uid, "04252-2") for uid in ("04261-1", "04252-1", "04255-1", "04258-1", "04264-1", "04267-1")],
        *[(uid, "04273-3") for uid in ("04273-1", "04273-2", "04270-1", "04276-1", "04522-1")],
        *[(uid, "04279-2") for uid in ("04249-1", "04279-1", "04558-1", "04549-1", "04783-1")],
        *[(uid, "04543-3") for uid in ("04546-1", "04546-2", "04543-1", "04552-1", "04540-1", "04567-1")],
        ("15-1", "15-2"),
        ("10-1", "15-2"),
    ],
)
def test_every_old_unit_went_whole_into_one_ward(tree: UnitTree, old: str, new: str) -> None:
    assert tree.roll_up(by_uid(tree, old), NEW).uid == new


def test_a_dissolved_city_has_no_one_successor(tree: UnitTree) -> None:
    with pytest.raises(UnitError, match="no single counterpart on 01/07/2025"):
        tree.roll_up(by_uid(tree, "132-1"), NEW)


def test_back_in_time_only_where_nothing_was_merged(tree: UnitTree) -> None:
    hop_minh, merged = by_uid(tree, "04546-2"), by_uid(tree, "04543-2")
    assert tree.roll_up(hop_minh, date(2012, 1, 1)).uid == "04546-1"
    with pytest.raises(UnitError):
        tree.roll_up(merged, date(2019, 1, 1))


def test_ancestors_and_everything_within(tree: UnitTree) -> None:
    assert [unit.uid for unit in tree.ancestors(by_uid(tree, "04276-1"))] == ["132-1", "15-1"]
    assert len(tree.within(by_uid(tree, "132-1"), OLD)) == 16
    assert {u.uid for u in tree.within(by_uid(tree, "15-1"), NEW)} == {
        "15-2",
        "04252-2",
        "04273-3",
        "04279-2",
        "04543-3",
    }


def test_a_point_follows_its_unit_and_its_own_moves(session: Session) -> None:
    tree = UnitTree.load(session)
    point = Point(code="YB-0001", name="Cổng chợ")
    session.add(point)
    session.flush()
    session.add(PointUnit(point_id=point.id, unit_id=by_uid(tree, "04264-1"), valid_from=date(2021, 5, 1)))
    session.flush()
    with pytest.raises(UnitError, match="30/04/2021"):
        unit_at(session, point.id, date(2021, 4, 30))
    assert unit_at(session, point.id, OLD).name == "Phường Nguyễn Phúc"
    assert unit_at(session, point.id, date(2024, 12, 1)).name == "Phường Hồng Hà"
    assert unit_at(session, point.id, NEW).name == "Phường Yên Bái"
    session.add(PointUnit(point_id=point.id, unit_id=by_uid(tree, "04543-3"), valid_from=date(2026, 1, 1)))
    session.flush()
    assert unit_at(session, point.id, date(2025, 12, 31), tree).name == "Phường Yên Bái"
    assert unit_at(session, point.id, date(2026, 1, 1), tree).name == "Phường Âu Lâu"


def test_scope() -> None:
    assert Scope.everything().covers(7)
    assert Scope.of([1, 2]).covers(2)
    assert not Scope.of([1, 2]).covers(7)
    assert not Scope.of([]).covers(7)
    assert Scope.everything().holds({7})
    assert Scope.of([1, 2]).holds({2, 7})
    assert not Scope.of([]).holds({7})


def test_a_narrowed_scope_shows_less_and_never_more() -> None:
    assert Scope.everything().narrowed(7) == Scope.of([7])
    ward = Scope.of([1]).narrowed(7)
    assert ward.holds({1, 7})
    assert not ward.holds({1}), "in scope, but not in the unit"
    assert not ward.holds({7}), "in the unit, but not in scope"
    assert not ward.narrowed(8).holds({1, 7})


words = st.text(st.sampled_from("aăâeêioôơuưyđhntgAĐÁÀẢÃẠắằẩễọủứýớòà "), max_size=30)


@given(words)
def test_composition_is_not_spelling(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC"):
        assert spelled(unicodedata.normalize(form, text)) == spelled(text)
        assert fold(unicodedata.normalize(form, text)) == fold(text)


@given(words)
def test_a_fold_of_a_fold_is_itself(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(spelled(text)) == fold(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("Hòa Bình", "Hoà Bình", True, id="two ways to set the tone"),
        pytest.param("thủy", "thuỷ", True, id="the same in uy"),
        pytest.param("Hòa", "Hóa", False, id="another tone"),
        pytest.param("Hoa", "Hòa", False, id="no tone"),
        pytest.param("Tân", "Tấn", False, id="a circumflex is a letter, a tone is not"),
    ],
)
def test_spelling(one: str, other: str, same: bool) -> None:
    assert (spelled(one) == spelled(other)) is same
    assert fold(one) == fold(other)
