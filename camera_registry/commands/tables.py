"""A table as the terminal shows it, or as a CSV file."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from io import StringIO
from pathlib import Path

from rich.table import Table

from camera_registry.commands.common import foreign, out, say, write_file
from camera_registry.exports import csv_cell
from camera_registry.i18n import N_, Language, translate
from camera_registry.settings import Settings

Cells = Sequence[str | int | date | None]


def give(heads: Sequence[str], rows: Iterable[Cells], file: Path | None, loaded: Settings) -> None:
    """A table on the terminal, or a file."""
    language: Language = loaded.language
    named = [translate(head, language) for head in heads]
    if file is None:
        table = Table(*named)
        for row in rows:
            table.add_row(*(foreign(_shown(cell)) for cell in row))
        out.print(table)
        return
    count = 0
    written = StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(named)
    for row in rows:
        writer.writerow([csv_cell(cell if cell is not None else "") for cell in row])
        count += 1
    write_file(file, written.getvalue().encode("utf-8-sig"))  # with the mark Excel knows UTF-8 by
    say(loaded, N_("Rows written to {file}: {count}."), count=count, file=file)


def _shown(cell: str | int | date | None) -> str:
    return f"{cell:%d/%m/%Y}" if isinstance(cell, date) else "" if cell is None else str(cell)
