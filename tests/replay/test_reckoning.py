"""The reckoning by hand and the vectors' expected answers were written apart, and agree."""

import json
from pathlib import Path

import pytest

from tests.replay.agreement import differences
from tests.replay.reckoning import read, reckon

VECTORS = sorted((Path(__file__).parents[1] / "data" / "replay").glob("T*.jsonl"))


@pytest.mark.parametrize("vector", [pytest.param(file, id=file.stem) for file in VECTORS])
def test_agrees_with(vector: Path) -> None:
    wanted = json.loads(vector.with_suffix(".expected.json").read_text(encoding="utf-8"))["answer"]

    (reckoned,) = reckon(read(vector.read_text(encoding="utf-8").splitlines()))

    figures = {part: wanted[part] for part in reckoned if part in wanted}
    assert list(differences(reckoned, figures)) == []


def test_there_are_all_vectors() -> None:
    assert {file.name[:3] for file in VECTORS} == {f"T{n:02}" for n in range(1, 21)}
