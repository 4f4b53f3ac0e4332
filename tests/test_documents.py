"""The documents are true: what they list exists, and what exists is listed."""

import re
import tomllib
from pathlib import Path

import pytest
import typer.main

from camera_registry.cli import app
from camera_registry.counters import Counters
from camera_registry.settings import Settings
from probes.reasons import Check, Reason

ROOT = Path(__file__).parent.parent
REGISTRY = (ROOT / "camera_registry/README.md").read_text(encoding="utf-8")
PROBES = (ROOT / "probes/README.md").read_text(encoding="utf-8")
PACKAGES = ("probes", "camera_registry", "dashboards")


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_every_setting_is_described(setting: str) -> None:
    assert f"`{setting.upper()}`" in REGISTRY


def test_what_a_new_server_s_settings_suggest_can_be_set() -> None:
    """Each line of the bundle's settings with its # taken away."""
    text = (ROOT / "deploy/bundle/settings.toml").read_text(encoding="utf-8")
    said = tomllib.loads(re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE))
    assert said.keys() >= {"smtp_url", "zalo_bot_token", "public_url", "heartbeat_url"}
    assert Settings(**said).smtp_url is not None


@pytest.mark.parametrize("counter", [f.name for f in Counters.new().registry.collect()])
def test_every_counter_is_described(counter: str) -> None:
    assert f"`{counter}" in REGISTRY


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_is_in_its_package_s_readme(package: str) -> None:
    text = (ROOT / package / "README.md").read_text(encoding="utf-8")
    rooms = {path.name for path in (ROOT / package).glob("*.py")} - {"__init__.py"}
    assert {room for room in rooms if room not in text} == set()


def test_rooms_that_readmes_name_exist() -> None:
    for package in PACKAGES:
        text = (ROOT / package / "README.md").read_text(encoding="utf-8")
        for name in re.findall(r"^\| \*{0,2}`([\w/`, .]+)`", text, re.MULTILINE):
            for room in re.findall(r"[\w/]+(?:\.\w+|/)", name):
                assert (ROOT / package / room).exists(), f"{package}: {room}"


def test_commands_of_the_readme_exist() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"camera-registry ([a-z]+)", text))
    assert named
    assert named <= set(group.commands)


def test_reasons_that_the_ladder_s_table_names_exist() -> None:
    known = set(Reason.__members__)
    for slug in re.findall(r"`([A-Z]{3,}_[A-Z_]+)`", PROBES):
        assert slug in known or any(reason.startswith(slug.rstrip("_")) for reason in known), slug
    assert set(Check)
