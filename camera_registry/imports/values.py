"""One cell into one value, the way wards write it; a cell that cannot be read raises ``BadCell``."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from urllib.parse import unquote

from camera_registry.funding import kinds
from camera_registry.imports.faults import BadCell, Fault
from camera_registry.imports.workbook import Cell
from camera_registry.inventory import DeviceKind, Funding, Reach, StreamChoice, Word
from camera_registry.spelling import clean, fold
from probes.result import TlsCheck

MAX_CODE = 64
MAX_PATH = 500
EXCEL_DAY_ZERO = date(1899, 12, 30)
EXCEL_DAYS = range(20_000, 80_000)  # 1954 to 2119: a bare number in this range is a date
EARLIEST = date(1990, 1, 1)
EXACT_DIGITS = 15  # of a number in a spreadsheet; further ones are lost
LATITUDES = (6.0, 24.0)  # Vietnam with its islands
LONGITUDES = (102.0, 118.0)
FORMULA_STARTS = ("=", "+", "-", "@")
FORMULA_ERRORS = ("#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!")

_NOTHING = frozenset({"", "-", "–", "—", "…", "..."})
_CODE = re.compile(r"[^\W_][\w./ -]*")
_GROUPED = re.compile(r"\d{1,3}(?:[.,\u00a0 ]\d{3})+")
_HOST_NAME = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.?)+", re.IGNORECASE)
_DATE = re.compile(r"(\d{1,2})[/.\-\s](\d{1,2})[/.\-\s](\d{2}|\d{4})(?:\s.*)?")
_ISO_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T\s].*)?")
_MONTH = re.compile(r"(?:t|th[aá]ng)?\s*(\d{1,2})[/.\-](\d{4})", re.IGNORECASE)
_DEGREES = re.compile(
    r"""(?P<d>\d{1,3})\s*[°ºd]\s*(?:(?P<m>\d{1,2})\s*['′’]\s*)?(?:(?P<s>\d{1,2}(?:[.,]\d+)?)\s*(?:["″”]|'')\s*)?"""
    r"[NSEWBĐ]?",
    re.IGNORECASE,
)
_SECRET_WORD = re.compile(r"(?:user(?:name)?|usr|login|pass(?:word|wd)?|pwd)[=:]", re.IGNORECASE)
_URL_WITH_LOGIN = re.compile(r"[a-z]+://[^/\s]*:[^/\s]*@", re.IGNORECASE)
_AUTHORITY = re.compile(
    r"(?:(?P<user>[^:@/]*)(?::(?P<password>[^@/]*))?@)?(?P<host>\[[^\]]+\]|[^@/:?\[\]]+)(?::(?P<port>\d+))?"
)
_COUNT = re.compile(
    r"(?:\bs[oố]\s+(?:l[uư][oợ]ng\s+)?(?:m[aắ]t|camera)(?:\s+camera)?|\bsl)\s*[:=]\s*(\d+)", re.I
)

_Choice = TypeVar("_Choice", bound=StrEnum)

YES = frozenset({"co", "x", "yes", "y", "true", "1", "dung", "✓", "✔"})
NO = frozenset({"khong", "no", "n", "false", "0", "sai", "khong co"})
CHOICES: Mapping[type[StrEnum], Mapping[str, tuple[str, ...]]] = {
    Funding: {
        Funding.STATE: ("Ngân sách nhà nước", "NSNN", "Ngân sách", "Ngân sách tỉnh", "State budget"),
        Funding.CITY: ("Ngân sách thành phố", "NSTP", "Thành phố", "Thành phố đầu tư", "City budget"),
        Funding.COMMUNE: ("Ngân sách cấp xã", "Ngân sách xã", "Ngân sách phường", "Commune budget"),
        Funding.SOCIALISED: ("Xã hội hóa", "XHH", "Nhân dân đóng góp", "Đóng góp", "Socialised"),
        Funding.SPONSORED: ("Tài trợ", "Ủng hộ", "Doanh nghiệp tài trợ", "Sponsorship", "Donation"),
        Funding.MIXED: ("Hỗn hợp", "Kinh phí hỗn hợp", "Mixed"),
    },
    DeviceKind: {
        DeviceKind.CAMERA: ("Camera", "Camera IP", "Camera cố định", "Camera quay quét", "PTZ", "IPC"),
        DeviceKind.RECORDER: ("Đầu ghi hình", "Đầu ghi", "Recorder", "NVR", "DVR", "XVR"),
    },
    Reach: {
        Reach.NETWORK: ("Qua mạng", "Mạng", "Network", "IP"),
        Reach.REPORTED: ("Báo cáo", "Người báo", "Không qua mạng", "Reported"),
    },
    StreamChoice: {
        StreamChoice.SUB: ("Luồng phụ", "Phụ", "Sub"),
        StreamChoice.MAIN: ("Luồng chính", "Chính", "Main"),
    },
    Word: {
        Word.WORKING: ("Hoạt động", "Hoạt động tốt", "Bình thường", "Tốt", "Working"),
        Word.POOR: ("Hoạt động kém", "Không rõ nét", "Mờ", "Kém", "Poor"),
        Word.NOT_WORKING: ("Không hoạt động", "Hỏng", "Không có hình", "Mất hình", "Not working"),
    },
    TlsCheck: {
        TlsCheck.NONE: ("Không kiểm tra", "Không", "Not checked"),
        TlsCheck.PIN: ("Theo dấu vân tay", "Ghim", "Pinned"),
        TlsCheck.VERIFY: ("Theo tổ chức chứng thực", "Kiểm tra", "Verified"),
    },
    kinds.Kind: {
        kinds.Kind.ESTIMATE: ("Dự toán", "Dự toán được duyệt", "Estimate"),
        kinds.Kind.OPENING: ("Số dư đầu kỳ", "Số dư đầu năm", "Dư đầu kỳ", "Tồn đầu kỳ", "Opening balance"),
        kinds.Kind.CONTRIBUTION: (
            *("Khoản thu", "Thu", "Đã thu", "Khoản đóng góp", "Đóng góp", "Ủng hộ", "Cấp kinh phí"),
            "Contribution",
        ),
        kinds.Kind.EXPENSE: ("Khoản chi", "Chi", "Đã chi", "Expense"),
        kinds.Kind.SETTLEMENT: ("Quyết toán", "Đã quyết toán", "Settlement"),
    },
    kinds.Source: {
        kinds.Source.CENTRAL: ("Ngân sách trung ương", "NSTW", "Central budget"),
        kinds.Source.PROVINCE: ("Ngân sách tỉnh", "Tỉnh", "Province budget"),
        kinds.Source.CITY: ("Ngân sách thành phố", "NSTP", "Thành phố", "Ngân sách cấp huyện", "City budget"),
        kinds.Source.COMMUNE: (
            *("Ngân sách cấp xã", "Ngân sách xã", "Ngân sách phường", "Phường", "Xã", "Commune budget"),
        ),
        kinds.Source.HOUSEHOLD: ("Hộ gia đình", "Hộ dân", "Nhân dân", "Nhân dân đóng góp", "Household"),
        kinds.Source.BUSINESS: ("Doanh nghiệp", "Hộ kinh doanh", "Business"),
        kinds.Source.ORGANISATION: ("Tổ chức", "Cơ quan", "Đoàn thể", "Organisation"),
        kinds.Source.DONOR: ("Nhà tài trợ", "Mạnh thường quân", "Cá nhân", "Donor"),
    },
    kinds.Form: {
        kinds.Form.MONEY: ("Tiền", "Tiền mặt", "Chuyển khoản", "Money"),
        kinds.Form.IN_KIND: ("Hiện vật", "Bằng hiện vật", "In kind"),
        kinds.Form.LABOUR: ("Ngày công", "Công lao động", "Labour"),
        kinds.Form.VALUED: ("Hiện vật quy giá", "Quy ra tiền", "Định giá", "Valued"),
    },
    kinds.Component: {
        kinds.Component.CAMERA: ("Camera", "Thiết bị", "Thiết bị camera", "Cameras"),
        kinds.Component.POLE: ("Cột, tủ", "Cột", "Tủ", "Cột và tủ", "Thi công", "Poles and cabinets"),
        kinds.Component.LINE: ("Đường truyền", "Cáp", "Line"),
        kinds.Component.STORAGE: ("Lưu trữ", "Đầu ghi", "Storage"),
        kinds.Component.CENTRE: ("Trung tâm", "Centre"),
        kinds.Component.ELECTRICITY: ("Tiền điện", "Điện", "Electricity"),
        kinds.Component.INTERNET: ("Internet", "Cước Internet", "Thuê bao Internet", "Internet fee"),
        kinds.Component.MAINTENANCE: ("Bảo trì", "Sửa chữa", "Bảo trì, sửa chữa", "Maintenance"),
    },
}
_BY_WORD = {
    kind: {fold(word): value for value, words in choices.items() for word in (value, *words)}
    for kind, choices in CHOICES.items()
}


@dataclass(frozen=True, slots=True)
class Address:
    """What a URL, a host or a path cell says. The login is kept apart and out of every ``repr``."""

    host: str | None = None
    port: int | None = None
    tls: bool | None = None
    path: str | None = None
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


def blank(cell: Cell) -> bool:
    """Whether nothing is written: blanks, or the dash that stands for nothing."""
    return isinstance(cell, str) and (not cell or (len(cell) < 10 and clean(cell) in _NOTHING))


def text(cell: Cell, limit: int) -> str:
    """A cell as text: whole numbers without a decimal point, days as day/month/year."""
    if isinstance(cell, str):
        found = clean(cell)
        if found[:1] == "'" and found[1:2] in FORMULA_STARTS:  # as exports make text of it
            found = found[1:]
    elif isinstance(cell, bool):
        found = "1" if cell else "0"
    elif isinstance(cell, int | float):
        if abs(cell) >= 10**EXACT_DIGITS:
            raise BadCell(Fault.NUMBER_CUT)
        found = str(int(cell)) if float(cell).is_integer() else repr(cell)
    elif isinstance(cell, date):
        found = f"{cell:%d/%m/%Y}"
    else:
        found = str(cell)
    if found in FORMULA_ERRORS:
        raise BadCell(Fault.CELL_ERROR, text=found)
    if len(found) > limit:
        raise BadCell(Fault.TEXT_TOO_LONG, limit=limit)
    if "://" in found and _URL_WITH_LOGIN.search(found):
        raise BadCell(Fault.CREDENTIAL_IN_TEXT)
    return found


def code(cell: Cell) -> str:
    found = text(cell, 10 * MAX_CODE)
    if len(found) > MAX_CODE or not _CODE.fullmatch(found):
        raise BadCell(Fault.CODE_INVALID, text=found[:MAX_CODE], limit=MAX_CODE)
    return found


def whole(cell: Cell, low: int, high: int) -> int:
    """A whole number; ``1.024`` and ``1,024`` in text are a thousand and twenty-four."""
    if isinstance(cell, bool):  # a ticked box counts nothing
        raise BadCell(Fault.NUMBER_INVALID, text=str(cell).upper())
    found = text(cell, 100)
    plain = re.sub(r"[.,\u00a0 ]", "", found) if _GROUPED.fullmatch(found) else found
    plain = plain.removesuffix(".0").removesuffix(",0")
    if not re.fullmatch(r"-?\d{1,15}", plain):
        raise BadCell(Fault.NUMBER_INVALID, text=found)
    if not low <= int(plain) <= high:
        raise BadCell(Fault.NUMBER_OUT_OF_RANGE, text=found, low=low, high=high)
    return int(plain)


def count(cell: Cell) -> int:
    """A number of eyes, 0 for a point that has none yet: ``4``, ``4 mắt``, ``số lượng mắt: 4``."""
    if isinstance(cell, str):
        named = _COUNT.search(clean(cell)) or re.fullmatch(
            r"(\d+)\s*(?:m[aắ]t|camera|c[aá]i|chi[eế]c|eyes?)(?:\s+camera)?", clean(cell), re.IGNORECASE
        )
        cell = named[1] if named else cell
    return whole(cell, 0, 512)


def count_within(words: str) -> tuple[str, int | None]:
    """``Cổng chợ (số lượng mắt: 4)`` is the text ``Cổng chợ`` and the number 4."""
    named = _COUNT.search(words)
    if named is None:
        return words, None
    rest = words[: named.start()] + words[named.end() :]
    return clean(rest.replace("()", "")).strip(" ,;.-("), whole(named[1], 0, 512)


def port(cell: Cell) -> int:
    try:
        return whole(cell, 1, 65535)
    except BadCell:
        raise BadCell(Fault.PORT_INVALID, text=text(cell, 100)) from None


def fingerprint(cell: Cell) -> str:
    """The SHA-256 of a certificate, as programs write it: with or without colons and blanks."""
    found = re.sub(r"[\s:]", "", text(cell, 200)).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", found):
        raise BadCell(Fault.FINGERPRINT_INVALID)
    return found


def yes_no(cell: Cell) -> bool:
    if isinstance(cell, bool):
        return cell
    found = text(cell, 100)
    key = fold(found) or found
    if key not in YES | NO:
        raise BadCell(Fault.CHOICE_INVALID, text=found, choices="Có, Không / Yes, No")
    return key in YES


def choice(kind: type[_Choice], cell: Cell) -> _Choice:
    found = text(cell, 200)
    value = _BY_WORD[kind].get(fold(found))
    if value is None:
        first = ", ".join(words[0] for words in CHOICES[kind].values())
        raise BadCell(Fault.CHOICE_INVALID, text=found, choices=first)
    return kind(value)


def day(cell: Cell, latest: date, earliest: date = EARLIEST) -> date:
    """A calendar day: a date cell, Excel's day number, or text with the day first."""
    found = _day(cell)
    if not earliest <= found <= latest:
        raise BadCell(Fault.DATE_OUT_OF_RANGE, text=f"{found:%d/%m/%Y}")
    return found


def _day(cell: Cell) -> date:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    said = text(cell, 100)
    if re.fullmatch(r"(?:19|20)\d\d", said):
        raise BadCell(Fault.DATE_INCOMPLETE, text=said)
    if re.fullmatch(r"\d{5}(?:\.\d+)?", said) and int(float(said)) in EXCEL_DAYS:
        return EXCEL_DAY_ZERO + timedelta(days=int(float(said)))
    try:
        if match := _DATE.fullmatch(said):
            number, month, year = (int(part) for part in match.groups())
            return date(year + 2000 if year < 100 else year, month, number)
        if match := _ISO_DATE.fullmatch(said):
            year, month, number = (int(part) for part in match.groups())
            return date(year, month, number)
        if match := _MONTH.fullmatch(said):
            return date(int(match[2]), int(match[1]), 1)
    except ValueError:  # 31/02: the shape of a date, but no day
        pass
    raise BadCell(Fault.DATE_INVALID, text=said)


def degrees(cell: Cell) -> float:
    """Degrees as a number, with a decimal point or comma, or as degrees, minutes and seconds."""
    said = text(cell, 100)
    if match := _DEGREES.fullmatch(said):
        seconds = float((match["s"] or "0").replace(",", "."))
        return round(int(match["d"]) + int(match["m"] or 0) / 60 + seconds / 3600, 7)
    try:
        found = float(said.replace(",", ".") if said.count(",") <= 1 else said)
    except ValueError:
        raise BadCell(Fault.POSITION_INVALID, text=said) from None
    if not abs(found) <= 180:  # also "nan"
        raise BadCell(Fault.POSITION_INVALID, text=said)
    return found


def latitude(cell: Cell) -> float:
    return _within(degrees(cell), LATITUDES, LONGITUDES, cell)


def longitude(cell: Cell) -> float:
    return _within(degrees(cell), LONGITUDES, LATITUDES, cell)


def position(cell: Cell) -> tuple[float, float]:
    """``21.7121, 104.8921``, ``21,7121; 104,8921`` or degrees, minutes, seconds: latitude, longitude."""
    said = text(cell, 100).strip("()")
    separators = [";", "/"] if said.count(",") > 1 else [";", "/", ",", " "]
    for separator in separators:
        parts = [part.strip() for part in said.split(separator) if part.strip()]
        if len(parts) == 2:
            return latitude(parts[0]), longitude(parts[1])
    raise BadCell(Fault.POSITION_INVALID, text=said)


def _within(found: float, expected: tuple[float, float], other: tuple[float, float], cell: Cell) -> float:
    if expected[0] <= found <= expected[1]:
        return found
    if other[0] <= found <= other[1]:
        raise BadCell(Fault.POSITION_SWAPPED)
    raise BadCell(Fault.POSITION_OUTSIDE, text=text(cell, 100))


def host(cell: Cell) -> Address:
    """An address, a name, ``host:port``, or a whole URL pasted into the column."""
    said = _raw(cell)
    if "://" in said:
        found = url(said, ("rtsp", "rtsps", "http", "https"))
        if not said.lower().startswith("http"):
            return found
        return Address(found.host, user=found.user, password=found.password)  # a page, not a stream
    name, colon, number = said.rpartition(":")
    if colon and name and ":" not in name:
        return Address(_host(name), port(number))
    return Address(_host(said))


def path(cell: Cell) -> Address:
    """An RTSP path with its query, or a whole URL."""
    said = _raw(cell)
    return url(said, ("rtsp", "rtsps")) if "://" in said else Address(path=_path(said))


def snapshot_path(cell: Cell) -> str:
    """The path and query of a picture over HTTP, or its URL without a login."""
    said = _raw(cell)
    if "://" not in said:
        return _path(said)
    found = url(said, ("http", "https"))
    if found.user is not None:
        raise BadCell(Fault.CREDENTIAL_IN_PATH)
    return found.path or "/"


def url(said: str, schemes: tuple[str, ...]) -> Address:
    """Split a URL; its login is decoded and kept apart (RFC 3986, 3.2.1: it never belongs in one).

    A password with an unescaped ``/`` or ``@`` could be read in two ways; such a URL is refused.
    """
    scheme, _, rest = said.partition("://")
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority, way = rest[:cut], rest[cut:]
    match = _AUTHORITY.fullmatch(authority)
    if scheme.lower() not in schemes or match is None or "@" in way:
        raise BadCell(Fault.URL_INVALID)
    return Address(
        _host(match["host"].strip("[]")),
        port(match["port"]) if match["port"] else None,
        scheme.lower() in ("rtsps", "https"),
        _path(way) if way else None,
        None if match["user"] is None else unquote(match["user"]),
        None if match["password"] is None else unquote(match["password"]),
    )


def _raw(cell: Cell) -> str:
    if isinstance(cell, str):
        return clean(cell)
    return text(cell, MAX_PATH)


def _path(said: str) -> str:
    if _SECRET_WORD.search(unquote(said)):
        # XMeye devices carry their login in the path: /user=…_password=…_channel=1_stream=0.sdp
        raise BadCell(Fault.CREDENTIAL_IN_PATH)
    way = said if said.startswith("/") else f"/{said}"
    if len(way) > MAX_PATH or not way.isprintable() or " " in way:
        raise BadCell(Fault.PATH_INVALID, limit=MAX_PATH)
    return way


def _host(said: str) -> str:
    name = said.strip()
    shown = name if "@" not in name else "…@…"  # somebody's login may stand before it
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        # A name whose last label is a number is a mistyped address: 192.168.1.300
        last = name.rstrip(".").rpartition(".")[2]
        if not _HOST_NAME.fullmatch(name) or last.isdigit():
            raise BadCell(Fault.HOST_INVALID, text=shown[:100]) from None
        return name.lower()
    if address.is_unspecified or address.is_multicast or str(address) == "255.255.255.255":
        raise BadCell(Fault.HOST_INVALID, text=shown[:100])
    return str(address)
