"""Draws a report: the same figures as page, PDF, DOCX, XLSX, CSV and JSON."""

import re
from collections.abc import Callable, Mapping
from unicodedata import combining, normalize

from camera_registry.reports import value
from camera_registry.reports.value import Format, Report
from dashboards.reports import csv, docx, json, page, pdf, xlsx

CannotDraw = pdf.CannotDraw
MEDIA_TYPES = value.MEDIA_TYPES
_FACES: Mapping[Format, Callable[[Report], bytes]] = {
    Format.PDF: pdf.draw,
    Format.DOCX: docx.draw,
    Format.XLSX: xlsx.draw,
    Format.CSV: csv.draw,
    Format.JSON: json.draw,
    Format.HTML: page.draw,
}


def draw(report: Report, format: Format) -> bytes:
    """The file of a report: the same report makes the same bytes.

    Raises ``CannotDraw`` where a PDF takes too long or too much.
    """
    return _FACES[format](report)


def file_name(report: Report, format: Format) -> str:
    """A name that every system takes: ``uptime-phuong-yen-bai-2026-10.pdf``."""
    plain = "".join(sign for sign in normalize("NFD", report.name) if not combining(sign))
    plain = plain.replace("đ", "d").replace("Đ", "D")
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-.")
    return f"{plain or report.kind.value}.{format.value}"
