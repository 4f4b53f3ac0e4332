"""Draws a report: the same figures as page, PDF, DOCX, XLSX, CSV and JSON; opens a face when it draws it."""

import re
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from unicodedata import combining, normalize

from camera_registry.reports import value
from camera_registry.reports.value import Format, Report
from dashboards.reports import pdf

CannotDraw = pdf.CannotDraw
MEDIA_TYPES = value.MEDIA_TYPES
_PAGE = {Format.HTML: "page"}  # other faces are called as their files end


def draw(report: Report, format: Format) -> bytes:
    """The file of a report: the same report makes the same bytes.

    Raises ``CannotDraw`` where a PDF takes too long or too much.
    """
    face: Callable[[Report], bytes] = import_module(f"{__name__}.{_PAGE.get(format, format)}").draw
    return face(report)


def publish(folder: Path, title: str, reports: Sequence[Report]) -> Sequence[Path]:
    """A folder of pages, as ``folder.publish``."""
    from dashboards.reports import folder as pages

    return pages.publish(folder, title, reports)


def file_name(report: Report, format: Format) -> str:
    """A name that every system takes: ``uptime-phuong-yen-bai-2026-10.pdf``."""
    plain = "".join(sign for sign in normalize("NFD", report.name) if not combining(sign))
    plain = plain.replace("đ", "d").replace("Đ", "D")
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-.")
    return f"{plain or report.kind.value}.{format.value}"
