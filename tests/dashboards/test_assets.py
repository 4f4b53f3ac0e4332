"""What pages load: addresses that change with the contents; files of others as their makers released them."""

import csv
from hashlib import sha256
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from camera_registry.db import Database
from dashboards import assets
from tests.dashboards.serving import make_web, signed_in
from tests.databases import sqlite_in

ROOT = Path(__file__).parents[2]
VENDORED = list(csv.DictReader((ROOT / "tools" / "vendored.csv").read_text(encoding="utf-8").splitlines()))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    database = Database(sqlite_in(tmp_path_factory.mktemp("assets")))
    return signed_in(make_web(database))


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("registry.css", "text/css"),
        ("live.js", "text/javascript"),
        ("eye.svg", "image/svg+xml"),
        ("vendor/maplibre-gl.mjs", "text/javascript"),
        ("vendor/fonts/be-vietnam-pro-vietnamese-400.woff2", "font/woff2"),
    ],
)
def test_an_asset_may_be_kept_for_ever(client: TestClient, name: str, media_type: str) -> None:
    answer = client.get(assets.address(name))

    assert answer.content == (assets.STATIC / name).read_bytes()
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].split(";")[0] == media_type


@pytest.mark.parametrize("path", ["registry.css", "000000000000/registry.css", "../app.py", ""])
def test_nothing_is_served_without_the_present_mark(client: TestClient, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


def test_a_template_cannot_name_an_asset_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        assets.address("nothing.css")


def test_vendored_files_are_what_the_list_says() -> None:
    kept = {ROOT / row["file"] for row in VENDORED}
    there = {*(assets.STATIC / "vendor").rglob("*.*"), *(ROOT / "tests/browser/vendor").iterdir()}

    assert {path for path in there if path.is_file()} == kept
    for row in VENDORED:
        assert sha256((ROOT / row["file"]).read_bytes()).hexdigest() == row["sha256"], row["file"]


def test_each_vendored_package_has_its_licence_beside_it_and_in_the_notice() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")

    for package, licence in {(row["package"], row["licence"]) for row in VENDORED}:
        sources = [row["source"] for row in VENDORED if row["package"] == package]
        assert any("LICENSE" in source for source in sources), package
        assert f"{package}\n    {licence}" in notice, package
