"""The words people read for what people and readings leave in the registry: evidence, grades, reports, deeds,
and why time is left out of a figure.

Apart from ``words``, which a check of a URL reads, too: here the rooms that keep such things are opened.
"""

from collections.abc import Mapping

from camera_registry import incidents
from camera_registry.audit import Action
from camera_registry.auth.roles import Permission, Role
from camera_registry.discovering import Standing
from camera_registry.explaining import Absence
from camera_registry.facts import Change
from camera_registry.findings import Evidence
from camera_registry.grades import Grade
from camera_registry.i18n import N_
from camera_registry.inventory import DeviceKind, Funding, Reach, Word
from camera_registry.maintenance import Kind, ScopeKind
from camera_registry.notices import Fault
from camera_registry.power_cuts import Doubt
from camera_registry.rollout import Ending, Stage
from camera_registry.windows import Phase, Repeats
from camera_registry.words import OUTCOMES
from probes.result import TlsCheck

EVIDENCE: Mapping[Evidence, str] = {
    Evidence.RTP: N_("The stream came without a login"),
    Evidence.IMAGE: N_("An image came without a login"),
    Evidence.SDP: N_("The description of the stream came without a login"),
    Evidence.HEADER: N_("Seen in what was sent"),
    Evidence.CERTIFICATE: N_("The certificate of the device"),
}

GRADES: Mapping[Grade, str] = {
    Grade.GOOD: OUTCOMES["ok"],
    Grade.UNCLEAR: N_("Not clear"),
    Grade.NO_PICTURE: N_("No picture"),
}

REPORTED: Mapping[Word, str] = {
    Word.WORKING: N_("Reported working"),
    Word.POOR: N_("Reported working poorly"),
    Word.NOT_WORKING: N_("Reported not working"),
}

CHANGES: Mapping[Change, str] = {
    Change.FIRMWARE: N_("The firmware has changed"),
    Change.SERIAL: N_("Another serial number answers"),
}

ACTIONS: Mapping[Action, str] = {
    Action.BASELINE_APPROVED: N_("Baseline approved"),
    Action.BASELINE_REJECTED: N_("Baseline rejected"),
    Action.BASELINES_RESET: N_("Baselines reset"),
    Action.BASELINE_TAKEN_BACK: N_("Decision on a baseline taken back"),
    Action.PROBED: N_("Asked at once"),
    Action.INCIDENT_ACKNOWLEDGED: N_("Incident acknowledged"),
    Action.INCIDENT_COMMENTED: N_("Incident commented on"),
    Action.POWER_CUT_REPORTED: N_("Power cut reported"),
    Action.PICTURE_VIEWED: N_("Picture viewed"),
    Action.DEVICE_CONFIRMED: N_("Device confirmed"),
    Action.LOGIN_TRIED: N_("Login tried"),
    Action.GRADE_GIVEN: N_("Picture graded"),
    Action.REPORT_TAKEN: N_("Report taken"),
    Action.MAINTENANCE_ENTERED: N_("Maintenance window entered"),
    Action.MAINTENANCE_WITHDRAWN: N_("Maintenance window withdrawn"),
    Action.MONTH_CLOSED: N_("Month closed"),
    Action.MONTH_AMENDED: N_("Month amended"),
    Action.POINT_MOVED: N_("Point moved to another unit"),
    Action.UNITS_REORGANISED: N_("Units reorganised"),
    Action.CUSTODY_SET: N_("Custody entered"),
    Action.CUSTODY_ENDED: N_("Custody ended"),
    Action.SITE_CANARIES_SET: N_("Canaries of the site set"),
    Action.UNITS_LOADED: N_("Units loaded"),
    Action.SITE_ADDED: N_("Site added"),
    Action.CREDENTIAL_SAVED: N_("Credential set saved"),
    Action.CREDENTIAL_ERASED: N_("Credential set erased"),
    Action.CREDENTIALS_RESEALED: N_("Credential sets sealed anew"),
    Action.IMPORTED: N_("File imported"),
    Action.EXPORTED: N_("Exported"),
    Action.ADDED: N_("Added to the registry"),
    Action.CHANGED: N_("Changed in the registry"),
    Action.DEVICE_ASKED: N_("Device asked what it is"),
    Action.NETWORK_SEARCHED: N_("Network searched for devices"),
    Action.COMMISSIONED: N_("Device commissioned"),
    Action.START_ASKED: N_("Start of probing asked for"),
    Action.START_STOPPED: N_("Start of probing stopped"),
    Action.SUSPENDED: N_("Suspended"),
    Action.RESUMED: N_("Back in service"),
    Action.RETIRED: N_("Retired"),
    Action.ACCESS_WITHDRAWN: N_("Access was withdrawn"),
    Action.TOKEN_MADE: N_("Token made"),
    Action.TOKEN_REVOKED: N_("Token revoked"),
    Action.USER_ADDED: N_("User added"),
    Action.USER_CHANGED: N_("Role or units of the user changed"),
    Action.USER_DISABLED: N_("User disabled"),
    Action.USER_ENABLED: N_("User enabled"),
    Action.PASSWORD_SET: N_("Password set"),
    Action.LINK_MADE: N_("Sign-in link made"),
    Action.SIGNED_OUT: N_("Signed out everywhere"),
    Action.SIGNED_IN: N_("Signed in"),
}

ROLES: Mapping[Role, str] = {
    Role.ADMINISTRATOR: N_("Administrator"),
    Role.OPERATOR: N_("Operator"),
    Role.WARD_OFFICER: N_("Ward officer"),
    Role.FINANCE: N_("Finance"),
    Role.AUDITOR: N_("Auditor"),
}

PERMISSIONS: Mapping[Permission, str] = {
    Permission.VIEW: N_("See states, incidents and figures"),
    Permission.HANDLE: N_("Acknowledge and comment on incidents"),
    Permission.MAINTAIN: N_("Enter maintenance and power cuts"),
    Permission.TELL: N_("Report on eyes, grade pictures"),
    Permission.PROBE: N_("Ask an eye now"),
    Permission.PICTURES: N_("Look at pictures"),
    Permission.REGISTER: N_("Change the registry"),
    Permission.MONEY: N_("Custody and costs"),
    Permission.AUDIT: N_("See who did what"),
    Permission.PEOPLE: N_("Manage who may sign in"),
    Permission.SCRAPE: N_("Read the metrics of the whole city"),
}

# What a time is counted as, beside the states of ledgers.
MAINTENANCE = N_("Maintenance")

ABSENCES: Mapping[Absence, str] = {
    Absence.NOT_COMMISSIONED: N_("Not yet commissioned"),
    Absence.RETIRED: N_("Retired"),
    Absence.SUSPENDED: N_("Suspended"),
    Absence.ACCESS_WITHDRAWN: N_("Access was withdrawn"),
    Absence.ACCESS_ENDED: N_("The consent to access has run out"),
}

WINDOWS: Mapping[Kind, str] = {
    Kind.WORK: N_("Planned work"),
    Kind.POWER_CUT: N_("Power cut"),
}

SCOPES: Mapping[ScopeKind, str] = {
    ScopeKind.ALL: N_("Everything"),
    ScopeKind.EYE: N_("Eye"),
    ScopeKind.DEVICE: N_("Device"),
    ScopeKind.POINT: N_("Point"),
    ScopeKind.UNIT: N_("Unit"),
    ScopeKind.SITE: N_("Site"),
}

PHASES: Mapping[Phase, str] = {
    Phase.PRESENT: N_("Going on"),
    Phase.COMING: N_("Coming"),
    Phase.PAST: N_("Past"),
    Phase.WITHDRAWN: N_("Withdrawn"),
}

REPEATS: Mapping[Repeats, str] = {
    Repeats.ONCE: N_("Once"),
    Repeats.DAILY: N_("Each day"),
    Repeats.WEEKLY: N_("Each week, on the same weekday"),
    Repeats.MONTHLY_DAY: N_("Each month, on the same day"),
    Repeats.MONTHLY_WEEKDAY: N_("Each month, on the same weekday of the same week"),
}

FREQUENCIES: Mapping[str, str] = {
    "DAILY": N_("each day"),
    "WEEKLY": N_("each week"),
    "MONTHLY": N_("each month"),
}

DOUBTS: Mapping[Doubt, str] = {
    Doubt.NO_UNIT: N_("No unit was ever called so."),
    Doubt.NO_POINT: N_("No point of the registry lies there, as far as its address tells."),
    Doubt.LEFT_OUT: N_("The notice says that this is not cut."),
    Doubt.PART: N_("Only a part of it: the notice does not say which."),
    Doubt.OLD_NAME: N_("A unit of this name had ended by that day."),
    Doubt.OLD_NUMBER: N_("The number is that of a group in a former ward."),
    Doubt.AMBIGUOUS: N_("Several places are called so."),
    Doubt.SPELLING: N_("The marks are written differently."),
    Doubt.GUESS: N_("Only these words stand in the name or the address of the point."),
}

FAULTS: Mapping[Fault, str] = {
    Fault.NO_DAY: N_("The notice does not say on which day."),
    Fault.NO_TIME: N_("The notice does not say from when to when."),
    Fault.NO_AREA: N_("The notice does not say where."),
    Fault.IMPOSSIBLE: N_("There is no such day or hour, or the end lies before the beginning."),
}

RATES: Mapping[str, str] = {
    "availability": N_("Availability"),
    "coverage": N_("Coverage"),
    "usable": N_("Usable rate"),
    "usable_coverage": N_("Coverage of the usable rate"),
    "snapshot": N_("Snapshot rate"),
    "snapshot_coverage": N_("Coverage of the snapshot rate"),
    "clock": N_("Clock rate"),
    "clock_coverage": N_("Coverage of the clock rate"),
    "recording": N_("Recording rate"),
    "recording_coverage": N_("Coverage of the recording rate"),
}

# What each rate divides by what; the states are named as ``words`` names them.
FORMULAS: Mapping[str, str] = {
    "availability": N_("(operating + operating poorly) ÷ (operating + operating poorly + disconnected)"),
    "coverage": N_("(operating + operating poorly + disconnected) ÷ time in service without maintenance"),
    "usable": N_("stream and picture good ÷ (stream good, picture good or failing + disconnected)"),
    "usable_coverage": N_("(picture good or failing + disconnected) ÷ time in service without maintenance"),
    **dict.fromkeys(("snapshot", "clock", "recording"), N_("good ÷ (good + failing)")),
    **dict.fromkeys(
        ("snapshot_coverage", "clock_coverage", "recording_coverage"),
        N_("(good + failing) ÷ time in service without maintenance"),
    ),
}

FUNDINGS: Mapping[Funding, str] = {
    Funding.STATE: N_("State budget"),
    Funding.CITY: N_("City budget"),
    Funding.COMMUNE: N_("Commune budget"),
    Funding.SOCIALISED: N_("Funded by the community"),
    Funding.SPONSORED: N_("Sponsored"),
    Funding.MIXED: N_("Mixed funding"),
}

DEVICE_KINDS: Mapping[DeviceKind, str] = {
    DeviceKind.CAMERA: N_("Camera"),
    DeviceKind.RECORDER: N_("Recorder"),
}

REACHES: Mapping[Reach, str] = {
    Reach.NETWORK: N_("Over the network"),
    Reach.REPORTED: N_("By people's reports"),
}

TLS_CHECKS: Mapping[TlsCheck, str] = {
    TlsCheck.NONE: N_("Not checked"),
    TlsCheck.PIN: N_("By its fingerprint"),
    TlsCheck.VERIFY: N_("By a certification authority"),
}

INCIDENTS: Mapping[incidents.Kind, str] = {
    incidents.Kind.EYE: N_("One eye"),
    incidents.Kind.DEVICE: N_("A whole device"),
    incidents.Kind.POINT: N_("A whole point: power or line"),
    incidents.Kind.UNIT: N_("Points of a unit at once"),
    incidents.Kind.AREA: N_("An area: power or line"),
    incidents.Kind.SITE: N_("Our own line or monitor"),
}

# What deeds are done to, by the first part of a subject.
SUBJECTS: Mapping[str, str] = {
    "eye": N_("Eye"),
    "point": N_("Point"),
    "device": N_("Device"),
    "site": N_("Site"),
    "unit": N_("Unit"),
    "units": N_("Units"),
    "maintenance": N_("Maintenance"),
    "incident": N_("Incident"),
    "month": N_("Month"),
    "user": N_("User"),
    "credential": N_("Credential set"),
    "file": N_("File"),
    "audit": N_("Audit"),
    "inventory": N_("Inventory"),
    "picture": N_("Picture"),
}

# What the audit keeps of a deed, where it is no field of an inventory.
FIELDS: Mapping[str, str] = {
    "name": N_("Name"),
    "code": N_("Code"),
    "role": N_("Role"),
    "units": N_("Units"),
    "everywhere": N_("The whole city"),
    "disabled_at": N_("Disabled"),
    "disabled": N_("Disabled"),
    "password": N_("Password"),
    "link": N_("Sign-in link"),
    "token": N_("Token"),
    "permissions": N_("Permissions"),
    "expires_at": N_("Ends"),
    "revoked_at": N_("Revoked"),
    "from": N_("From"),
    "to": N_("To"),
    "until": N_("Until"),
    "document": N_("Document"),
    "manager": N_("Managed by"),
    "electricity": N_("Pays electricity"),
    "internet": N_("Pays Internet"),
    "handed_over_on": N_("Handed over on"),
    "corrected": N_("Correction"),
    "covers": N_("What it covers"),
    "recurrence": N_("Comes again"),
    "grade": N_("Grade"),
    "word": N_("Report"),
    "by": N_("By"),
    "of": N_("Of"),
    "mode": N_("Mode"),
    "picture": N_("Picture"),
    "taken_at": N_("Taken"),
    "interval_s": N_("Interval, s"),
    "canaries": N_("Canaries"),
    "commissioned_at": N_("Commissioned"),
    "started_at": N_("Started"),
    "retired_at": N_("Retired"),
    "suspended_at": N_("Suspended"),
    "access_withdrawn_at": N_("Access was withdrawn"),
    "new": N_("New"),
    "changed": N_("Changed ones"),
    "same": N_("Unchanged"),
    "logins": N_("Logins"),
    "browsers": N_("Browsers"),
    "login_erased": N_("Login erased"),
    "credentials": N_("Logins"),
    "pictures": N_("Pictures"),
    "subject": N_("Account at the provider"),
    "start": N_("Start No."),
    "live": N_("Live picture"),
    "entries": N_("Entries"),
    "rows": N_("Rows"),
    "eyes": N_("Eyes"),
    "points": N_("Points"),
    "devices": N_("Devices"),
    "eye": N_("Eye"),
    "point": N_("Point"),
    "device": N_("Device"),
    "text": N_("Text"),
    "suspended_from": N_("Suspended from"),
    "suspended_until": N_("Back in service on"),
    "figures_hash": N_("Hash of the figures"),
    "inputs_hash": N_("Hash of what was counted"),
}

# The words for values of those that are slugs.
VALUES: Mapping[str, Mapping[str, str]] = {
    "funding": {str(slug): words for slug, words in FUNDINGS.items()},
    "grade": {str(slug): words for slug, words in GRADES.items()},
    "word": {str(slug): words for slug, words in REPORTED.items()},
    "kind": {
        **{str(slug): words for slug, words in WINDOWS.items()},
        **{str(slug): words for slug, words in DEVICE_KINDS.items()},
    },
    "reach": {str(slug): words for slug, words in REACHES.items()},
    "tls_check": {str(slug): words for slug, words in TLS_CHECKS.items()},
    "permissions": {str(slug): words for slug, words in PERMISSIONS.items()},
}

STAGES: Mapping[Stage, str] = {
    Stage.CANARY: N_("Canaries: one eye for each credential"),
    Stage.FEW: N_("The first ten"),
    Stage.ALL: N_("All others"),
}

ENDINGS: Mapping[Ending, str] = {
    Ending.DONE: N_("Done"),
    Ending.REFUSED: N_("Stopped by itself: too many logins were refused"),
    Ending.STOPPED: N_("Stopped by a person"),
    Ending.INTERRUPTED: N_("Interrupted"),
}

ANSWERED: Mapping[Standing, str] = {
    Standing.NEW: N_("Not registered"),
    Standing.KNOWN: N_("Registered"),
    Standing.CHANGED: N_("Another serial number answers"),
}
