"""Whatever a person changes at the terminal stands in the audit: no command is left out."""

import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.core import TyperGroup
from typer.testing import CliRunner, Result

from camera_registry import models
from camera_registry.cli import ROOMS, app, open_room
from camera_registry.commands.storage import actor
from camera_registry.db import Database
from camera_registry.facts import Change
from tests.camera_registry.registries import LONG_AGO, fresh
from tests.dashboards.alerted import add_channel, add_message
from tests.databases import sqlite_in

# Commands that change nothing that people answer for: they read, ask eyes, or count again.
READS = {
    *("template", "units list", "site list", "credentials list", "discover", "device changes"),
    *("baseline list", "custody list", "custody queue", "maintenance list", "maintenance notice"),
    *("month show", "month verify", "month list", "token list", "user list", "replay", "rollup", "probe"),
    *("explain", "simulate", "doctor", "serve", "prepare", "push"),
    *("alerts channels", "alerts subscriptions", "alerts messages", "alerts preview"),
    *("repair list", "repair show", "repair proposals"),
    *("money template", "money list", "money sums", "money basis", "money programmes", "money upkeep"),
}

# Deeds that need more than a terminal: the test that asks for their rows.
ELSEWHERE = {
    "commission": "tests/stories/test_commissioning.py",
    "login retry": "tests/stories/test_commissioning.py",
    "start": "tests/stories/test_serve.py",
    "units reorganise": "tests/camera_registry/test_reorganising.py",
    "demo": "imports as import does",
    "user password": "tests/camera_registry/test_user_commands.py",
    "restore": "tests/camera_registry/test_backups.py",
    "money approve": "tests/camera_registry/test_money_commands.py",
    "money reverse": "tests/camera_registry/test_money_commands.py",
    "report programme": "tests/camera_registry/test_report_commands.py",
    "report proposal": "tests/camera_registry/test_report_commands.py",
}

# Each deed as it is typed, in an order in which all of them can be done, and what it leaves.
DEEDS: Mapping[str, tuple[str, list[str]]] = {
    "units load": ("yen-bai", ["units_loaded"]),
    "site add": ("S2 --name Two", ["site_added"]),
    "site canaries": ("S2 127.0.0.1:80", ["site_canaries_set"]),
    "site delivered": ("S2 --yes", ["site_delivered"]),
    "import": ("{folder}/ward.csv --site S2", ["imported", "added", "added", "added"]),
    "export": ("{folder}/out.csv", ["exported"]),
    "credentials set": ("cameras --user admin --password-file {folder}/password", ["credential_saved"]),
    "credentials rotate": ("", ["credentials_resealed"]),
    "credentials erase": ("cameras", ["credential_erased"]),
    "eye suspend": ("E1 --reason Sửa", ["suspended"]),
    "eye resume": ("E1", ["resumed"]),
    "eye retire": ("E2", ["retired"]),
    "eye withdraw-access": ("E3", ["access_withdrawn"]),
    "device confirm": ("D1", ["device_confirmed"]),
    "grade": ("E1 tot", ["grade_given"]),
    "reported": ("E4 hoat-dong --by Tổ-trưởng", ["report_taken"]),
    "baseline approve": ("E1 colour", ["baseline_approved"]),
    "baseline reject": ("E4 colour", ["baseline_rejected"]),
    "baseline reset": ("E1 --reason Xoay", ["baselines_reset"]),
    "point move": ("P1 04273-3 --from 2026-03-01 --document QĐ-12", ["point_moved"]),
    "custody set": ("P1 --manager UBND --from 2026-01-01", ["custody_set"]),
    "custody end": ("P1 --on 2026-02-01 --reason Hết", ["custody_ended"]),
    "maintenance add": (
        "--from 2026-01-10T08:00 --to 2026-01-10T09:00 --scope eye:E1 --reason Sửa",
        ["maintenance_entered"],
    ),
    "month close": ("2026-01", ["month_closed"]),
    "maintenance withdraw": ("1 --reason Nhầm", ["maintenance_withdrawn"]),
    "month amend": ("2026-01 --reason Nhầm", ["month_amended"]),
    "alerts add-channel": ("Zalo --kind zalo --unit 04273-3 --reason Mới", ["channel_added"]),
    "alerts link-code": ("2", ["channel_link_asked"]),
    "alerts subscribe": ("2 --unit 04273-3 --reason Mới", ["subscription_added"]),
    "alerts change-subscription": (
        "1 --policy {folder}/policy.toml --reason Ít-hơn",
        ["subscription_changed"],
    ),
    "alerts end-subscription": ("1 --reason Thôi", ["subscription_ended"]),
    "alerts change-channel": ("2 --name Zalo-phường --reason Rõ", ["channel_changed"]),
    "alerts test": ("1", ["channel_tried"]),
    "alerts resend": ("--channel 1 --reason Đã-sửa", ["message_resent"]),
    "alerts stop-channel": ("2 --reason Thôi", ["channel_stopped"]),
    "user add": ("lan --role auditor --everywhere", ["user_added", "link_made"]),
    "user role": ("lan operator", ["user_changed"]),
    "user units": ("lan --unit 04273-3", ["user_changed"]),
    "user link": ("lan", ["link_made"]),
    "token add": ("lan Prometheus --may view", ["token_made"]),
    "token revoke": ("lan 1", ["token_revoked"]),
    "user unlink": ("known", ["user_changed"]),
    "repair open": ("--point P1 --eye E1 --fault gãy", ["repair_opened"]),
    "repair comment": ("1 gọi-thợ", ["repair_changed"]),
    "repair payer": ("1 ward --grounds QĐ-12", ["repair_changed"]),
    "repair quote": ("1 --party A --amount 2.500.000", ["quotation_added"]),
    "repair choose": ("1 1", ["quotation_chosen"]),
    "repair move": ("1 waiting_for_money", ["repair_moved"]),
    "repair propose": ("--repair 1 --to UBND --title Sửa", ["proposal_saved"]),
    "repair sent": ("1 --number 5/TTr", ["proposal_sent"]),
    "repair spend": ("1", ["money_entered"]),
    "money save-programme": ("CT Camera", ["programme_saved"]),
    "money import": ("{folder}/money.csv", ["money_entered"]),
    "money export": ("{folder}/money.xlsx", ["exported"]),
    "money refuse": ("2 --reason Nhầm", ["money_refused"]),
    "money set-upkeep": ("P1 warranty A --to 2030-12-31", ["upkeep_set"]),
    "money end-upkeep": ("1 --reason Nhầm", ["upkeep_ended"]),
    "report uptime": ("--city --out {folder}/uptime.csv", ["exported"]),
    "report funding": ("--point P1 --out {folder}/funding.csv", ["exported"]),
    "report disclosure": ("--unit u-1 --folder {folder}/pages", ["exported"]),
    "report repairs": ("--city --out {folder}/repairs.json", ["exported"]),
    "report security": ("--city --out {folder}/security.json", ["exported"]),
    "report inventory": ("--city --out {folder}/inventory.html", ["exported"]),
    "user disable": ("lan", ["user_disabled"]),
    "user enable": ("lan", ["user_enabled"]),
    "backup": ("{folder}/registry.zip", ["backed_up"]),
}


def commands() -> Iterator[str]:
    """Every command that can be typed, with its group."""
    for room in ROOMS:
        for name, command in open_room(room).items():
            if isinstance(command, TyperGroup):
                yield from (f"{name} {below}" for below in command.commands)
            else:
                yield name


def test_no_command_is_left_out() -> None:
    assert READS & DEEDS.keys() == set()
    assert set(commands()) == READS | DEEDS.keys() | ELSEWHERE.keys()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Path]]:
    folder = tmp_path_factory.mktemp("deeds")
    database, _ = fresh(sqlite_in(folder), 4)
    (folder / "password").write_text("canary-1\n")
    (folder / "policy.toml").write_text("[ward]\nper_week = 2\n")
    rows = "Tên điểm;Phường;Số mắt\nCổng chợ;Phường Nam Cường;1\n"
    (folder / "ward.csv").write_text(rows, encoding="utf-8")
    money = "Ngày;Loại;Mã điểm;Số tiền;Hạng mục\n01/05/2024;Chi;P1;900.000;Camera\n"
    (folder / "money.csv").write_text(money, encoding="utf-8")
    figures = {"brightness": 90.0, "contrast": 40.0, "sharpness": 0.3, "edges": b"", "samples": 20}
    with database.transaction() as session:
        ids = {eye.code: eye for eye in session.scalars(select(models.Eye))}
        ids["E4"].reach = "reported"
        session.add_all(
            models.Baseline(eye_id=ids[code].id, mode="colour", proposed_at=LONG_AGO, **figures)
            for code in ("E1", "E4")
        )
        serial = models.DeviceEvent(
            device_id=ids["E1"].device_id, at=LONG_AGO, kind=Change.SERIAL, before="A", after="B"
        )
        known = models.User(name="known", role="auditor", subject="sub-1", made_at=LONG_AGO, made_by="test")
        session.add_all((serial, known))
        inbox = add_channel(session, "Hộp tin")
        add_message(session, inbox, "Không tới", state="dead")
    yield database, folder
    database.close()


@pytest.fixture
def run(registry: tuple[Database, Path], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Result]:
    database, folder = registry
    monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", str(database.engine.url))
    monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(folder))
    monkeypatch.setenv("CAMERA_REGISTRY_ZALO_BOT_TOKEN", "1:a")
    return lambda words: CliRunner().invoke(app, words.format(folder=folder).split())


def test_each_deed_leaves_its_rows_under_one_request(
    registry: tuple[Database, Path], run: Callable[[str], Result]
) -> None:
    database, _ = registry
    row = models.Audit
    newest, requests = 0, set()
    for command, (words, actions) in DEEDS.items():
        begun = datetime.now(UTC) - timedelta(seconds=1)
        done = run(f"{command} {words}")
        assert done.exit_code == 0, f"{command}: {done.output}"
        with database.reading() as session:
            columns = select(row.id, row.action, row.who, row.origin, row.request_id, row.at, row.detail)
            rows = session.execute(columns.where(row.id > newest).order_by(row.id)).all()
        assert [each.action for each in rows] == actions, command
        assert {(each.who, each.origin) for each in rows} == {(actor().name, "cli")}, command
        (request,) = {each.request_id for each in rows}
        assert all(each.at >= begun for each in rows), command
        assert "canary-1" not in str([each.detail for each in rows])
        newest = rows[-1].id
        requests.add(request)
    assert len(requests) == len(DEEDS)
    assert "" not in requests


def test_who_types_is_the_account_of_the_machine_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else who entered money could approve it, too, under another name."""
    before = actor().name
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "somebody-else")
    assert actor().name == before
    assert before in {each.pw_name for each in pwd.getpwall()} or before == f"uid {os.getuid()}"
