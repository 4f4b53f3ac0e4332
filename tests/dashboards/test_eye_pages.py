"""The pages of an eye and a point, and of a probe that somebody wants: what they say, and to whom."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from camera_registry import custody, models, reported
from camera_registry.audit import Actor
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from camera_registry.inventory import Word
from dashboards import transcripts
from probes.reasons import Check, Outcome, Reason
from probes.result import Step
from tests.dashboards.city import NOW, add_transition, fill, set_state
from tests.dashboards.serving import Web, make_web, signed_in
from tests.databases import sqlite_in

WHO = Actor("tests", "cli")
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SECONDS = timedelta(seconds=1)
HTMX = {"HX-Request": "true"}
EXCHANGE = """\
@0.0
> DESCRIBE rtsp://127.0.1.1/live RTSP/1.0
@11.0
< RTSP/1.0 200 OK
@12.0
> SETUP rtsp://127.0.1.1/live/1 RTSP/1.0
@20.0
< RTSP/1.0 503 Service Unavailable
@21.0
> TEARDOWN rtsp://127.0.1.1/live RTSP/1.0
"""


def at(seconds: int) -> str:
    return (NOW - seconds * SECONDS).isoformat()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder: Path = tmp_path_factory.mktemp("eyes")
    database = Database(sqlite_in(folder))
    fill(database)
    with database.transaction() as session:
        eye = session.query(models.Eye).filter_by(code="NC1-DOWN").one()
        eye.purpose = "Cổng trường"
        add_transition(session, eye.id, "down", "up", Reason.OK, NOW - 7200 * SECONDS)
        session.query(models.Transition).filter_by(eye_id=eye.id, at=NOW).delete()
        add_transition(session, eye.id, "up", "down", Reason.STREAM_SLOTS_BUSY, NOW - 3600 * SECONDS)
        rungs = [
            ["tcp", 0.002, "OK", "", at(30)],
            ["describe", 0.011, "OK", "", at(30)],
            ["setup", 0.008, "STREAM_SLOTS_BUSY", "SETUP 503", at(30)],
            ["play", 0.004, "OK", "", at(7000)],
            ["decode", 0.02, "PICTURE_BLACK", "", at(7200)],
        ]
        set_state(
            session,
            eye.id,
            "down",
            Reason.RTSP_TIMEOUT,
            NOW - 30 * SECONDS,
            rungs=rungs,
            media={"codec": "h264", "width": 640, "height": 360, "fps": 12.5},
            notes=["SLOW_RESPONSE"],
            transcript=EXCHANGE,
            transcript_at=NOW - 30 * SECONDS,
        )
        clock = {"state": Outcome.OK, "reason": Reason.OK, "since": NOW, "heard_at": NOW, "interval_s": 300.0}
        session.add(models.Condition(eye_id=eye.id, check=Check.CLOCK, **clock))
        custody.set_custody(
            *(session, WHO, "NC1", "UBND phường Nam Cường", NOW.date(), NOW, ZONE),
            electricity="Tổ dân phố",
        )
    yield make_web(database)
    database.close()


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_transcript_is_cut_by_the_rungs() -> None:
    found = transcripts.by_step(f"{EXCHANGE}@30.0\n<$0 1400 80e0\n")

    assert list(found) == [Step.DESCRIBE, Step.SETUP, Step.RTP]
    assert found[Step.DESCRIBE].endswith("200 OK\n")
    assert "TEARDOWN" in found[Step.SETUP], "the end of the session belongs to the last rung"
    assert "".join(found.values()).count("@") == 6
    assert transcripts.by_step("") == {}


def test_the_ladder_tells_each_rung_of_its_own_time(web: Web) -> None:
    html = signed_in(web).get("/eyes/NC1-DOWN").text
    rungs = [
        text_of(rung) for rung in re.findall(r'<ol class="ladder">(.*?)</ol>', html, re.S)[0].split("<li ")
    ]

    assert [rung.partition(" ")[0] for rung in rungs[1:4]] == ['class="ok">'] * 2 + ['class="unknown">']
    assert "0,002 giây" in rungs[1]
    assert "đã đủ số người xem" in rungs[3]
    assert "SETUP 503" in rungs[3]
    assert "RTSP/1.0 503" in rungs[3], "with what was said on it"
    assert "Lượt kiểm tra mới nhất dừng trước bậc này." in rungs[4], "it is of an earlier probe"
    assert "chưa kiểm tra" in rungs[5]
    assert "Lượt kiểm tra mới nhất" not in rungs[7], "pictures are looked at less often"
    assert 'class="failing"' in html


def test_the_page_of_an_eye_says_where_who_and_since_when(web: Web) -> None:
    text = text_of(signed_in(web).get("/eyes/NC1-DOWN").text)

    for words in (
        "Cổng trường",
        "Phường Nam Cường",
        "UBND phường Nam Cường",
        "h264, 640 × 360, 12,5 hình mỗi giây",
        "Thiết bị trả lời chậm.",
    ):
        assert words in text, words


@pytest.mark.parametrize("span", ["24h", "7d", "90d", "1y", "nonsense"])
def test_the_past_is_chosen_by_the_address(web: Web, span: str) -> None:
    html = signed_in(web).get("/eyes/NC1-DOWN", params={"span": span}).text
    chosen = re.findall(r'<a href="\?span=(\w+)#past" aria-current="true">', html)

    assert chosen == [span if span != "nonsense" else "24h"]
    assert re.search(r'<rect class="down"[^>]*><title>[^<]*đã đủ số người xem', html), (
        "a reason where it is pointed at"
    )
    table = re.search(r'<details id="intervals">(.*?)</details>', html, re.S)
    assert table is not None
    assert "đã đủ số người xem" in table[1], "and the same in a table"


def test_an_eye_without_a_network_has_no_strip_and_no_probe(web: Web) -> None:
    with web.database.transaction() as session:
        eye = session.query(models.Eye).filter_by(code="AL1-CLOUD").one()
        for days, note in ((40, "Hình tối"), (2, "Đã sửa")):
            reported.report(
                session, eye, Word.WORKING, NOW - timedelta(days=days), WHO, NOW, days=30, note=note
            )
    html = signed_in(web).get("/eyes/AL1-CLOUD").text

    for never in ('id="past"', "/probe", 'id="ladder"', 'id="checks"', "Chu kỳ kiểm tra"):
        assert never not in html
    assert html.index("Đã sửa") < html.index("Hình tối"), "what people said stands first, the newest on top"


def test_a_point_shows_its_eyes_who_has_it_and_its_months(web: Web) -> None:
    text = text_of(signed_in(web).get("/points/NC1").text)

    for words in (
        "NC1-UP",
        "NC1-POOR",
        "NC1-DOWN",
        "UBND phường Nam Cường",
        "Xã Tuy Lộc",
        "Ngân sách thành phố",
    ):
        assert words in text, words
    months = text_of(signed_in(web).get("/points/NC1/months").text)
    assert "Tháng 11/2026" in months
    assert "Tháng 10/2026" in months
    assert signed_in(web).get("/points/NC9").status_code == 404


def test_a_point_stays_where_its_unit_went(web: Web) -> None:
    html = signed_in(web).get("/points/NC1").text
    homes = text_of(re.findall(r'id="homes".*?</ol>', html, re.S)[0])

    assert "Phường Nam Cường 01/07/2025 – nay Theo sắp xếp đơn vị hành chính" in homes
    assert "Xã Tuy Lộc từ đầu – 30/06/2025" in homes


def test_outside_the_scope_nothing_is_there(web: Web) -> None:
    client = signed_in(web, Role.WARD_OFFICER, ["04543-2"])

    for address in (
        "/eyes/NC1-DOWN",
        "/points/NC1",
        "/points/NC1/months",
        "/api/v1/eyes/NC1-DOWN/series",
        "/eyes/NC1-DOWN/probe/1",
    ):
        assert client.get(address).status_code == 404, address
    assert client.post("/eyes/NC1-DOWN/probe").status_code == 404
    assert client.get("/points/AL1").status_code == 200


def test_a_wish_is_one_for_all_until_somebody_takes_it_up(web: Web) -> None:
    client = signed_in(web, Role.WARD_OFFICER, ["04273-2"])
    asked = client.post("/eyes/NC1-UP/probe", follow_redirects=False)
    address = asked.headers["location"]

    assert asked.status_code == 303
    assert re.fullmatch(r"/eyes/NC1-UP/probe/\d+", address)
    assert "Đang chờ hệ thống giám sát" in client.get(address).text
    fragment = signed_in(web).post("/eyes/NC1-UP/probe", headers=HTMX).text
    assert f'hx-get="{address}/rungs"' in fragment, "another person follows the same probe"
    assert "<html" not in fragment
    assert signed_in(web, Role.FINANCE).post("/eyes/NC1-UP/probe").status_code == 403
    elsewhere = client.post("/eyes/NC1-UP/probe", headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status_code == 403
