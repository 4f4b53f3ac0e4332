"""Keeps what a release leaves on a disk, so that every later one is tested to bring it forward.

usage: .venv/bin/python tools/release_dump.py     (at the commit that is tagged, from its own checkout)

Writes ``tests/data/releases/VERSION.sql``, the small lived-in registry of ``tests/camera_registry/lived.py``
as SQLite tells it, and ``VERSION.json``, what that release told of it, with the key of its logins.
"""

import json
import sqlite3
import sys
import tempfile
import tomllib
from contextlib import closing
from pathlib import Path

ROOT = Path.cwd()
sys.path.insert(0, str(ROOT))

from camera_registry.credentials import KEY_FILE  # noqa: E402 (of this checkout, whatever is installed)
from camera_registry.db import Database  # noqa: E402 (the same)
from tests.camera_registry import lived  # noqa: E402 (the same)

RELEASES = ROOT / "tests/data/releases"


def main() -> None:
    name = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        file = folder / "registry.db"
        database = Database(f"sqlite:///{file}")
        database.migrate()
        lived.live(str(database.engine.url), folder)
        told = lived.told(database) | {"key": (folder / KEY_FILE).read_text().strip()}
        database.close()
        with closing(sqlite3.connect(file)) as connection:
            script = "\n".join(connection.iterdump())
    RELEASES.mkdir(parents=True, exist_ok=True)
    (RELEASES / f"{name}.sql").write_text(f"{script}\n", encoding="utf-8")
    (RELEASES / f"{name}.json").write_text(
        json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    print(f"{RELEASES / name}.sql: {len(script)} characters")


main()
