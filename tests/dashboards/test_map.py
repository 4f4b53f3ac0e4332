"""The map and its GeoJSON: the same points as in the table, cut to the reader's scope; none is left out."""

import json
import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from camera_registry import atlas, demonstration, models, units
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from camera_registry.outlines import read_outlines
from dashboards.pages.map import LEAF
from tests.dashboards.city import fill, fill_many
from tests.dashboards.serving import Web, make_web, signed_in
from tests.databases import sqlite_in

SHIPPED = Path("camera_registry/data/yen-bai.geojson")
NAM_CUONG, AU_LAU = "04273-2", "04543-2"  # uids of the small city's wards


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The small city: its market has a position, its bridge has none."""
    database = Database(sqlite_in(tmp_path_factory.mktemp("map")))
    fill(database)
    with database.transaction() as session:
        market = session.query(models.Point).filter_by(code="NC1").one()
        market.latitude, market.longitude = 21.7218, 104.8513
    yield make_web(database)
    database.close()


@pytest.fixture
def client(web: Web) -> TestClient:
    return signed_in(web)


def points(client: TestClient, query: str = "") -> dict[str, Any]:
    answer = client.get(f"/api/v1/points.geojson{query}")
    assert answer.headers["content-type"] == "application/geo+json"
    return {each["properties"]["code"]: each for each in answer.json()["features"]}


def test_a_point_is_as_its_worst_eye(client: TestClient) -> None:
    assert points(client) == {
        "NC1": {
            "type": "Feature",
            "properties": {
                "code": "NC1",
                "name": "Chợ Tuy Lộc",
                "unit": "Phường Nam Cường",
                "unit_code": "04273",
                "funding": "city_budget",
                "standing": "down",
                "eyes": {"up": 1, "degraded": 1, "down": 1},
            },
            "geometry": {"type": "Point", "coordinates": [104.8513, 21.7218]},
        }
    }


@pytest.mark.parametrize(
    ("query", "standing"),
    [
        pytest.param("?standing=up", "up", id="of the eyes that were asked for"),
        pytest.param("?unit=04273&funding=city_budget&site=yb&q=tuy loc", "down", id="all conditions"),
        pytest.param("?unit=04543", None, id="another unit"),
        pytest.param("?funding=socialised", None, id="another fund"),
        pytest.param("?site=elsewhere", None, id="another site"),
        pytest.param("?q=nowhere", None, id="other words"),
    ],
)
def test_the_choice_of_the_address_holds_for_map_and_table(
    client: TestClient, query: str, standing: str | None
) -> None:
    found = {code: each["properties"]["standing"] for code, each in points(client, query).items()}

    assert found == ({"NC1": standing} if standing else {})
    assert ("Chợ Tuy Lộc" in client.get(f"/map{query}").text) is bool(standing)


def test_points_without_a_position_stand_in_the_table(client: TestClient) -> None:
    page = client.get("/map").text

    assert "Đầu cầu Âu Lâu" in page
    assert "1 điểm lắp đặt chưa ghi tọa độ" in page


def test_nobody_sees_what_lies_outside(web: Web) -> None:
    officer = signed_in(web, Role.WARD_OFFICER, [AU_LAU])

    assert points(officer) == {}
    assert "Chợ Tuy Lộc" not in officer.get("/map").text
    assert officer.get("/map/points?code=NC1").status_code == 404
    assert signed_in(web, Role.WARD_OFFICER, [NAM_CUONG]).get("/map/points?code=NC1").status_code == 200


def test_a_touched_point_says_how_each_eye_is(client: TestClient) -> None:
    told = client.get("/map/points?code=NC1&code=AL1").text

    assert told.index("Chợ Tuy Lộc") < told.index("NC1-DOWN") < told.index("NC1-POOR")
    assert "Đầu cầu Âu Lâu" in told
    assert client.get("/map/points").status_code == 422


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        pytest.param("", ["Chợ Tuy Lộc", "Đầu cầu Âu Lâu"], id="the worst first"),
        pytest.param("-state", ["Đầu cầu Âu Lâu", "Chợ Tuy Lộc"], id="the worst last"),
        pytest.param("unit", ["Đầu cầu Âu Lâu", "Chợ Tuy Lộc"], id="by unit, as a dictionary has them"),
        pytest.param("eyes", ["Chợ Tuy Lộc", "Đầu cầu Âu Lâu"], id="by how many eyes"),
    ],
)
def test_the_table_is_sorted_and_taken_home_so(client: TestClient, sort: str, names: list[str]) -> None:
    page = client.get(f"/map?sort={sort}").text
    head, *lines = client.get(f"/map?as=csv&sort={sort}").content.decode("utf-8-sig").splitlines()

    assert sorted(names, key=page.index) == names
    assert head.startswith("Trạng thái;Điểm lắp đặt;Đơn vị;Mắt camera;Mã điểm")
    assert [line.split(";")[1] for line in lines] == names


def test_the_table_is_leafed_through_by_key(tmp_path: Path) -> None:
    database = Database(sqlite_in(tmp_path))
    fill_many(database, 3 * (LEAF + 20))
    client = signed_in(make_web(database))
    with database.reading() as session:
        names = [row.name for row in session.query(models.Point).order_by(models.Point.code)]

    def shown(query: str) -> set[str]:
        page = client.get(f"/map{query}").text
        return {name for name in names if f">{name}</a>" in page}

    def beside(query: str, way: str) -> str:
        found = re.search(rf'<a href="([^"]+)" rel="{way}">', client.get(f"/map{query}").text)
        assert found is not None
        return unescape(found[1])

    for sort in ("", "?sort=-point"):
        first, rest = shown(sort), beside(sort, "next")
        assert len(first) == LEAF
        assert first | shown(rest) == set(names)
        assert shown(beside(rest, "prev")) == first
    assert shown("?after=nonsense") == shown("")
    database.close()


# --- outlines -----------------------------------------------------------------------------------------


def test_outlines_are_of_the_units_of_their_day(tmp_path: Path) -> None:
    database = Database(sqlite_in(tmp_path))
    with database.transaction() as session:
        units.load_data_set(session, "yen-bai")
    with database.reading() as session:
        today = atlas.outlines(session, date(2026, 11, 22))
        before = atlas.outlines(session, date(2025, 6, 30))
    answer = signed_in(make_web(database)).get("/api/v1/units.geojson")

    wards = ["Phường Yên Bái", "Phường Nam Cường", "Phường Văn Phú", "Phường Âu Lâu"]
    assert sorted(each["properties"]["name"] for each in today) == sorted(wards)
    assert before == []
    assert json.loads(json.dumps(today)) == answer.json()["features"]
    assert "max-age" in answer.headers["cache-control"]
    database.close()


def test_the_label_of_each_outline_lies_inside_it(tmp_path: Path) -> None:
    database = Database(sqlite_in(tmp_path))
    with database.transaction() as session:
        units.load_data_set(session, "yen-bai")
    outlines = read_outlines(SHIPPED)
    with database.reading() as session:
        for each in atlas.outlines(session, date(2026, 11, 22)):
            longitude, latitude = each["properties"]["label"]
            assert outlines[each["id"].partition("-")[0]].holds(latitude, longitude)
    database.close()


def test_every_point_of_the_demonstration_stands_in_the_ward_its_unit_became() -> None:
    wards = read_outlines(SHIPPED)
    holds = {
        (device.point.unit, code)
        for device in demonstration.make_city()
        for code, ward in wards.items()
        if ward.holds(device.point.latitude, device.point.longitude)
    }

    assert {unit for unit, _ in holds} == set(demonstration.EYES)
    assert len(holds) == len(demonstration.EYES)
    assert ("Xã Tuy Lộc", "04273") in holds
