"""Three inventories as wards keep them, about forty cells of which are wrong, and where those are.

Each is made by code, so that a reader sees what is wrong; run this file to look at them in a spreadsheet.
"""

import csv
import sys
from datetime import date
from pathlib import Path

from openpyxl import Workbook

Expected = set[tuple[str, int, str, str]]  # sheet, row, column, fault

POINTS_HEAD = ["STT", "Mã điểm", "Tên điểm lắp đặt", "Địa chỉ", "Vĩ độ", "Kinh độ", "Nguồn vốn", "Số mắt"]
POINTS_HEAD += ["Số mắt tối thiểu", "Ngày lắp đặt", "Biển báo", "Ghi chú"]


def ward_sheets(path: Path) -> Expected:
    """One sheet per ward, a title above, signatures below; the sheet's name is the unit."""
    book = Workbook()
    book.remove(book.worksheets[0])
    good = ["", "Ngã tư Km 4", "Đường Yên Ninh", 21.71, 104.89, "XHH", 2, 1, "01/10/2024", "có", ""]
    first = [
        [1, *good],
        [2, "", "", "Đường Kim Đồng", 21.71, 104.89, "XHH", 2, 1, "01/10/2024", "có", ""],  # no name
        [3, "", "Cổng chợ", "", 104.89, 21.71, "XHH", 2, 1, "01/10/2024", "có", ""],  # swapped
        [4, "", "Bến xe", "", 21.71, "", "XHH", 2, 1, "01/10/2024", "có", ""],  # no longitude
        [5, "", "Nhà văn hóa", "", "hai mốt", 104.89, "XHH", 2, 1, "01/10/2024", "có", ""],
        [6, "", "Trạm y tế", "", 48.85, 104.9, "XHH", 2, 1, "01/10/2024", "có", ""],  # Paris
        [7, "", "Cầu", "", 21.71, 104.89, "vốn tự có", 2, 1, "01/10/2024", "có", ""],
        [8, "", "Hồ", "", 21.71, 104.89, "XHH", "hai", 1, "01/10/2024", "có", ""],
    ]
    second = [
        [1, "", "Ga", "", 21.75, 104.88, "Tài trợ", 2, 3, "01/10/2024", "có", ""],  # k of n
        [2, "", "Đền", "", 21.75, 104.88, "Tài trợ", 1, 1, "31/02/2024", "có", ""],
        [3, "", "Chùa", "", 21.75, 104.88, "Tài trợ", 1, 1, "2023", "có", ""],
        [4, "", "Trường", "", 21.75, 104.88, "Tài trợ", 1, 1, date(1975, 4, 30), "có", ""],
        [5, "", "Đài", "", 21.75, 104.88, "Tài trợ", 1, 1, "01/10/2024", "có thể", ""],
        [6, "", "Kho", "", 21.75, 104.88, "Tài trợ", 9999, 1, "01/10/2024", "có", ""],
        [7, "#1", "Đập", "", 21.75, 104.88, "Tài trợ", 1, 1, "01/10/2024", "có", ""],
        [8, 12345678901234567, "Đê", "", 21.75, 104.88, "Tài trợ", 1, 1, "01/10/2024", "có", ""],
        [
            9,
            "",
            "Cống",
            "",
            21.75,
            104.88,
            "Tài trợ",
            1,
            1,
            "01/10/2024",
            "có",
            "rtsp://admin:S3cret@10.0.0.1/",
        ],
        [10, "", "#REF!", "", 21.75, 104.88, "Tài trợ", 1, 1, "01/10/2024", "có", ""],
        [11, "", "Đ" * 301, "", 21.75, 104.88, "Tài trợ", 1, 1, "01/10/2024", "có", ""],
    ]
    for name, rows in (("P. Yên Bái", first), ("Nam Cường", second)):
        sheet = book.create_sheet(name)
        sheet.append(["DANH SÁCH CAMERA AN NINH"])
        sheet.merge_cells("A1:L1")
        sheet.append([])
        sheet.append(POINTS_HEAD)
        sheet.append([f"({n})" for n in range(1, len(POINTS_HEAD) + 1)])
        for row in rows:
            sheet.append(row)
        sheet.append(["Tổng cộng", "", "", "", "", "", "", 20])
        sheet.append([])
        sheet.append(["", "", "Người lập biểu", "", "", "", "Trưởng Công an phường"])
    book.create_sheet("Phường Văn Phú").append(["đang cập nhật"])
    book.save(path)
    a, b = "P. Yên Bái", "Nam Cường"
    return {
        (a, 6, "C", "NAME_MISSING"),
        (a, 7, "E", "POSITION_SWAPPED"),
        (a, 7, "F", "POSITION_SWAPPED"),
        (a, 8, "F", "POSITION_INCOMPLETE"),
        (a, 9, "E", "POSITION_INVALID"),
        (a, 10, "E", "POSITION_OUTSIDE"),
        (a, 11, "G", "CHOICE_INVALID"),
        (a, 12, "H", "NUMBER_INVALID"),
        (b, 5, "I", "K_TOO_LARGE"),
        (b, 6, "J", "DATE_INVALID"),
        (b, 7, "J", "DATE_INCOMPLETE"),
        (b, 8, "J", "DATE_OUT_OF_RANGE"),
        (b, 9, "K", "CHOICE_INVALID"),
        (b, 10, "H", "NUMBER_OUT_OF_RANGE"),
        (b, 11, "B", "CODE_INVALID"),
        (b, 12, "B", "NUMBER_CUT"),
        (b, 13, "L", "CREDENTIAL_IN_TEXT"),
        (b, 14, "C", "CELL_ERROR"),
        (b, 15, "C", "TEXT_TOO_LONG"),
        ("Phường Văn Phú", 1, "A", "HEADER_MISSING"),
    }


EYES_HEAD = [
    "Point code",
    "Location",
    "Ward",
    "Eye code",
    "Device code",
    "Kind",
    "Brand",
    "IP",
    "Port",
    "Channel",
]
EYES_HEAD += ["RTSP URL", "Username", "Password", "Credential set", "Site", "Reach"]


def technician(path: Path) -> Expected:
    """A technician's list, one row per eye, in English; passwords and URLs pasted as they came."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Cameras"
    sheet.append(EYES_HEAD)

    def row(number: int, **cells: object) -> None:
        said: dict[str, object] = {
            "Point code": f"P-{number}",
            "Location": f"Point {number}",
            "Ward": "Yên Bái",
            "Eye code": f"E-{number}",
            "Brand": "Hikvision",
            "IP": f"10.1.0.{number}",
        }
        said |= {name.replace("_", " "): value for name, value in cells.items()}
        sheet.append([said.get(name) for name in EYES_HEAD])

    row(2)
    row(3, Eye_code="E-2")
    row(4, IP="10.1.0.300")
    row(5, IP="224.0.0.1")
    row(6, Port=70000)
    row(7, IP=None, Reach="Network")
    row(8, Brand="Noname")
    row(9, RTSP_URL="rtsp://10.1.0.9/user=admin_password=S3cret_channel=1_stream=0.sdp")
    row(10, RTSP_URL="rtsp://admin:S3cret@10.1.0.99/1")
    row(11, RTSP_URL="rtsp://admin:S3/cret@10.1.0.11/1")
    row(12, RTSP_URL="/1 main")
    row(13, Username="admin")
    row(14, Credential_set="nobody")
    row(15, Site="mars")
    row(16, IP="10.1.0.2", Point_code="P-2", Location="Point 2", Channel=1)
    row(17, Device_code="D-17")
    row(18, Device_code="D-17")
    row(19, Ward="Tuy Lộc")
    row(20, Ward="Atlantis")
    row(21, Ward=None)
    row(22, Point_code="P-2", Location="Another name")
    row(23, Kind="drone")
    row(24, Username="admin", Password="one", Credential_set="shared")
    row(25, Username="admin", Password="two", Credential_set="shared")
    row(26, IP="10.1.0.27", RTSP_URL="/same", Point_code="P-27", Location="Point 27", Channel=1)
    row(27, IP="10.1.0.27", RTSP_URL="/same", Channel=2)
    row(28, Username="admin", Password="x" * 300)
    book.save(path)
    return {
        ("Cameras", number, column, fault)
        for number, column, fault in [
            (3, "D", "DUPLICATE_CODE"),
            (4, "H", "HOST_INVALID"),
            (5, "H", "HOST_INVALID"),
            (6, "I", "PORT_INVALID"),
            (7, "H", "HOST_MISSING"),
            (8, "K", "PATH_MISSING"),
            (9, "K", "CREDENTIAL_IN_PATH"),
            (10, "H", "URL_CONFLICT"),
            (11, "K", "URL_INVALID"),
            (12, "K", "PATH_INVALID"),
            (13, "M", "CREDENTIAL_INCOMPLETE"),
            (14, "N", "CREDENTIAL_UNKNOWN"),
            (15, "O", "SITE_UNKNOWN"),
            (16, "J", "DUPLICATE_CHANNEL"),
            (18, "E", "DEVICE_ELSEWHERE"),
            (19, "C", "UNIT_NOT_VALID"),
            (20, "C", "UNIT_UNKNOWN"),
            (21, "C", "UNIT_MISSING"),
            (22, "B", "POINT_CONFLICT"),
            (23, "F", "CHOICE_INVALID"),
            (25, "M", "CREDENTIAL_CONFLICT"),
            (27, "K", "DUPLICATE_EYE"),
            (28, "M", "CREDENTIAL_INVALID"),
        ]
    }


def household_list(path: Path) -> Expected:
    """A CSV out of Excel on a Vietnamese Windows: semicolons, cameras of households."""
    head = ["Tên điểm", "Đơn vị", "Mã ĐVHC", "Mã camera", "Văn bản đồng ý", "Ngày đồng ý", "Đồng ý đến ngày"]
    head += ["Ngày sử dụng", "Ngày thanh lý", "Số lượng", "Tọa độ"]
    rows = [
        ["Hộ 1", "Yên Bái", "", "", "Giấy 1", "01/03/2026", "01/03/2027", "", "", "1", "21.71, 104.89"],
        ["Hộ 2", "Yên Bái", "", "", "Giấy 2", "01/03/2026", "01/03/2025", "", "", "1", ""],
        ["Hộ 3", "Yên Bái", "", "", "Giấy 3", "", "", "01/03/2025", "01/03/2024", "1", ""],
        ["Hộ 4", "Âu Lâu", "04252", "", "", "", "", "", "", "1", ""],
        ["Hộ 5", "Yên Bái", "", "HO-5", "", "", "", "", "", "3", ""],
        ["Hộ 6", "Yên Bái", "", "", "", "", "", "", "", "1", "đối diện chợ"],
        ["Hộ 7", "Yên Bái", "", "", "", "01/03/2099", "", "", "", "1", ""],
        ["Hộ 8", "", "99999", "", "", "", "", "", "", "1", ""],
    ]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows([["Danh sách camera hộ gia đình, năm 2026"], head, *rows])
    return {
        ("", number, column, fault)
        for number, column, fault in [
            (4, "G", "DATE_ORDER"),
            (5, "I", "DATE_ORDER"),
            (6, "B", "UNIT_MISMATCH"),
            (7, "J", "COUNT_WITH_ONE_EYE"),
            (8, "K", "POSITION_INVALID"),
            (9, "F", "DATE_OUT_OF_RANGE"),
            (10, "C", "UNIT_UNKNOWN"),
        ]
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    ward_sheets(folder / "wards.xlsx")
    technician(folder / "technician.xlsx")
    household_list(folder / "households.csv")
