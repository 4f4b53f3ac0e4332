"""The accountant's morning: what is known is filled in; a second person approves; nothing is typed twice."""

import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import date
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from openpyxl import load_workbook
from sqlalchemy import select

from camera_registry import models
from camera_registry.audit import Actor
from camera_registry.auth.roles import Role
from camera_registry.credentials import CredentialStore
from camera_registry.money import Sum
from camera_registry.repairs import deeds
from camera_registry.repairs.states import Payer
from camera_registry.reports import catalogue
from camera_registry.reports.asked import Asked
from camera_registry.reports.value import Facts
from camera_registry.reports.value import Kind as Of
from camera_registry.units import Scope
from tests.camera_registry.registries import fresh
from tests.dashboards.city import NOW
from tests.dashboards.funded import ZONE
from tests.dashboards.serving import Web, make_web, signed_in
from tests.databases import sqlite_in

NBSP = "\N{NO-BREAK SPACE}"
MINUTES = {"paper": "minutes", "number": "12/BB-TDP4", "paper_dated": "2026-11-01"}
GIVEN = {"kind": "contribution", "form": "money", "dated": "2026-11-20", "text": "Góp tiền mua mắt camera"}
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Four points of one ward; the fourth belongs to another."""
    folder: Path = tmp_path_factory.mktemp("money")
    database, _ = fresh(sqlite_in(folder), 4)
    with database.transaction() as session:
        other = models.Unit(uid="u-2", code="04300", name="Phường Khác", kind="phuong")
        session.add(other)
        session.flush()
        fourth = select(models.PointUnit).join(models.Point).where(models.Point.code == "P4")
        session.scalars(fourth).one().unit_id = other.id
    web = make_web(database, data_dir=folder)
    with database.reading() as session:
        CredentialStore(web.app.state.desk.settings).prepare(session)
    yield web
    database.close()


@pytest.fixture
def finance(web: Web) -> TestClient:
    return signed_in(web, Role.FINANCE)


@pytest.fixture
def administrator(web: Web) -> TestClient:
    return signed_in(web)


def words(answer: Response) -> str:
    """What a person reads of a page."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def filled(answer: Response, name: str) -> list[str]:
    """What stands in the fields of this name."""
    inputs = re.findall(rf'<input[^>]*\bname="{name}"[^>]*>', answer.text)
    return [unescape(found[1]) if (found := re.search(r'value="([^"]*)"', each)) else "" for each in inputs]


def chosen(answer: Response, name: str) -> str:
    """What a list of choices has chosen."""
    options = re.search(rf'<select id="{name}".*?</select>', answer.text, re.DOTALL)
    assert options is not None
    found = re.search(r'<option value="([^"]*)" selected', options[0])
    return unescape(found[1]) if found else ""


class Newest(NamedTuple):
    """Of the newest entry, what the tests look at."""

    id: int
    amount: int | None
    state: str
    repair_id: int | None
    reverses_id: int | None


def newest(web: Web) -> Newest:
    row = models.MoneyEntry
    columns = (getattr(row, name) for name in Newest._fields)
    with web.database.reading() as session:
        return Newest(*session.execute(select(*columns).order_by(row.id.desc()).limit(1)).one())


def test_a_sum_is_split_entered_and_approved_by_another(
    web: Web, finance: TestClient, administrator: TestClient
) -> None:
    made = finance.post(
        "/money/programmes/enter",
        data={"new": "1", "code": "XHH-2026", "name": "Xã hội hóa 2026", "decision": "05/NQ-HĐND"},
    )
    assert "Xã hội hóa 2026" in made.text

    # A sum over three points: evenly, and the đồng that is over is said.
    typed = GIVEN | {"programme": "XHH-2026", "contributor": "Công ty Ánh Sáng", "amount": "10.000.000"}
    split = finance.post("/money/enter", data=typed | {"step": "split", "codes": "P1, P2\nP3"})
    said = f"10.000.000{NBSP}đồng chia cho 3 điểm: mỗi điểm 3.333.333{NBSP}đồng."
    assert said.replace(NBSP, " ") in words(split)
    assert "P1" in words(split)
    assert filled(split, "share")[:3] == ["3.333.334", "3.333.333", "3.333.333"]
    assert filled(split, "contributor") == ["Công ty Ánh Sáng"]

    # Nobody is called so yet: it is asked of what kind, and nothing that was typed is lost.
    shares = {"point": ["P1", "P2", "P3"], "share": filled(split, "share")[:3]}
    asked = finance.post("/money/enter", data=typed | MINUTES | shares)
    assert (asked.status_code, filled(asked, "number")) == (409, ["12/BB-TDP4"])
    assert "Không có bên đóng góp" in words(asked)
    next_one = finance.post("/money/enter", data=typed | MINUTES | shares | {"new_kind": "business"})
    assert next_one.url.path == "/money/enter"
    assert "chờ duyệt" in words(next_one)
    assert (chosen(next_one, "programme"), filled(next_one, "dated")) == ("XHH-2026", ["2026-11-20"])
    assert filled(next_one, "amount") == [""]
    assert "Công ty Ánh Sáng #" in next_one.text

    # It counts once somebody else has approved it.
    entry = newest(web)
    own = finance.get(f"/money/entries/{entry.id}")
    assert "12/BB-TDP4" in own.text
    assert f"/money/entries/{entry.id}/approve" not in own.text
    assert finance.post(f"/money/entries/{entry.id}/approve").status_code == 409
    assert "Đã thu chưa ghi khoản nào" in words(finance.get("/money?programme=XHH-2026"))
    assert f'name="entry" value="{entry.id}"' not in finance.get("/money/waiting").text
    told = administrator.post("/money/waiting", data={"deed": "approve", "entry": [str(entry.id)]})
    assert "1 khoản đã được duyệt" in words(told)
    ledger = words(finance.get("/money?programme=XHH-2026"))
    assert "Đã thu 10.000.000 đồng" in ledger
    assert "không thay sổ kế toán" in ledger
    assert "Đã thu 3.333.334 đồng" in words(finance.get("/points/P1/money"))

    # An approved entry never changes: another takes it back, and that waits, too.
    assert finance.post(f"/money/entries/{entry.id}/reverse", data={"reason": ""}).status_code == 409
    back = finance.post(f"/money/entries/{entry.id}/reverse", data={"reason": "Ghi nhầm chương trình"})
    assert newest(web).reverses_id == entry.id
    assert "đảo" in words(back)
    refused = administrator.post(
        "/money/waiting", data={"deed": "refuse", "entry": [str(newest(web).id)], "reason": "Không nhầm"}
    )
    assert "1 khoản không được duyệt" in words(refused)
    assert "Không duyệt" not in finance.get("/money?as=csv").text, "what comes back is what stands"
    assert "Không duyệt" in finance.get("/money?as=csv&state=refused").text


def test_what_is_not_known_is_said_and_never_nothing(web: Web, finance: TestClient) -> None:
    blank = finance.post("/money/enter", data=GIVEN | {"point": "P1", "share": ""})
    assert (blank.status_code, "chưa có số liệu" in words(blank)) == (409, True)
    finance.post("/money/enter", data=GIVEN | {"point": "P1", "share": "", "unknown": "1"})
    shown = finance.get(f"/money/entries/{newest(web).id}")
    assert "chưa có số liệu" in words(shown)
    assert newest(web).amount is None


def test_cards_and_the_report_say_the_same_of_what_is_not_known(
    web: Web, finance: TestClient, administrator: TestClient
) -> None:
    typed = {"kind": "estimate", "form": "money", "dated": "2026-11-20", "component": "camera"}
    finance.post("/money/enter", data=typed | {"amount": "25.000.000", "point": ["P1"], "share": [""]})
    administrator.post("/money/waiting", data={"deed": "approve", "entry": [str(newest(web).id)]})
    with web.database.reading() as session:
        unit = session.scalars(select(models.Unit.uid).where(models.Unit.uid != "u-2")).one()
        for of_unit, query, unknown in (("", "", 3), (unit, f"?unit={unit}", 2)):
            asked = Asked(Of.FUNDING, date(2026, 11, 1), NOW.date(), unit=of_unit)
            report = catalogue.build(Of.FUNDING)(session, Scope.everything(), asked, NOW, ZONE, "vi")
            money = next(part for part in report.parts if isinstance(part, Facts) and part.key == "money")
            told = {each.key: each.value for each in money.facts}
            assert told["estimate"] == Sum(25_000_000, unknown)
            card = f"Dự toán 25.000.000 đồng {unknown} khoản chưa có số liệu"
            assert card in words(finance.get(f"/money{query}"))
    of_one = words(finance.get("/money?point=P1"))
    assert "Dự toán 25.000.000 đồng Đã thu" in of_one, "of one point all is known"


def test_the_expense_of_a_repair_comes_from_its_chosen_quotation(web: Web, finance: TestClient) -> None:
    actor, zone = Actor("clerk", "127.0.0.1"), web.app.state.desk.settings.zone
    with web.database.transaction() as session:
        at = (session, actor, Scope.everything())
        number = deeds.open_repair(*at, NOW, zone, point="P2", fault="Cháy nguồn camera")
        for party, amount in (("Đắt", 9_000_000), ("Điện máy Yên Bái", 2_500_000)):
            quotation = deeds.quote(*at, number, NOW, zone, party=party, amount=amount, dated=NOW.date())
        deeds.choose(*at, number, quotation, NOW, zone)
    form = finance.get(f"/money/enter?repair={number}")
    assert (chosen(form, "kind"), filled(form, "amount"), filled(form, "payee")) == (
        "expense",
        ["2.500.000"],
        ["Điện máy Yên Bái"],
    )
    assert (filled(form, "point")[0], filled(form, "text")) == ("P2", ["Cháy nguồn camera"])
    assert chosen(form, "paper") == "invoice"
    sent = {name: filled(form, name)[0] for name in ("dated", "amount", "payee", "text", "repair")}
    done = finance.post(
        "/money/enter",
        data=sent | {"kind": "expense", "form": "money", "component": "camera", "point": "P2", "share": ""},
        follow_redirects=False,
    )
    assert done.headers["location"] == f"/repairs/{number}"
    entry = newest(web)
    assert (entry.repair_id, entry.amount, entry.state) == (number, 2_500_000, "waiting")


def test_an_expense_beyond_a_warranty_is_entered_with_its_reason(web: Web, finance: TestClient) -> None:
    actor, zone = Actor("clerk", "127.0.0.1"), web.app.state.desk.settings.zone
    with web.database.transaction() as session:
        at = (session, actor, Scope.everything())
        number = deeds.open_repair(*at, NOW, zone, point="P3", fault="Cháy nguồn camera")
        deeds.set_payer(*at, number, Payer.WARRANTY, NOW, zone, grounds="BH 01")
    assert f'href="/money/enter?repair={number}"' in finance.get(f"/repairs/{number}").text
    form = finance.get(f"/money/enter?repair={number}")
    assert (filled(form, "reason"), filled(form, "amount")) == ([""], [""])
    typed = {name: filled(form, name)[0] for name in ("dated", "text", "repair")}
    typed |= {"kind": "expense", "form": "money", "component": "maintenance", "point": "P3", "share": ""}
    asked = finance.post("/money/enter", data=typed | {"amount": "300.000"})
    assert (asked.status_code, filled(asked, "amount")) == (409, ["300.000"])
    assert "hãy ghi rõ vì sao vẫn chi tiền" in words(asked)
    why = "Bảo hành không gồm xe nâng"
    done = finance.post("/money/enter", data=typed | {"amount": "300.000", "reason": why})
    assert (done.status_code, done.url.path) == (200, f"/repairs/{number}")
    assert f"Cháy nguồn camera; {why}" in words(finance.get(f"/money/entries/{newest(web).id}"))
    payer = {"payer": "warranty", "grounds": "BH 02"}
    refused = finance.post(f"/repairs/{number}/payer", data=payer)
    assert (refused.status_code, filled(refused, "reason")) == (409, [""])
    kept = finance.post(f"/repairs/{number}/payer", data=payer | {"reason": why})
    assert (kept.status_code, "BH 02" in words(kept)) == (200, True)
    assert filled(finance.get("/money/enter?point=P3"), "reason") == []


def test_what_is_missing_at_a_point_is_entered_where_it_is_missed(web: Web, finance: TestClient) -> None:
    assert "Thời hạn bảo hành Ghi" in words(finance.get("/points/P3/money"))
    finance.post(
        "/points/P3/money/upkeep",
        data={"kind": "warranty", "party": "Công ty A", "first": "2026-01-01", "last": "2027-12-31"},
    )
    wrong = finance.post("/points/P3/money/asset", data={"cost": "12,5 triệu", "reason": "Kiểm kê"})
    assert (wrong.status_code, filled(wrong, "cost")) == (409, ["12,5 triệu"])
    asset = {"cost": "20.000.000", "in_use_on": "2024-03-01", "ownership": "7/QĐ-UBND", "reason": "Kiểm kê"}
    page = words(finance.post("/points/P3/money/asset", data=asset))
    assert "2.500.000 đồng mỗi năm (12,5 %)" in page
    assert "5.000.000 đồng" in page, "worn by two Decembers"
    assert "Công ty A đến 31/12/2027" in page
    paper = {"about": "point:P3", "kind": "hand_over", "number": "3/BB", "title": "Bàn giao"}
    put = finance.post("/money/documents", data=paper, files={"file": ("a.png", PNG)})
    assert "3/BB" in words(put)
    opened = re.search(r'href="(/money/documents/\d+)"', put.text)
    assert opened is not None
    assert finance.get(opened[1]).content == PNG
    bad = finance.post("/money/documents", data=paper, files={"file": ("a.png", b"MZ")})
    assert (bad.status_code, "JPEG" in bad.text) == (409, True)
    assert "Thời hạn bảo hành Ghi" not in words(finance.get("/points/P3/money"))
    assert "P3" in finance.get("/money/basis?missing=manager").text


def test_a_file_goes_out_and_comes_back(web: Web, finance: TestClient, administrator: TestClient) -> None:
    book = load_workbook(BytesIO(finance.get("/money/import/template.xlsx").content))
    sheet = book.worksheets[0]
    heads = [str(cell.value) for cell in sheet[1]]
    row: dict[str, str | None] = dict.fromkeys(heads)
    row |= {"Ngày *": "15/09/2023", "Loại khoản *": "Khoản thu", "Mã điểm lắp đặt": "P1"}
    row |= {"Số tiền (đồng) *": "4.000.000", "Nguồn": "Hộ gia đình", "Bên đóng góp": "Bà Tư"}

    def sent(row: dict[str, str | None], **more: str) -> Response:
        made = BytesIO()
        for column, head in enumerate(heads, 1):
            sheet.cell(2, column, row[head])
        book.save(made)
        file = {"file": ("so.xlsx", made.getvalue())}
        answer: Response = finance.post("/money/import", files=file, data=more)
        return answer

    wrong = sent(row | {"Mã điểm lắp đặt": "P9"})
    assert (wrong.status_code, "P9" in wrong.text) == (409, True)
    link = re.search(r'href="data:[^"]*;base64,([^"]*)"', wrong.text)
    assert link is not None, "the file need not be sent again to have it marked"
    copy = load_workbook(BytesIO(b64decode(unescape(link[1])))).worksheets[0]
    assert [cell.coordinate for cell in copy[2] if cell.comment] == ["G2"]
    marked = sent(row | {"Mã điểm lắp đặt": "P9"}, step="marked")
    assert "marked" in marked.headers["content-disposition"]
    before = newest(web).id
    assert sent(row, step="marked").status_code == 200
    assert newest(web).id == before, "only looked at"
    assert "1 khoản chờ người khác duyệt" in words(sent(row))
    assert "1 khoản trong tệp đã có trong sổ" in words(sent(row))
    form = re.search(
        r'action="/money/waiting/file">(.*?)</form>', administrator.get("/money/waiting").text, re.S
    )
    assert form is not None
    shown = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[1]))
    assert (shown["file"], shown["last"]) == ("so.xlsx", str(newest(web).id))
    other = {**shown, "last": str(newest(web).id - 1)}
    assert administrator.post("/money/waiting/file", data=other).status_code == 409
    told = administrator.post("/money/waiting/file", data=shown)
    assert "1 khoản đã được duyệt" in words(told)
    out = load_workbook(BytesIO(finance.get("/money?as=xlsx&q=Bà Tư").content)).worksheets[0]
    assert "Bà Tư" in [cell.value for cell in out[2]]


def test_a_contributor_is_known_by_a_beginning_that_no_other_has(web: Web, finance: TestClient) -> None:
    told = GIVEN | {"amount": "200.000", "point": "P1", "share": ""}
    for name in ("Hợp tác xã Sáng Mai", "Hợp tác xã Sao Đêm"):
        finance.post("/money/enter", data=told | {"contributor": name, "new_kind": "business"})
    before = newest(web).id
    several = finance.post("/money/enter", data=told | {"contributor": "hop tac xa sa"})
    assert (several.status_code, "bắt đầu như vậy" in several.text) == (409, True)
    finance.post("/money/enter", data=told | {"contributor": "hop tac xa sang"})
    assert newest(web).id == before + 1
    assert "Hợp tác xã Sáng Mai" in finance.get(f"/money/entries/{newest(web).id}").text


def test_a_wards_officer_reads_of_his_ward_and_enters_nothing(web: Web, finance: TestClient) -> None:
    theirs = GIVEN | {"contributor": "Ông Xa", "new_kind": "household", "amount": "700.000", "point": "P4"}
    finance.post("/money/enter", data=theirs | {"share": ""})
    number = newest(web).id
    officer = signed_in(web, Role.WARD_OFFICER, ["u-1"])
    for address in ("/money", "/money/waiting", "/money/contributors", "/money?as=csv", "/money/basis"):
        answer = officer.get(address)
        assert (answer.status_code, "Ông Xa" in answer.text, "P4" in answer.text) == (200, False, False)
    for address in (f"/money/entries/{number}", "/points/P4/money"):
        assert officer.get(address).status_code == 404
    assert officer.get("/money/enter").status_code == 403
    own = signed_in(web, Role.FINANCE, ["u-1"])
    assert own.post("/money/enter", data=theirs | {"share": "", "contributor": ""}).status_code == 409
    assert own.post("/money/waiting", data={"deed": "approve", "entry": [str(number)]}).status_code == 409
