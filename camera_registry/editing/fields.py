"""What a person can change of points, devices and eyes, and how what is typed is read.

What is typed is read by the readers of imports, so a form takes and refuses what a workbook does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Any

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.imports import values
from camera_registry.imports.difference import Kind
from camera_registry.imports.faults import MESSAGES, BadCell, Fault
from camera_registry.imports.rows import READERS
from camera_registry.inventory import DeviceKind, Funding, Reach
from probes.result import TlsCheck

LONGEST_TYPED = 2_000  # characters


class FieldFault(RegistryError):
    """What was typed into a field cannot be, or cannot be of one of the things."""

    @classmethod
    def of(cls, fault: Fault, **said: object) -> "FieldFault":
        """As imports say it."""
        return cls(MESSAGES[fault], **said)


class Input(StrEnum):
    """How a form asks for a value."""

    TEXT = "text"
    LONG = "long"
    NUMBER = "number"
    DAY = "date"
    CHOICE = "choice"
    YES_NO = "yes_no"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Field:
    """``slug`` is the field of an import or of ours; ``column`` that of the table, where it is one.

    ``blank`` is what the column holds where nothing is said; without it, something must be said. Several
    things never share a value of a field that is ``alone``. ``choices`` are the slugs of a choice.
    ``aims``: it says where a login is sent, and how well it is guarded on the way. Sets of logins serve
    several wards, so whoever sees some of them alone must not have a login sent to a machine of his own.
    """

    slug: str
    kind: Kind
    column: str
    input: Input = Input.TEXT
    blank: tuple[Any, ...] = (None,)
    alone: bool = False
    choices: type[StrEnum] | None = None
    aims: bool = False


_EMPTY = ("",)
_NEVER: tuple[Any, ...] = ()

SUSPENDED_FROM, SUSPENDED_UNTIL = "suspended_from", "suspended_until"

FIELDS: tuple[Field, ...] = (
    Field("eye_name", Kind.EYE, "name", blank=_EMPTY, alone=True),
    Field("purpose", Kind.EYE, "purpose", blank=_EMPTY),
    Field("commissioned", Kind.EYE, "commissioned_at", Input.DAY),
    Field("retired", Kind.EYE, "retired_at", Input.DAY),
    Field(SUSPENDED_FROM, Kind.EYE, "", Input.DAY),
    Field(SUSPENDED_UNTIL, Kind.EYE, "", Input.DAY),
    Field("required_days", Kind.EYE, "required_days", Input.NUMBER),
    Field("ptz", Kind.EYE, "ptz", Input.YES_NO, blank=_NEVER),
    Field("reach", Kind.EYE, "reach", Input.CHOICE, _NEVER, choices=Reach),
    Field("channel", Kind.EYE, "channel", Input.NUMBER, _NEVER, alone=True),
    Field("path", Kind.EYE, "path", alone=True),
    Field("snapshot_path", Kind.EYE, "snapshot_path", alone=True),
    Field("access_document", Kind.EYE, "access_document", blank=_EMPTY),
    Field("access_date", Kind.EYE, "access_date", Input.DAY),
    Field("access_until", Kind.EYE, "access_until", Input.DAY),
    Field("kind", Kind.DEVICE, "kind", Input.CHOICE, _NEVER, choices=DeviceKind),
    Field("manufacturer", Kind.DEVICE, "manufacturer", blank=_EMPTY, aims=True),
    Field("model", Kind.DEVICE, "model", blank=_EMPTY),
    Field("serial", Kind.DEVICE, "serial", blank=_EMPTY, alone=True),
    Field("imported_on", Kind.DEVICE, "imported_on", Input.DAY),
    Field("certificate", Kind.DEVICE, "certificate", blank=_EMPTY),
    Field("site", Kind.DEVICE, "site_id", Input.SITE, _NEVER, aims=True),
    Field("host", Kind.DEVICE, "host", alone=True, aims=True),
    Field("port", Kind.DEVICE, "port", Input.NUMBER, _NEVER, aims=True),
    Field("tls", Kind.DEVICE, "tls", Input.YES_NO, _NEVER, aims=True),
    Field("web_port", Kind.DEVICE, "web_port", Input.NUMBER, aims=True),
    Field("web_tls", Kind.DEVICE, "web_tls", Input.YES_NO, _NEVER, aims=True),
    Field("onvif_port", Kind.DEVICE, "onvif_port", Input.NUMBER, aims=True),
    Field("tls_check", Kind.DEVICE, "tls_check", Input.CHOICE, _NEVER, choices=TlsCheck, aims=True),
    Field("tls_pin", Kind.DEVICE, "tls_pin", blank=_EMPTY, alone=True, aims=True),
    Field("basic_allowed", Kind.DEVICE, "basic_allowed", Input.YES_NO, _NEVER, aims=True),
    Field("sessions", Kind.DEVICE, "sessions", Input.NUMBER),
    Field("point_name", Kind.POINT, "name", blank=_NEVER, alone=True),
    Field("address", Kind.POINT, "address", blank=_EMPTY),
    Field("residential_group", Kind.POINT, "residential_group", blank=_EMPTY),
    Field("latitude", Kind.POINT, "latitude", alone=True),
    Field("longitude", Kind.POINT, "longitude", alone=True),
    Field("funding", Kind.POINT, "funding", Input.CHOICE, _EMPTY, choices=Funding),
    Field("k", Kind.POINT, "k", Input.NUMBER, _NEVER),
    Field("signage", Kind.POINT, "signage", Input.YES_NO),
    Field("point_required_days", Kind.POINT, "required_days", Input.NUMBER),
    Field("keep_pictures_days", Kind.POINT, "keep_pictures_days", Input.NUMBER),
    Field("note", Kind.POINT, "note", Input.LONG, blank=_EMPTY),
)
BY_SLUG: Mapping[str, Field] = {field.slug: field for field in FIELDS}


def read(field: Field, typed: str, today: date) -> Any:
    """What was typed, as ``value`` gives it; the field's blank for nothing. Raises ``FieldFault``."""
    text = typed.strip()
    if not text:
        if not field.blank:
            raise FieldFault(N_("This cannot be left blank."))
        return field.blank[0]
    try:
        return _READ.get(field.slug, READERS.get(field.slug, _day))(text, today)
    except BadCell as bad:
        raise FieldFault.of(bad.fault, **bad.values) from None


def value(field: Field, kept: Any, zone: tzinfo) -> Any:
    """What a column holds as people know it: of a moment the day in ``zone``."""
    return kept.astimezone(zone).date() if isinstance(kept, datetime) else kept


def typed(found: Any) -> str:
    """A value as a form holds it and ``read`` takes it."""
    match found:
        case None:
            return ""
        case bool():
            return "yes" if found else "no"
        case float() if found.is_integer():
            return str(int(found))
        case date():
            return found.isoformat()
    return str(found)


def _day(text: str, today: date) -> date:
    return values.day(text, today.replace(year=today.year + 5, day=min(today.day, 28)))


def _host(text: str, today: date) -> str | None:
    found = values.host(text)
    if found.user is not None or found.password is not None:
        raise BadCell(Fault.CREDENTIAL_IN_TEXT)
    if found.path is not None or found.port is not None:
        raise BadCell(Fault.HOST_INVALID, text=found.host)
    return found.host


def _path(text: str, today: date) -> str | None:
    found = values.path(text)
    if found.user is not None or found.password is not None:
        raise BadCell(Fault.CREDENTIAL_IN_PATH)
    if found.host is not None:
        raise BadCell(Fault.URL_INVALID)
    return found.path


# Where a cell of a workbook says more than one field of a form.
_READ: Mapping[str, Callable[[str, date], Any]] = {"host": _host, "path": _path}
