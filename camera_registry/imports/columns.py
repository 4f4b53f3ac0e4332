"""The columns of an inventory: what each field is called, and how a header row is found and read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.imports.faults import BadCell, Fault
from camera_registry.imports.workbook import Cell, Sheet
from camera_registry.spelling import clean, fold

HEADER_WITHIN = 40  # rows from the top in which a header may stand
LEAST_COLUMNS = 2  # recognised, to be a header and not a title


@dataclass(frozen=True, slots=True)
class Column:
    """A field and its headers: the Vietnamese and English ones that we write, and others that we read."""

    field: str
    vi: str
    en: str
    others: tuple[str, ...] = ()
    example: str = ""


# In the order of the template. "*" marks what a new point must have.
COLUMNS: tuple[Column, ...] = (
    Column("point_code", "Mã điểm lắp đặt", "Point code", ("Mã điểm", "Mã vị trí"), "YB-0001"),
    Column(
        "point_name",
        "Tên điểm *",
        "Point name *",
        (
            "Tên điểm lắp đặt",
            "Điểm lắp đặt",
            "Vị trí lắp đặt",
            "Tên vị trí",
            "Vị trí",
            "Điểm",
            "Tên điểm camera",
            "Địa điểm",
            "Địa điểm lắp đặt",
            "Vị trí lắp đặt camera",
            "Point",
            "Location",
            "Name",
            "Installation point",
        ),
        "Cổng chợ trung tâm",
    ),
    Column(
        "unit",
        "Đơn vị hành chính *",
        "Unit *",
        (
            "Phường",
            "Xã",
            "Phường/xã",
            "Xã/phường",
            "Tên phường, xã",
            "Đơn vị",
            "Địa bàn",
            "ĐVHC",
            "Ward",
            "Commune",
            "Administrative unit",
            "Ward/commune",
        ),
        "Phường Yên Bái",
    ),
    Column(
        "unit_code",
        "Mã đơn vị hành chính",
        "Unit code",
        ("Mã đơn vị", "Mã ĐVHC", "Mã phường/xã", "Administrative unit code"),
        "04252-2",
    ),
    Column("address", "Địa chỉ lắp đặt", "Address", ("Địa chỉ", "Installation address"), "Đường Kim Đồng"),
    Column(
        "residential_group",
        "Tổ dân phố/thôn",
        "Residential group",
        ("Tổ dân phố", "TDP", "Thôn", "Thôn/TDP", "TDP/thôn", "Thôn, tổ dân phố", "Khu phố", "Village"),
        "Tổ dân phố số 4",
    ),
    Column("latitude", "Vĩ độ", "Latitude", ("Lat",), "21.7121"),
    Column("longitude", "Kinh độ", "Longitude", ("Lon", "Long", "Lng"), "104.8921"),
    Column("position", "Tọa độ", "Coordinates", ("Toạ độ GPS", "GPS", "Vị trí GPS", "Lat, lon")),
    Column("k", "Số mắt tối thiểu", "Eyes needed", ("k", "Least eyes", "Số mắt cần"), "1"),
    Column(
        "funding",
        "Nguồn kinh phí",
        "Funding",
        ("Nguồn vốn", "Kinh phí", "Nguồn đầu tư", "Hình thức đầu tư", "Funding source", "Nguồn"),
        "Xã hội hóa",
    ),
    Column("signage", "Biển báo ghi hình", "Recording notice", ("Biển báo", "Có biển báo", "Signage"), "Có"),
    Column(
        "point_required_days",
        "Số ngày lưu hình yêu cầu của điểm",
        "Days of footage required at the point",
        ("Số ngày lưu tại điểm",),
        "30",
    ),
    Column("keep_pictures_days", "Giữ ảnh chụp (ngày)", "Keep pictures (days)", ("Số ngày giữ ảnh",)),
    Column("note", "Ghi chú", "Notes", ("Note", "Remarks", "Chú thích")),
    Column("eye_code", "Mã camera", "Eye code", ("Mã mắt", "Mã mắt camera", "Camera code"), "YB-0001-01"),
    Column("eye_name", "Tên camera", "Eye name", ("Tên mắt", "Tên mắt camera", "Camera", "Camera name")),
    Column(
        "count",
        "Số mắt camera",
        "Number of eyes",
        (
            "Số mắt",
            "Số lượng mắt",
            "Số lượng mắt camera",
            "SL mắt",
            "Số lượng",
            "Số lượng camera",
            "Số camera",
            "SL",
            "Mắt camera",
            "Eyes",
            "Quantity",
            "Count",
        ),
        "4",
    ),
    Column("channel", "Kênh", "Channel", ("Số kênh", "Kênh số", "CH", "Kênh ghi"), "1"),
    Column("purpose", "Mục đích", "Purpose", ("Mục đích sử dụng", "Vùng quan sát", "Field of view")),
    Column("ptz", "Quay quét (PTZ)", "PTZ", ("Quay quét", "Camera PTZ"), "Không"),
    Column(
        "required_days",
        "Số ngày lưu hình yêu cầu",
        "Days of footage required",
        ("Số ngày lưu", "Số ngày lưu trữ", "Thời gian lưu trữ", "Required days"),
        "30",
    ),
    Column("reach", "Cách theo dõi", "Reach", ("Hình thức theo dõi", "Kết nối"), "Qua mạng"),
    Column("device_code", "Mã thiết bị", "Device code", ("Mã đầu ghi",), "YB-0001-D1"),
    Column("kind", "Loại thiết bị", "Device kind", ("Thiết bị", "Loại", "Kind"), "Đầu ghi hình"),
    Column(
        "manufacturer",
        "Hãng sản xuất",
        "Manufacturer",
        ("Hãng", "Hãng SX", "Nhãn hiệu", "Thương hiệu", "Brand"),
        "Hikvision",
    ),
    Column("model", "Kiểu loại", "Model", ("Kiểu loại (model)", "Mẫu", "Chủng loại")),
    Column("serial", "Số sê-ri", "Serial number", ("Serial", "S/N", "SN", "Số seri", "Số serial")),
    Column("firmware", "Phiên bản firmware", "Firmware", ("Phần mềm điều khiển",)),
    Column(
        "imported_on",
        "Ngày nhập khẩu hoặc mua sắm",
        "Date of import or purchase",
        ("Ngày mua", "Ngày mua sắm", "Ngày nhập khẩu", "Ngày nhập", "Date of purchase", "Date of import"),
        "15/03/2024",
    ),
    Column("certificate", "Chứng nhận hợp quy", "Certificate of conformity", ("Số chứng nhận hợp quy",)),
    Column(
        "host",
        "Địa chỉ IP",
        "Host",
        ("IP", "IP camera", "IP address", "Tên miền", "Địa chỉ IP/tên miền", "IP/tên miền", "Địa chỉ mạng"),
        "192.168.1.64",
    ),
    Column("port", "Cổng RTSP", "RTSP port", ("Cổng", "Port"), "554"),
    Column("web_port", "Cổng HTTP", "HTTP port", ("Cổng web", "Web port")),
    Column("web_tls", "HTTP qua TLS", "HTTP over TLS", ("HTTPS",), "Không"),
    Column("onvif_port", "Cổng ONVIF", "ONVIF port", ("ONVIF",)),
    Column("tls_check", "Kiểm tra chứng chỉ TLS", "TLS certificate check", ("TLS check",), "Không kiểm tra"),
    Column(
        "tls_pin",
        "Dấu vân tay chứng chỉ",
        "Certificate fingerprint",
        ("SHA-256 chứng chỉ", "Certificate SHA-256"),
    ),
    Column("tls", "RTSP qua TLS", "RTSP over TLS", ("TLS", "RTSPS"), "Không"),
    Column("basic_allowed", "Cho phép Basic", "Basic allowed", ("Xác thực Basic",), "Không"),
    Column("sessions", "Số phiên đồng thời", "Sessions at a time", ("Số phiên", "Sessions")),
    Column("sub_stream", "Luồng kiểm tra", "Stream probed", ("Luồng", "Stream"), "Luồng phụ"),
    Column("path", "Đường dẫn RTSP", "RTSP path", ("RTSP", "Link RTSP", "URL", "RTSP URL", "Đường dẫn")),
    Column("snapshot_path", "Đường dẫn ảnh chụp", "Snapshot path", ("Snapshot", "Link ảnh")),
    Column("site", "Khu vực mạng", "Site", ("Mạng", "Vantage")),
    Column("credential", "Bộ tài khoản", "Credential set", ("Credential",)),
    Column("onvif_credential", "Bộ tài khoản ONVIF", "ONVIF credential set", ("Tài khoản ONVIF",)),
    Column("user", "Tên đăng nhập", "User", ("Tài khoản", "User name", "Username", "Người dùng", "Login")),
    Column("password", "Mật khẩu", "Password", ("Pass", "Mật khẩu camera")),
    Column(
        "commissioned",
        "Ngày đưa vào sử dụng",
        "Commissioned",
        ("Ngày lắp đặt", "Ngày sử dụng", "Thời gian lắp đặt", "Ngày lắp", "Commissioning date", "Installed"),
        "01/10/2024",
    ),
    Column("retired", "Ngày thanh lý", "Retired", ("Thanh lý",)),
    Column("access_document", "Văn bản đồng ý", "Access document", ("Văn bản cho phép",)),
    Column("access_date", "Ngày đồng ý", "Access date", ("Ngày cho phép",)),
    Column("access_until", "Đồng ý đến ngày", "Access until", ("Cho phép đến ngày",)),
    Column("access_withdrawn", "Ngày rút đồng ý", "Access withdrawn", ("Ngày rút lại đồng ý",)),
)
BY_FIELD: Mapping[str, Column] = {column.field: column for column in COLUMNS}
SECRET = frozenset({"user", "password", "path", "snapshot_path", "host"})  # cells that no message quotes
IGNORED = ("STT", "TT", "Số TT", "No.", "No", "#", "Số thứ tự")
NAMED: Mapping[str, str] = {
    fold(name): column.field for column in COLUMNS for name in (column.vi, column.en, *column.others)
}


class UnknownField(RegistryError):
    """``--map`` names a field that does not exist."""


@dataclass(frozen=True, slots=True)
class Header:
    """Where each field stands in a sheet. ``row`` counts from 0, as do the columns."""

    row: int
    columns: Mapping[str, int]
    unknown: Sequence[str] = field(default_factory=tuple)


def check_mapping(mapping: Mapping[str, str]) -> dict[str, str]:
    """What a person says of headers, folded. Raises ``UnknownField``; ``""`` as a field ignores a column."""
    for wanted in mapping.values():
        if wanted and wanted not in BY_FIELD:
            raise UnknownField(
                N_('There is no field "{field}"; there are: {fields}.'),
                field=wanted,
                fields=", ".join(BY_FIELD),
            )
    return {fold(header): wanted for header, wanted in mapping.items()}


def find_header(sheet: Sheet, mapping: Mapping[str, str]) -> Header | None:
    """The first row that recognises the most columns; of two that touch (merged headers), the lower.

    Raises ``BadCell`` (with ``row`` and ``column`` counted from 0) when two columns mean one field.
    """
    best_row, best = -1, 0
    for number, row in enumerate(sheet.rows[:HEADER_WITHIN]):
        count = len({name for cell in row if (name := field_of(cell, mapping))})
        if count > best or (count == best and number == best_row + 1):
            best_row, best = number, count
    if best < LEAST_COLUMNS:
        return None
    columns: dict[str, int] = {}
    unknown = []
    for index, cell in enumerate(sheet.rows[best_row]):
        name = field_of(cell, mapping)
        if name is None:
            text = clean(str(cell))
            if text and fold(text) not in _KNOWN_NOTHING and mapping.get(fold(text)) is None:
                unknown.append(text)
        elif name in columns:
            if sheet.corners.get((best_row, index)) != sheet.corners.get(
                (best_row, columns[name]), (best_row, columns[name])
            ):
                raise BadCell(Fault.COLUMN_TWICE, text=clean(str(cell)), row=best_row, column=index)
        else:
            columns[name] = index
    return Header(best_row, columns, unknown)


def field_of(cell: Cell, mapping: Mapping[str, str]) -> str | None:
    """The field that a header cell names; what stands in brackets may be left away."""
    if not isinstance(cell, str) or not cell.strip():
        return None
    for text in (cell, cell.partition("(")[0]):
        key = fold(text)
        if key in mapping:
            return mapping[key] or None
        if key in NAMED:
            return NAMED[key]
    return None


_KNOWN_NOTHING = frozenset(fold(name) for name in IGNORED)
