"""The figures of a period for programs: what is asked for, what is told, what is refused."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from camera_registry.db import Database
from tests.camera_registry import september
from tests.camera_registry.september import LATE, at
from tests.dashboards.serving import make_web, signed_in

NOW = at("2025-11-22T10:00")
MONTH = {"from": "2025-09-01", "to": "2025-10-01"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = september.fill(database_url)
    yield database
    database.close()


@pytest.fixture
def client(database: Database) -> TestClient:
    web = make_web(database, now=lambda: NOW)
    return signed_in(web)


def test_the_intervals_of_an_eye(client: TestClient) -> None:
    told = client.get("/api/v1/eyes/E1/intervals", params=MONTH).json()

    assert (told["from"], told["to"]) == ("2025-08-31T17:00:00Z", "2025-09-30T17:00:00Z")
    assert told["ledger"] == "eye"
    assert sum(each["seconds"] for each in told["intervals"]) == 720 * 3600
    assert told["down_s"] == 16 * 3600 - LATE / 1e6
    availability = told["rates"]["availability"]
    assert availability["rate"] == pytest.approx(availability["over_s"] / availability["under_s"])
    assert told["outages"][-1]["to"] is None
    assert [each["why"] for each in told["not_in_service"]] == ["not_commissioned", "suspended"]
    assert told["maintenance"][0]["reason"] == "Cắt điện trạm 3 <b>"
    assert told["rules_version"] >= 1


def test_the_intervals_of_a_check(client: TestClient) -> None:
    told = client.get("/api/v1/eyes/E1/intervals", params=MONTH | {"check": "picture"}).json()

    assert told["ledger"] == "picture"
    failing = [each for each in told["intervals"] if each["state"] == "failing"]
    assert [(each["reason"], each["seconds"]) for each in failing] == [("PICTURE_FROZEN", 3 * 3600)]
    assert sum(each["seconds"] for each in told["intervals"]) == 720 * 3600


def test_moments_with_an_offset(client: TestClient) -> None:
    asked = {"from": "2025-09-24T00:00:00+07:00", "to": "2025-09-24T12:00:00Z"}
    told = client.get("/api/v1/eyes/E1/intervals", params=asked).json()

    assert told["to"] == "2025-09-24T12:00:00Z"
    assert [each["state"] for each in told["intervals"]] == ["up", "down", "up"]


def test_without_a_period_it_is_this_month_as_far_as_it_has_come(client: TestClient) -> None:
    told = client.get("/api/v1/eyes/E1/intervals").json()

    assert told["from"] == "2025-10-31T17:00:00Z"
    assert told["counted_until"] == "2025-11-22T03:00:00Z"
    assert told["ahead_s"] == (8 * 24 + 14) * 3600


@pytest.mark.parametrize(
    ("group", "keys"),
    [
        pytest.param("unit", ["u-1"], id="unit"),
        pytest.param("point", ["P1", "P2"], id="point"),
        pytest.param("eye", ["E1", "E2"], id="eye"),
        pytest.param("site", ["S1"], id="site"),
        pytest.param("funding", [""], id="funding"),
        pytest.param("total", [""], id="total"),
    ],
)
def test_availability_by_group(client: TestClient, group: str, keys: list[str]) -> None:
    told = client.get("/api/v1/availability", params=MONTH | {"group": group}).json()

    assert (told["group"], told["units_at"]) == (group, "2025-09-30")
    figures = told["figures"]
    assert [each["key"] for each in figures] == keys
    assert sum(each["down_s"] for each in figures) == 16 * 3600 - LATE / 1e6
    for each in figures:
        observed = each["up_s"] + each["degraded_s"] + each["down_s"]
        if observed:
            assert each["availability"] == pytest.approx((observed - each["down_s"]) / observed)
        else:
            assert each["availability"] is None
            assert each["coverage"] == 0
        assert (each["served"] is not None) == (group == "point")


def test_a_figure_and_its_explanation_agree(client: TestClient) -> None:
    figures = client.get("/api/v1/availability", params=MONTH | {"group": "eye"}).json()["figures"]
    for figure in figures:
        told = client.get(f"/api/v1/eyes/{figure['key']}/intervals", params=MONTH).json()
        for name in ("up_s", "degraded_s", "down_s", "unknown_s", "maintenance_s", "not_in_service_s"):
            assert figure[name] == told[name], name
        for name in ("availability", "coverage", "usable", "usable_coverage"):
            assert figure[name] == told["rates"][name]["rate"]
        for name in ("mttr_s", "mtbf_s", "longest_outage_s"):
            assert figure[name] == told[name]
        assert (figure["outages"], figure["blips"]) == (len(told["outages"]), len(told["blips"]))


def test_what_is_not_observed_is_null(client: TestClient) -> None:
    told = client.get("/api/v1/availability", params=MONTH | {"group": "eye"}).json()

    assert (
        told["figures"][1] | {"availability": None, "usable": None, "mttr_s": None, "outages": 0}
        == told["figures"][1]
    )


def test_availability_narrowed(client: TestClient) -> None:
    asked = MONTH | {"group": "eye"}
    for more, keys in (
        ({"unit": "u-1", "point": "P2"}, ["E2"]),
        ({"unit": "u-1"}, ["E1", "E2"]),
        ({"unit": "nowhere"}, []),
    ):
        told = client.get("/api/v1/availability", params=asked | more).json()
        assert [each["key"] for each in told["figures"]] == keys


@pytest.mark.parametrize(
    ("path", "params", "status", "said"),
    [
        pytest.param("eyes/nobody/intervals", MONTH, 404, "no such eye", id="no such eye"),
        pytest.param("eyes/E3/intervals", MONTH, 409, "people report", id="an eye without a network"),
        pytest.param("eyes/E1/intervals", {"from": "x"}, 422, '"x" is no day', id="no day"),
        pytest.param(
            "eyes/E1/intervals", {"from": "2025-09-01T00:00"}, 422, "offset", id="a moment without an offset"
        ),
        pytest.param("availability", {"from": "2024-01-01", "to": "2025-10-01"}, 422, "400 days", id="long"),
        pytest.param("availability", {"from": "2025-10-01", "to": "2025-09-01"}, 422, "ends", id="backwards"),
        pytest.param("availability", {"to": "2025-09-01"}, 422, "beginning", id="no beginning"),
        pytest.param("availability", {"group": "colour"}, 422, "cannot be understood", id="no such group"),
        pytest.param("availability", {"units_at": "x"}, 422, "cannot be understood", id="no such day"),
        pytest.param("eyes/E1/intervals", {"check": "x"}, 422, "cannot be understood", id="no such check"),
    ],
)
def test_refusals_say_what_is_wrong(
    client: TestClient, path: str, params: dict[str, str], status: int, said: str
) -> None:
    answer = client.get(f"/api/v1/{path}", params=params)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]
