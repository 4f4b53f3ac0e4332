"""Which vectors products fail: a program that reads what it is to examine, and answers line by line.

    echo '[["/path/to/its/modules", "T03"], …]' | python -m tests.mutations.examination

A product is the package, with the modules in a folder in the place of its own.

Of each product it examines the vectors whose names begin so first, then the others; the last of all is a
small city, against the reckoning by hand. It stops at the first that fails, and prints its name, nothing
where none does, or how the product broke down. Each product has a process of its own, forked from one that
has opened all libraries.
"""

import importlib
import json
import multiprocessing
import sys
import traceback
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from tests.replay import city, reckoning
from tests.replay.agreement import differences

DATA = Path(__file__).parents[1] / "data"
VECTORS = sorted((DATA / "replay").glob("*.jsonl")) + sorted((DATA / "mutations").glob("*.jsonl"))
HAMLET = city.Shape(20, 9, date(2024, 9, 1), 40, (date(2024, 9, 4), date(2024, 9, 7)), date(2024, 9, 9))
CITY = "city"
PACKAGE = "camera_registry"
AT_ONCE = 2
BROKE_DOWN = "broke down: "


def names() -> list[str]:
    """Every vector that a product is examined with."""
    return [*(file.stem for file in VECTORS), CITY]


def examine(asked: tuple[str, str]) -> str:
    """The first vector of which the product with the modules of a folder says otherwise than it should."""
    folder, first = asked
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    importlib.import_module(PACKAGE).__path__.insert(0, folder)
    try:
        every = sorted(names(), key=lambda name: not name.startswith(first))
        return next((name for name in every if any(_differences(name))), "")
    except Exception:
        return BROKE_DOWN + traceback.format_exc()


def _differences(name: str) -> Iterator[str]:
    from camera_registry.replay.answers import replay  # of the product that is examined
    from camera_registry.replay.scenario import read

    if name == CITY:
        made = city.make(HAMLET)
        lines = list(city.lines(made, [city.whole(HAMLET)]))
        (wanted,) = reckoning.reckon(reckoning.read(lines))
        (told,) = replay(read(line.encode() for line in lines))
        return differences(told, wanted)
    vector = next(file for file in VECTORS if file.stem == name)
    with vector.open("rb") as file:
        (told,) = replay(read(file))
    expected = json.loads(vector.with_suffix(".expected.json").read_text(encoding="utf-8"))
    return differences(told, expected["answer"])


def main() -> None:
    import camera_registry.replay.answers  # noqa: F401 with all libraries that it needs

    sys.dont_write_bytecode = True  # a module with a fault is read once
    asked = json.load(sys.stdin)
    with multiprocessing.get_context("fork").Pool(AT_ONCE, maxtasksperchild=1) as pool:
        for said in pool.imap(examine, asked, chunksize=1):
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
