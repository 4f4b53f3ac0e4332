"""Whoever breaks a rule is told by a vector: each planted fault makes at least one of them fail."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import camera_registry
from tests.mutations.examination import BROKE_DOWN, names
from tests.mutations.faults import FAULTS, Fault

PACKAGE = Path(camera_registry.__file__).parent
SOUND = Fault("none", "health.py", "", "", "T01")


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """By the fault's name, which vector failed."""
    folder = tmp_path_factory.mktemp("mutations")
    planted = {fault: _plant(folder / str(number), fault) for number, fault in enumerate((SOUND, *FAULTS))}
    asked = [[str(copy), fault.seen_by] for fault, copy in planted.items()]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.mutations.examination"],
        input=json.dumps(asked),
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=540,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said = [json.loads(line) for line in done.stdout.splitlines()]
    return {fault.name: vector for fault, vector in zip(planted, said, strict=True)}


def _plant(folder: Path, fault: Fault) -> Path:
    """A folder with the one module that this fault is in; all others of the product are as they stand."""
    folder.mkdir()
    text = (PACKAGE / fault.file).read_text(encoding="utf-8")
    if fault is not SOUND:
        there = text.count(fault.was)
        assert there == 1, f"{fault.name}: {fault.was!r} stands {there} times in {fault.file}"
        text = text.replace(fault.was, fault.made)
    (folder / fault.file).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.timeout(600)
def test_the_sound_product_fails_none(failed: dict[str, str]) -> None:
    assert failed[SOUND.name] == ""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", [pytest.param(fault, id=fault.name) for fault in FAULTS])
def test_is_seen(failed: dict[str, str], fault: Fault) -> None:
    # A product that breaks down proves nothing about the vectors.
    assert not failed[fault.name].startswith(BROKE_DOWN), failed[fault.name]
    assert failed[fault.name] != "", "every vector passed"


def test_faults_and_vectors_are_known_by_name() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 14
    for fault in FAULTS:
        assert any(name.startswith(fault.seen_by) for name in names())
