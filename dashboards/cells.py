"""Cells as text for spreadsheets: pages and reports write the same file of them."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import StringIO

from camera_registry.i18n import Language
from camera_registry.imports.values import FORMULA_STARTS

Value = str | int | float | date | datetime | None

RUN_AS_FORMULAS = (*FORMULA_STARTS, "\t", "\r")


def csv_file(lines: Iterable[Sequence[Value]], language: Language) -> bytes:
    """UTF-8 with a mark that spreadsheets know it by, figures as the language writes them, no formulas."""
    text = StringIO()
    # Where the comma is the decimal sign, spreadsheets expect semicolons between the cells.
    writer = csv.writer(text, delimiter=";" if language == "vi" else ",", lineterminator="\r\n")
    for line in lines:
        writer.writerow([_csv_text(value, language) for value in line])
    return text.getvalue().encode("utf-8-sig")


def _csv_text(value: Value, language: Language) -> str:
    match value:
        case None:
            return ""
        case str():
            return f"'{value}" if value.startswith(RUN_AS_FORMULAS) else value
        case datetime():
            return f"{value:%d/%m/%Y %H:%M:%S}" if language == "vi" else f"{value:%Y-%m-%d %H:%M:%S}"
        case date():
            return f"{value:%d/%m/%Y}" if language == "vi" else f"{value:%Y-%m-%d}"
        case float():
            return str(value).replace(".", ",") if language == "vi" else str(value)
    return str(value)
