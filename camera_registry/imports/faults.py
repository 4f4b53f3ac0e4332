"""Everything that can be wrong with a cell of an inventory, said so that a ward clerk can mend it."""

from dataclasses import dataclass, field
from enum import StrEnum

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_, Language, translate


class Fault(StrEnum):
    """One kind of mistake; the slug is what a caller may rely on."""

    NAME_MISSING = "NAME_MISSING"
    UNIT_MISSING = "UNIT_MISSING"
    UNIT_UNKNOWN = "UNIT_UNKNOWN"
    UNIT_NOT_VALID = "UNIT_NOT_VALID"
    UNIT_AMBIGUOUS = "UNIT_AMBIGUOUS"
    UNIT_MISMATCH = "UNIT_MISMATCH"
    POINT_AMBIGUOUS = "POINT_AMBIGUOUS"
    CODE_INVALID = "CODE_INVALID"
    DUPLICATE_CODE = "DUPLICATE_CODE"
    DEVICE_ELSEWHERE = "DEVICE_ELSEWHERE"
    EYE_ELSEWHERE = "EYE_ELSEWHERE"
    POINT_CONFLICT = "POINT_CONFLICT"
    DEVICE_CONFLICT = "DEVICE_CONFLICT"
    URL_CONFLICT = "URL_CONFLICT"
    DUPLICATE_EYE = "DUPLICATE_EYE"
    DUPLICATE_CHANNEL = "DUPLICATE_CHANNEL"
    COUNT_WITH_ONE_EYE = "COUNT_WITH_ONE_EYE"
    COUNT_MERGED = "COUNT_MERGED"
    HOST_INVALID = "HOST_INVALID"
    HOST_MISSING = "HOST_MISSING"
    PORT_INVALID = "PORT_INVALID"
    PATH_INVALID = "PATH_INVALID"
    PATH_MISSING = "PATH_MISSING"
    URL_INVALID = "URL_INVALID"
    CREDENTIAL_IN_PATH = "CREDENTIAL_IN_PATH"
    CREDENTIAL_IN_TEXT = "CREDENTIAL_IN_TEXT"
    CREDENTIAL_INCOMPLETE = "CREDENTIAL_INCOMPLETE"
    CREDENTIAL_UNKNOWN = "CREDENTIAL_UNKNOWN"
    CREDENTIAL_CONFLICT = "CREDENTIAL_CONFLICT"
    CREDENTIAL_INVALID = "CREDENTIAL_INVALID"
    ACCESS_WITHDRAWN = "ACCESS_WITHDRAWN"
    POSITION_INVALID = "POSITION_INVALID"
    POSITION_OUTSIDE = "POSITION_OUTSIDE"
    POSITION_SWAPPED = "POSITION_SWAPPED"
    POSITION_INCOMPLETE = "POSITION_INCOMPLETE"
    NUMBER_INVALID = "NUMBER_INVALID"
    NUMBER_OUT_OF_RANGE = "NUMBER_OUT_OF_RANGE"
    NUMBER_CUT = "NUMBER_CUT"
    K_TOO_LARGE = "K_TOO_LARGE"
    DATE_INVALID = "DATE_INVALID"
    DATE_INCOMPLETE = "DATE_INCOMPLETE"
    DATE_OUT_OF_RANGE = "DATE_OUT_OF_RANGE"
    DATE_ORDER = "DATE_ORDER"
    FINGERPRINT_INVALID = "FINGERPRINT_INVALID"
    FINGERPRINT_MISSING = "FINGERPRINT_MISSING"
    CHOICE_INVALID = "CHOICE_INVALID"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    CELL_ERROR = "CELL_ERROR"
    SITE_UNKNOWN = "SITE_UNKNOWN"
    SITE_MISSING = "SITE_MISSING"
    EYE_UNKNOWN = "EYE_UNKNOWN"
    EYE_MEASURED = "EYE_MEASURED"
    WORD_MISSING = "WORD_MISSING"
    REPORT_COLUMN_MISSING = "REPORT_COLUMN_MISSING"
    HEADER_MISSING = "HEADER_MISSING"
    ROWS_MISSING = "ROWS_MISSING"
    TEXT_NOT_UNICODE = "TEXT_NOT_UNICODE"
    COLUMN_MISSING = "COLUMN_MISSING"
    COLUMN_TWICE = "COLUMN_TWICE"
    LEDGER_COLUMN_MISSING = "LEDGER_COLUMN_MISSING"
    KIND_MISSING = "KIND_MISSING"
    DAY_MISSING = "DAY_MISSING"
    AMOUNT_MISSING = "AMOUNT_MISSING"
    AMOUNT_INVALID = "AMOUNT_INVALID"
    POINT_UNKNOWN = "POINT_UNKNOWN"
    POINT_TWICE = "POINT_TWICE"
    PROGRAMME_UNKNOWN = "PROGRAMME_UNKNOWN"
    SOURCE_MISSING = "SOURCE_MISSING"
    ENTRY_CONFLICT = "ENTRY_CONFLICT"
    ENTRY_UNKNOWN = "ENTRY_UNKNOWN"
    ENTRY_OTHERWISE = "ENTRY_OTHERWISE"
    ENTRY_ALREADY = "ENTRY_ALREADY"
    NOT_ACCEPTED = "NOT_ACCEPTED"


# No message quotes a cell of a secret column, a URL, or a path that may hold a password.
MESSAGES: dict[Fault, str] = {
    Fault.NAME_MISSING: N_("The point has no name."),
    Fault.UNIT_MISSING: N_("The point has no administrative unit."),
    Fault.UNIT_UNKNOWN: N_('No administrative unit is called "{text}".'),
    Fault.UNIT_NOT_VALID: N_(
        '"{text}" names no unit valid on {day}; known: {units}. If the inventory is older, its day has to be '
        "said."
    ),
    Fault.UNIT_AMBIGUOUS: N_('"{text}" names several units on {day}: {units}.'),
    Fault.UNIT_MISMATCH: N_('The unit\'s name "{text}" and its code mean different units: {unit}.'),
    Fault.POINT_AMBIGUOUS: N_('Several points here are called "{text}": {codes}. Give the point code.'),
    Fault.CODE_INVALID: N_('"{text}" cannot be a code: at most {limit} letters, digits, blanks and . _ / -'),
    Fault.DUPLICATE_CODE: N_('The code "{text}" stands already in row {row}.'),
    Fault.DEVICE_ELSEWHERE: N_(
        'The device "{text}" belongs to the point {point}. Leave the device code blank at other points.'
    ),
    Fault.EYE_ELSEWHERE: N_('The eye "{text}" belongs to the device {device}.'),
    Fault.POINT_CONFLICT: N_("Differs from what row {row} says of the same point."),
    Fault.DEVICE_CONFLICT: N_("Differs from what row {row} says of the same device."),
    Fault.URL_CONFLICT: N_("The URL and the columns of this row say different things."),
    Fault.DUPLICATE_EYE: N_("This address and path belong already to {eye}."),
    Fault.DUPLICATE_CHANNEL: N_("Channel {channel} of this device belongs already to {eye}."),
    Fault.COUNT_WITH_ONE_EYE: N_(
        "A row for {count} eyes cannot name one eye's code or path; write {{c}} for the channel in the path."
    ),
    Fault.COUNT_MERGED: N_(
        "This cell is merged over {rows} rows and says {count} eyes: undo the merge and write each row's own "
        "number."
    ),
    Fault.EYE_UNKNOWN: N_('There is no eye with the code "{text}".'),
    Fault.EYE_MEASURED: N_('The eye "{text}" is watched over the network: no report counts.'),
    Fault.WORD_MISSING: N_("The condition of the eye is missing."),
    Fault.REPORT_COLUMN_MISSING: N_("A report needs a column with eye codes and one with their condition."),
    Fault.FINGERPRINT_INVALID: N_("A fingerprint is a SHA-256: 64 hexadecimal digits."),
    Fault.FINGERPRINT_MISSING: N_("A pinned certificate needs its fingerprint."),
    Fault.HOST_INVALID: N_('"{text}" is neither an IP address of one device nor a host name.'),
    Fault.HOST_MISSING: N_("An eye probed over the network needs the device's IP address or host name."),
    Fault.PORT_INVALID: N_('"{text}" is not a port; ports are whole numbers from 1 to 65535.'),
    Fault.PATH_INVALID: N_("This is not an RTSP or HTTP path: no blanks, at most {limit} characters."),
    Fault.PATH_MISSING: N_("The RTSP path is missing, and none is known for this manufacturer."),
    Fault.URL_INVALID: N_("This URL cannot be read; write host, path, user and password in their columns."),
    Fault.CREDENTIAL_IN_PATH: N_(
        "The path holds a user name or password; it would be shown. Use the columns for user and password."
    ),
    Fault.CREDENTIAL_IN_TEXT: N_("The text holds a URL with a password; it would be shown. Take it out."),
    Fault.CREDENTIAL_INCOMPLETE: N_("A new login needs both a user name and a password."),
    Fault.CREDENTIAL_UNKNOWN: N_('There is no credential set "{text}", and the row has no login to make it.'),
    Fault.CREDENTIAL_CONFLICT: N_("Row {row} gives another login for the same credential set or device."),
    Fault.CREDENTIAL_INVALID: N_("A user name or password has at most {limit} printable characters."),
    Fault.ACCESS_WITHDRAWN: N_("The household withdrew its consent; a login may not be entered again."),
    Fault.POSITION_INVALID: N_('"{text}" is not a coordinate in degrees.'),
    Fault.POSITION_OUTSIDE: N_('"{text}" lies outside of Vietnam.'),
    Fault.POSITION_SWAPPED: N_("Latitude and longitude seem to be swapped."),
    Fault.POSITION_INCOMPLETE: N_("Latitude and longitude belong together; one is missing."),
    Fault.NUMBER_INVALID: N_('"{text}" is not a whole number.'),
    Fault.NUMBER_OUT_OF_RANGE: N_("{text} is not between {low} and {high}."),
    Fault.NUMBER_CUT: N_("The spreadsheet has cut the digits of this number; format the cell as text."),
    Fault.K_TOO_LARGE: N_("The point needs {k} eyes, but has only {n}."),
    Fault.DATE_INVALID: N_('"{text}" is not a date; write day/month/year.'),
    Fault.DATE_INCOMPLETE: N_('"{text}" is only a year; write day/month/year.'),
    Fault.DATE_OUT_OF_RANGE: N_("{text} is too long ago or too far ahead."),
    Fault.DATE_ORDER: N_("This date lies before {other}."),
    Fault.CHOICE_INVALID: N_('"{text}" is not known here; possible are: {choices}.'),
    Fault.TEXT_TOO_LONG: N_("The text is longer than {limit} characters."),
    Fault.CELL_ERROR: N_("The cell holds a formula error: {text}."),
    Fault.SITE_UNKNOWN: N_('There is no site "{text}"; add it first: camera-registry site add.'),
    Fault.SITE_MISSING: N_("There are several sites; name one in the column, or one for the whole file."),
    Fault.HEADER_MISSING: N_(
        "No header row was found in this sheet: a row with the names of the columns, as in the template."
    ),
    Fault.ROWS_MISSING: N_("Below the header row no row is filled in."),
    Fault.TEXT_NOT_UNICODE: N_(
        "The text is not Unicode but an older code (TCVN3, fonts called .Vn…): convert the file to Unicode."
    ),
    Fault.COLUMN_MISSING: N_("The sheet has no column for the name of the point, nor for its code."),
    Fault.COLUMN_TWICE: N_('Two columns mean "{text}"; keep one, or map the other.'),
    Fault.LEDGER_COLUMN_MISSING: N_("A ledger needs columns for the day, the kind and the amount."),
    Fault.KIND_MISSING: N_("Say what it is: estimate, opening balance, contribution, expense or settlement."),
    Fault.DAY_MISSING: N_("The day is missing."),
    Fault.AMOUNT_MISSING: N_('The amount is missing. Of one that nobody knows write "{unknown}".'),
    Fault.AMOUNT_INVALID: N_('"{text}" is no amount of đồng: write it in digits, such as 12.500.000.'),
    Fault.POINT_UNKNOWN: N_('There is no point with the code "{text}".'),
    Fault.POINT_TWICE: N_("Row {row} has a share of this point in the same entry already."),
    Fault.PROGRAMME_UNKNOWN: N_('There is no programme with the code "{text}".'),
    Fault.SOURCE_MISSING: N_("Say what the contributor is: a level of the budget, a household, a business …"),
    Fault.ENTRY_CONFLICT: N_("Differs from what row {row} says of the same entry."),
    Fault.ENTRY_UNKNOWN: N_("There is no entry {text} in the ledger; leave the cell blank for a new one."),
    Fault.ENTRY_OTHERWISE: N_(
        "This entry is in the ledger already, and says something else. Entries are not changed: reverse it "
        "and enter it anew."
    ),
    Fault.ENTRY_ALREADY: N_(
        "The same stands in the ledger as entry {number}, brought by the file {file}. If this is another, "
        "give it a voucher."
    ),
    Fault.NOT_ACCEPTED: N_("The ledger does not take it: {why}"),
}


class BadCell(Exception):
    """One cell is wrong. Carries the fault and what its message names; never a secret."""

    def __init__(self, fault: Fault, **values: object) -> None:
        super().__init__(fault)
        self.fault = fault
        self.values = values


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault at one place. ``row`` counts from 1 as spreadsheets do; ``column`` is a letter."""

    sheet: str
    row: int
    column: str
    code: Fault
    values: dict[str, object] = field(default_factory=dict)

    def text(self, language: Language) -> str:
        said = {
            name: value.text(language) if isinstance(value, RegistryError) else value
            for name, value in self.values.items()
        }
        return translate(MESSAGES[self.code], language, **said)


def column_letter(index: int) -> str:
    """0 is A, 25 is Z, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
