"""The catalogue of real cameras' failures is whole, and every test that it names exists."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
CATALOGUE: Final = (ROOT / "docs/catalogue.md").read_text(encoding="utf-8")
ROW: Final = re.compile(r"^\| (F\d{3}) \| (.+) \| (.+) \|$", re.MULTILINE)
NAMED: Final = re.compile(r"`([\w/]+\.py)::(\w+)`")
ROWS: Final = ROW.findall(CATALOGUE)


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    functions = (n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def test_every_entry_stands_there_once_and_in_order() -> None:
    assert [entry for entry, _, _ in ROWS] == [f"F{number:03}" for number in range(1, 107)]


@pytest.mark.parametrize(("entry", "tests"), [pytest.param(e, tests, id=e) for e, _, tests in ROWS])
def test_an_entry_has_tests_that_exist_or_says_why_not(entry: str, tests: str) -> None:
    named = NAMED.findall(tests)
    assert named or re.match(r"– .{20,}", tests), "neither a test nor a reason"
    assert [f"{path}::{name}" for path, name in named if name not in names_in(path)] == []


def test_no_library_opens_a_stream() -> None:
    """What owns a socket cannot be cancelled (F075), and OpenCV heeds no time limit of ours (F076)."""
    opens = re.compile(r"VideoCapture|\bav\.open\(")
    rooms = [path for path in (ROOT / "probes").rglob("*.py") if "simulator" not in path.parts]
    assert [path.name for path in rooms if opens.search(path.read_text(encoding="utf-8"))] == []
