"""The inventory as a file that can be imported again, and the empty one to fill in. Passwords stay blank."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, tzinfo
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased
from xlsxwriter import Workbook

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_, Language, translate
from camera_registry.imports.columns import COLUMNS, Column
from camera_registry.imports.values import CHOICES, FORMULA_STARTS
from camera_registry.inventory import DeviceKind, Funding, Reach, StreamChoice
from camera_registry.models import Credential, Device, Eye, Point, PointUnit, Site, Unit
from camera_registry.worksheets import A4, Needs, height, needs, widths
from probes.result import TlsCheck

EXPORTED = tuple(column for column in COLUMNS if column.field != "position")  # latitude and longitude say it
WIDTH, GUIDE = 18, (30, 30, 70)  # of the columns to fill in, and of those of the guide, characters
VALIDATED_ROWS = 5_000  # of the template; those below may be filled in as well
SHEET_NAMES: Mapping[Language, tuple[str, str]] = {
    "vi": ("Danh mục camera", "Hướng dẫn"),
    "en": ("Inventory", "Guide"),
}
CHOSEN = {
    "funding": Funding,
    "kind": DeviceKind,
    "reach": Reach,
    "sub_stream": StreamChoice,
    "tls_check": TlsCheck,
}
MONEY = {"amount"}  # fields whose figures are grouped
HEAD = {"bold": True, "bg_color": "#DCE6F1", "text_wrap": True, "border": 1, "valign": "vcenter"}
YES_NO: Mapping[Language, tuple[str, str]] = {"vi": ("Có", "Không"), "en": ("Yes", "No")}
# By field, what is said of it in the guide.
MEANINGS: Mapping[str, str] = {
    "point_code": N_("Blank: a code is given out. Known: the point is changed."),
    "point_name": N_("Required. Rows with the same name and unit are one point."),
    "unit": N_("Required, unless the sheet is named after the unit."),
    "unit_code": N_("Only where the name is not clear. Codes are reused: 04252-1 names one version."),
    "count": N_("A row may stand for several eyes; blank is one."),
    "position": N_("Latitude and longitude in one cell, instead of the two columns."),
    "k": N_("How many of its eyes must work for the point to be served; blank is one."),
    "host": N_("Blank: no network reaches the eye, a person reports on it."),
    "path": N_("Blank: the manufacturer's usual path. No user name or password here."),
    "credential": N_("The name of a login that several devices share."),
    "password": N_("Is sealed and never shown again. Blank: unchanged."),
    "tls_pin": N_("The SHA-256 of the device's certificate, where it is to be pinned."),
    "onvif_credential": N_("Only where ONVIF has a login of its own."),
    "required_days": N_("Blank: what the point requires."),
    "keep_pictures_days": N_("Blank: no picture is kept. Kept ones are sealed, and gone after so many days."),
    "access_document": N_("For a household's camera: the paper that allows us to look."),
}
SWITCHES = ("signage", "tls", "web_tls", "basic_allowed", "ptz")


class ExportError(RegistryError):
    """The file cannot be written as asked."""


def export_inventory(session: Session, path: Path, language: Language, zone: tzinfo) -> tuple[bytes, int]:
    """Every point, device and eye as the file ``path`` shall have them (CSV or XLSX), and how many rows.

    Importing the file changes nothing. Raises ``ExportError`` for another kind of file.
    """
    rows = inventory_rows(session, language, zone)
    if path.suffix.lower() == ".csv":
        text = StringIO(newline="")
        count = write_csv(text, EXPORTED, rows, language)
        return text.getvalue().encode("utf-8-sig"), count  # with the mark Excel knows UTF-8 by
    if path.suffix.lower() == ".xlsx":
        made = BytesIO()
        count = write_xlsx(made, SHEET_NAMES[language][0], EXPORTED, rows, language)
        return made.getvalue(), count
    raise ExportError(N_("{file}: write to a file that ends in .csv or .xlsx."), file=path)


def inventory_rows(session: Session, language: Language, zone: tzinfo) -> Iterator[dict[str, Any]]:
    """One row for each eye, and for each device or point that has none; by field of an import."""
    units: dict[int, Unit] = {}
    memberships = select(PointUnit, Unit).join(Unit, PointUnit.unit_id == Unit.id)
    for membership, unit in session.execute(
        memberships.order_by(PointUnit.valid_from.asc().nulls_first(), PointUnit.id)
    ):
        units[membership.point_id] = unit
    of_onvif = aliased(Credential)
    found = (
        select(Point, Device, Eye, Site.code, Credential.name, of_onvif.name)
        .outerjoin(Device, Device.point_id == Point.id)
        .outerjoin(Eye, Eye.device_id == Device.id)
        .outerjoin(Site, Device.site_id == Site.id)
        .outerjoin(Credential, Device.credential_id == Credential.id)
        .outerjoin(of_onvif, Device.onvif_credential_id == of_onvif.id)
        .order_by(Point.code, Device.code, Eye.channel, Eye.code)
    )
    for point, device, eye, site, credential, onvif_credential in session.execute(found):
        row = _point_cells(point, units.get(point.id))
        row |= _device_cells(device, site, credential)
        row["onvif_credential"] = onvif_credential
        row |= _eye_cells(eye, zone)
        yield {name: shown(name, value, language) for name, value in row.items() if value not in (None, "")}


def template(language: Language) -> bytes:
    """The empty workbook to fill in (XLSX), with a guide on its second sheet."""
    return empty_workbook(
        *(COLUMNS, SHEET_NAMES[language], language),
        choices={column.field: listed for column in COLUMNS if (listed := _choices(column, language))},
        meanings=MEANINGS,
    )


def empty_workbook(
    columns: Sequence[Column],
    names: tuple[str, str],
    language: Language,
    *,
    choices: Mapping[str, list[str]],
    meanings: Mapping[str, str],
) -> bytes:
    """A workbook (XLSX) with these columns to fill in, and a guide: ``names`` are those of its sheets.

    By field, ``choices`` are the words that a cell may have, and ``meanings`` say what to write.
    """
    made = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(made, options) as book:
        table, guide = (book.add_worksheet(name) for name in names)
        head, wrapped = book.add_format(HEAD), book.add_format({"text_wrap": True, "valign": "top"})
        plain_text = book.add_format({"num_format": "@"})
        for index, column in enumerate(columns):
            table.write_string(0, index, getattr(column, language), head)
            # As text: a spreadsheet makes 1 of 001 and a date of 1/2.
            table.set_column(index, index, WIDTH, plain_text)
            if column.field in choices:
                listed = {"validate": "list", "source": choices[column.field]}
                table.data_validation(1, index, VALIDATED_ROWS, index, listed)
        table.set_row(0, height((getattr(column, language), WIDTH) for column in columns))
        table.freeze_panes(1, 2)
        for index, width in enumerate(GUIDE):
            guide.set_column(index, index, width)
        heads = (N_("Column"), N_("Example"), N_("What to write"))
        lines = [[translate(word, language) for word in heads]]
        for column in columns:
            meaning = translate(meanings[column.field], language) if column.field in meanings else ""
            lines.append([getattr(column, language), column.example, meaning])
        for number, line in enumerate(lines):
            guide.set_row(number, height(zip(line, GUIDE, strict=True)))
            for index, text in enumerate(line):
                guide.write_string(number, index, text, head if number == 0 else wrapped)
        for sheet in (table, guide):
            _print(sheet)
    return made.getvalue()


def _choices(column: Column, language: Language) -> list[str] | None:
    if column.field in SWITCHES:
        return list(YES_NO[language])
    if column.field not in CHOSEN:
        return None
    return [shown(column.field, value, language) for value in CHOICES[CHOSEN[column.field]]]


def _point_cells(point: Point, unit: Unit | None) -> dict[str, Any]:
    names = ("address", "residential_group", "latitude", "longitude", "k", "funding", "signage", "note")
    kept = {"point_required_days": point.required_days, "keep_pictures_days": point.keep_pictures_days}
    return {
        "point_code": point.code,
        "point_name": point.name,
        "unit": unit.name if unit is not None else None,
        "unit_code": unit.uid if unit is not None else None,
        **{name: getattr(point, name) for name in names},
        **kept,
    }


def _device_cells(device: Device | None, site: str | None, credential: str | None) -> dict[str, Any]:
    if device is None:
        return {}
    same = ("kind", "manufacturer", "model", "serial", "firmware", "imported_on", "certificate", "host")
    more = ("web_port", "onvif_port", "tls_pin", "basic_allowed", "sessions", "sub_stream")
    reached = ("port", "tls", "web_tls", "tls_check") if device.host is not None else ()
    network = {name: getattr(device, name) for name in reached}
    cells = {name: getattr(device, name) for name in (*same, *more)}
    return {"device_code": device.code, "site": site, "credential": credential, **cells, **network}


def _eye_cells(eye: Eye | None, zone: tzinfo) -> dict[str, Any]:
    if eye is None:
        return {"count": 0}
    same = ("channel", "path", "snapshot_path", "purpose", "ptz", "required_days", "reach")
    access = ("access_document", "access_date", "access_until")
    return {
        "eye_code": eye.code,
        "eye_name": eye.name,
        **{name: getattr(eye, name) for name in (*same, *access)},
        "commissioned": _day(eye.commissioned_at, zone),
        "retired": _day(eye.retired_at, zone),
        "access_withdrawn": _day(eye.access_withdrawn_at, zone),
    }


def _day(moment: datetime | None, zone: tzinfo) -> date | None:
    return None if moment is None else moment.astimezone(zone).date()


def shown(name: str, value: Any, language: Language) -> Any:
    """A value of the field ``name`` in the words that an import reads again."""
    if name in SWITCHES:
        return YES_NO[language][0 if value else 1]
    if name in CHOSEN and language == "vi":
        return CHOICES[CHOSEN[name]][CHOSEN[name](value)][0]
    return value


def write_csv(
    file: TextIO, columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], language: Language
) -> int:
    """A header in ``language`` and these rows, by field; returns their number."""
    writer = csv.writer(file)
    writer.writerow([getattr(column, language) for column in columns])
    count = 0
    for row in rows:
        writer.writerow([csv_cell(row.get(column.field, "")) for column in columns])
        count += 1
    return count


def csv_cell(value: Any) -> Any:
    """A value as people's spreadsheets read it from a CSV file."""
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    # What begins like a formula is run as one by whoever opens the file.
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def write_xlsx(
    target: BinaryIO,
    name: str,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    language: Language,
) -> int:
    """The same as a workbook with one sheet, called ``name``, to be filtered and printed."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    lines = [[row.get(column.field) for column in columns] for row in rows]
    heads = [getattr(column, language) for column in columns]
    room = widths([_needs(title, [line[at] for line in lines]) for at, title in enumerate(heads)])
    with Workbook(target, options) as book:
        sheet = book.add_worksheet(name)
        head = book.add_format(HEAD)
        ruled = {"valign": "top", "border": 1, "border_color": "#787878"}
        days = book.add_format({**ruled, "num_format": "dd/mm/yyyy"})
        amounts = book.add_format({**ruled, "num_format": "#,##0"})
        others = book.add_format({**ruled, "text_wrap": True})
        for index, width in enumerate(room):
            sheet.set_column(index, index, width)
        sheet.freeze_panes(1, 2)
        for number, line in enumerate([heads, *lines]):
            texts = zip(line, room, strict=True)
            sheet.set_row(number, height((text, width) for text, width in texts if isinstance(text, str)))
            for index, (column, value) in enumerate(zip(columns, line, strict=True)):
                if number == 0:
                    sheet.write_string(number, index, value, head)
                elif isinstance(value, date):
                    sheet.write_datetime(number, index, value, days)
                else:
                    money = column.field in MONEY and not isinstance(value, str)
                    sheet.write(number, index, value, amounts if money else others)
        sheet.autofilter(0, 0, max(1, len(lines)), len(columns) - 1)
        _print(sheet)
    return len(lines)


def _needs(title: str, values: Sequence[Any]) -> Needs:
    texts = [value for value in values if isinstance(value, str)]
    figures = [
        f"{value:%d/%m/%Y}" if isinstance(value, date) else f"{value:,}"
        for value in values
        if isinstance(value, date | int | float)
    ]
    return needs(title, texts, figures)


def _print(sheet: Any) -> None:
    """A4 on its side, as wide as the paper; the head on each page, and the number of the page."""
    sheet.set_paper(A4)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer("&R&P/&N")
