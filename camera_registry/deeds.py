"""The words people read for what people and readings leave in the registry: evidence, grades, reports, deeds,
and why time is left out of a figure; and how a deed's subject, fields and values are said.

Apart from ``words``, which a check of a URL reads, too: here the rooms that keep such things are opened.
"""

from collections.abc import Mapping

from camera_registry import incidents
from camera_registry.alerts import channels, outbox, routing, trying
from camera_registry.alerts.policy_words import WHATS
from camera_registry.alerts.reading import Health
from camera_registry.audit import Action
from camera_registry.auth.roles import Permission, Role
from camera_registry.discovering import Standing
from camera_registry.explaining import Absence
from camera_registry.facts import Change
from camera_registry.figures import Group
from camera_registry.findings import Evidence
from camera_registry.funding.entries import UNALLOCATED
from camera_registry.funding.words import COMPONENTS, DUTIES, FORMS, PAPERS, SOURCES
from camera_registry.funding.words import KINDS as ENTRY_KINDS
from camera_registry.funding.words import STATES as ENTRY_STATES
from camera_registry.funding.words import UNALLOCATED as NOT_ALLOCATED
from camera_registry.grades import Grade
from camera_registry.i18n import N_, Language, translate
from camera_registry.imports.columns import BY_FIELD
from camera_registry.maintenance import ScopeKind
from camera_registry.notices import Fault
from camera_registry.power_cuts import Doubt
from camera_registry.register_words import DEVICE_KINDS, FUNDINGS, REACHES, REPORTED, SCOPES, WINDOWS
from camera_registry.repairs.words import PAYERS
from camera_registry.repairs.words import STATES as REPAIR_STATES
from camera_registry.reports import schedules
from camera_registry.rollout import Ending, Stage
from camera_registry.windows import Phase, Repeats
from camera_registry.words import MODES, OUTCOMES, REASONS, STANDINGS
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
    Action.SITE_DELIVERED: N_("Who asks the site's eyes set"),
    Action.TARGETS_FETCHED: N_("Targets fetched by the site's machine"),
    Action.UNITS_LOADED: N_("Units loaded"),
    Action.SITE_ADDED: N_("Site added"),
    Action.CREDENTIAL_SAVED: N_("Credential set saved"),
    Action.CREDENTIAL_ERASED: N_("Credential set erased"),
    Action.CREDENTIALS_RESEALED: N_("Credential sets sealed anew"),
    Action.IMPORTED: N_("File imported"),
    Action.EXPORTED: N_("Exported"),
    Action.BACKED_UP: N_("Backup written"),
    Action.RESTORED: N_("Registry restored from a backup"),
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
    Action.INCIDENT_LINK_OPENED: N_("Link of a message opened"),
    Action.SIGNED_OUT: N_("Signed out everywhere"),
    Action.SIGNED_IN: N_("Signed in"),
    Action.CHANNEL_ADDED: N_("Channel of messages added"),
    Action.CHANNEL_CHANGED: N_("Channel of messages changed"),
    Action.CHANNEL_STOPPED: N_("Channel of messages stopped"),
    Action.CHANNEL_TRIED: N_("Channel of messages tested"),
    Action.CHANNEL_LINK_ASKED: N_("Link code made for a chat"),
    Action.CHANNEL_LINKED: N_("Chat linked to a channel"),
    Action.MESSAGE_RESENT: N_("Message sent again"),
    Action.SUBSCRIPTION_ADDED: N_("Subscription made"),
    Action.SUBSCRIPTION_CHANGED: N_("Subscription changed"),
    Action.SUBSCRIPTION_ENDED: N_("Subscription ended"),
    Action.PROGRAMME_SAVED: N_("Programme saved"),
    Action.CONTRIBUTOR_SAVED: N_("Contributor saved"),
    Action.MONEY_ENTERED: N_("Entry of the funding ledger made"),
    Action.MONEY_APPROVED: N_("Entry of the funding ledger approved"),
    Action.MONEY_REFUSED: N_("Entry of the funding ledger refused"),
    Action.DOCUMENT_ADDED: N_("Document added"),
    Action.DOCUMENT_VIEWED: N_("Document opened"),
    Action.UPKEEP_SET: N_("Warranty or maintenance contract entered"),
    Action.UPKEEP_ENDED: N_("Warranty or maintenance contract ended"),
    Action.ASSET_SAVED: N_("Asset record saved"),
    Action.REPAIR_OPENED: N_("Repair reported"),
    Action.REPAIR_MOVED: N_("Repair moved to another state"),
    Action.REPAIR_CHANGED: N_("Repair changed"),
    Action.QUOTATION_ADDED: N_("Quotation added"),
    Action.QUOTATION_CHOSEN: N_("Quotation chosen"),
    Action.PROPOSAL_SAVED: N_("Proposal for funding saved"),
    Action.PROPOSAL_SENT: N_("Proposal for funding sent"),
    Action.MADE_REPORT_ASKED: N_("Report asked for"),
    Action.MADE_REPORT_CANCELLED: N_("Report cancelled"),
    Action.MADE_REPORT_OPENED: N_("Report opened"),
    Action.REPORT_SCHEDULE_ADDED: N_("Schedule of a report made"),
    Action.REPORT_SCHEDULE_ENDED: N_("Schedule of a report ended"),
    Action.LETTERHEAD_SAVED: N_("Letterhead saved"),
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
    Permission.FUNDING: N_("See the funding ledger and who contributed"),
    Permission.MONEY: N_("Enter custody and money"),
    Permission.APPROVE: N_("Approve what others entered of money"),
    Permission.REPAIR: N_("Report repairs and move them on"),
    Permission.AUDIT: N_("See who did what"),
    Permission.PEOPLE: N_("Manage who may sign in"),
    Permission.ALERTS: N_("Say who hears of what"),
    Permission.SCRAPE: N_("Read the metrics of the whole city"),
    Permission.DELIVER: N_("Fetch the targets of its site and deliver their results"),
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

CHANNELS: Mapping[channels.Kind, str] = {
    channels.Kind.INBOX: N_("Inbox in the registry"),
    channels.Kind.EMAIL: N_("E-mail"),
    channels.Kind.WEBHOOK: N_("Webhook"),
    channels.Kind.ZALO: N_("Zalo chat"),
    channels.Kind.APPRISE: N_("Another service"),
}

HEALTHS: Mapping[Health, str] = {
    Health.WORKS: N_("works"),
    Health.SILENT: N_("nothing sent yet"),
    Health.UNLINKED: N_("not linked yet"),
    Health.FAILING: N_("failing"),
    Health.STOPPED: N_("stopped"),
}

MESSAGE_STATES: Mapping[outbox.State, str] = {
    outbox.State.WAITING: N_("Waiting to be sent"),
    outbox.State.HELD: N_("Held for a digest"),
    outbox.State.SENT: N_("Sent"),
    outbox.State.DEAD: N_("Not deliverable"),
    outbox.State.DROPPED: N_("Dropped, never sent"),
}

TOLD_IN_DIGEST = N_("Told in a digest")  # of a message that was held

# What a message is: one that routing makes, or a person who tries a channel.
MESSAGE_KINDS: Mapping[str, str] = {
    routing.Kind.OPENED: N_("It began"),
    routing.Kind.RECOVERED: N_("It is over"),
    routing.Kind.REMINDER_1D: N_("Reminder after a day"),
    routing.Kind.REMINDER_3D: N_("Reminder after three days"),
    routing.Kind.REMINDER_7D: N_("Reminder after a week"),
    routing.Kind.UNSTABLE: N_("Unsteady eyes"),
    routing.Kind.NOTICE: N_("What probes found"),
    routing.Kind.HELD: N_("Summary of what was held"),
    routing.Kind.MORNING: N_("Digest after the quiet hours"),
    routing.Kind.DAILY: N_("Digest of the day"),
    routing.Kind.WEEKLY: N_("Digest of the week"),
    trying.KIND: N_("Test"),
    schedules.KIND: N_("Report"),
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
    "discovery": N_("Search of the network"),
    "backup": N_("Backup"),
    "channel": N_("Channel of messages"),
    "message": N_("Message"),
    "subscription": N_("Subscription"),
    "letterhead": N_("Letterhead"),
    "report": N_("Report that was made"),
    "schedule": N_("Schedule of a report"),
    "money": N_("Entry of the funding ledger"),
    "programme": N_("Programme"),
    "contributor": N_("Contributor"),
    "document": N_("Document"),
    "repair": N_("Repair"),
    "proposal": N_("Proposal for repair money"),
}

# What was taken home as a file, by the first part of a subject; the kind of the file is the other.
FILES: Mapping[str, str] = {
    "audit": SUBJECTS["audit"],
    "availability": RATES["availability"],
    "baselines": N_("Baselines to approve"),
    "basis": N_("Missing basis"),
    "contributors": N_("Contributors"),
    "custody": N_("Custody of points"),
    "devices": N_("Devices with another serial number"),
    "discovery": N_("Find devices"),
    "eyes": N_("Eyes"),
    "grades": N_("Grades of pictures"),
    "import-preview": N_("Import an inventory"),
    "incidents": N_("Incidents"),
    "messages": N_("Messages"),
    "money": N_("Funding ledger"),
    "points": N_("Points"),
    "programmes": N_("Programmes"),
    "proposals": N_("Proposals"),
    "repairs": N_("Repairs"),
    "reported": N_("Reported eyes"),
    "unplaced": N_("Points without unit or position"),
    "users": N_("Users"),
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
    "phone": N_("Phone of the office"),
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
    "parent": N_("Body above"),
    "body": N_("Issuing body"),
    "symbol": N_("Symbol after the number"),
    "place": N_("Place"),
    "authority": N_("Signs on behalf of"),
    "signer_title": N_("Title of who signs"),
    "signer": N_("Who signs"),
    "recipients": N_("Recipients"),
    "format": N_("Format"),
    "canaries": N_("Canaries"),
    "delivered": N_("Asked by a machine of its own"),
    "machine": N_("Machine"),
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
    "made_at": N_("Made"),
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
    "version": N_("Version"),
    "rules_version": N_("Version of the rules"),
    "windows": N_("Windows"),
    "window": N_("Maintenance"),
    "completed": N_("Changed ones"),
    "hosts": N_("Addresses asked"),
    "interface": N_("Network card"),
    "try_ports": N_("Ports are tried"),
    "begun": N_("Units that begin"),
    "ended": N_("Units that end"),
    "placed": N_("Points that move"),
    "asked": N_("Conditions"),
    "language": N_("Language"),
    "stopped_at": N_("Stopped"),
    "dropped": N_("Messages dropped"),
    "new_address": N_("New address"),
    "channels": N_("Channels of messages"),
    "occasion": N_("What it is about"),
    "message": N_("Message"),
    "what": N_("Of what"),
    "least": N_("When it has lasted"),
    "alone": N_("A single eye: when it has lasted"),
    "unacknowledged": N_("When nobody has acknowledged it for"),
    "wide_at_once": N_("Several points or a site at once"),
    "quiet": N_("Quiet hours"),
    "per_hour": N_("Messages in an hour, at most"),
    "per_week": N_("Messages in seven days, at most"),
    "reminders": N_("Reminders after"),
    "daily": N_("A digest each day"),
    "weekly": N_("A digest each week"),
    "digest_at": N_("Digests at"),
    "backlog": N_("Eyes that never worked in the digest of the week"),
    "dated": N_("Date"),
    "budget_year": N_("Budget year"),
    "programme": N_("Programme"),
    "contributor": N_("Contributor"),
    "givers": N_("Households or others that gave it"),
    "form": N_("Form"),
    "component": N_("Component"),
    "amount": N_("Amount, đồng"),
    "shares": N_("Shares of points, đồng"),
    "documents": N_("Documents"),
    "payee": N_("Paid to"),
    "repair": N_("Repair"),
    "reverses": N_("Reverses the entry"),
    "brought_by": N_("Imported from"),
    "state": N_("State"),
    "decision": N_("Decision"),
    "decided_on": N_("Decided on"),
    "levels": N_("Level of contribution"),
    "first_year": N_("First year"),
    "last_year": N_("Last year"),
    "consent_on": N_("Consents to be named since"),
    "consent": N_("Paper of the consent"),
    "party": N_("Who must mend it"),
    "ended_at": N_("Ended"),
    "number": N_("Number"),
    "in_use_on": N_("In use since"),
    "cost": N_("Original cost, đồng"),
    "ownership": N_("Paper of ownership"),
    "issuer": N_("Issued by"),
    "title": N_("Title"),
    "size": N_("Size, bytes"),
    "sha256": N_("Hash of the copy"),
    "about": N_("What it is about"),
    "fault": N_("What is broken"),
    "payer": N_("Who pays"),
    "grounds": N_("By which paper"),
    "incident": N_("Incident"),
    "at": N_("As of"),
    "quotation": N_("Quotation"),
    "addressee": N_("Addressed to"),
    "repairs": N_("Repairs"),
    "sent_on": N_("Sent on"),
}

# The same where they mean something else: of the deeds done to one kind of subject, and of an address.
FIELDS_OF: Mapping[str, Mapping[str, str]] = {
    "maintenance": {"kind": N_("What it is"), "to": N_("Until")},
    **{of: {"kind": N_("What it is")} for of in ("money", "contributor", "document", "point")},
    "shares": {UNALLOCATED: NOT_ALLOCATED},
    "repair": {"party": N_("Who quotes")},
    "channel": {"kind": N_("Kind of channel"), "address": N_("Address")},
    "subscription": {"channel": N_("Channel of messages")},
    "message": {"kind": N_("What it is"), "channel": N_("Channel of messages")},
    "asked": {
        "q": N_("Search"),
        "phase": N_("State"),
        "standing": N_("State"),
        "kind": N_("Cause"),
        "reason": N_("Reason"),
        "acknowledged": N_("Acknowledged"),
        "period": N_("Period"),
        "first": N_("From day"),
        "last": N_("To day"),
        "group": N_("Grouped by"),
        "units_at": N_("Units as of"),
        "custody": N_("Custody"),
        "who": N_("Who"),
        "action": N_("Action"),
        "subject": N_("To what"),
        "request": N_("Request"),
    },
}

# The words for values of those that are slugs.
VALUES: Mapping[str, Mapping[str, str]] = {
    "funding": {str(slug): words for slug, words in FUNDINGS.items()},
    "grade": {str(slug): words for slug, words in GRADES.items()},
    "word": {str(slug): words for slug, words in REPORTED.items()},
    "kind": {
        **{str(slug): words for slug, words in WINDOWS.items()},
        **{str(slug): words for slug, words in DEVICE_KINDS.items()},
        **{str(slug): words for slug, words in CHANNELS.items()},
    },
    "reach": {str(slug): words for slug, words in REACHES.items()},
    "tls_check": {str(slug): words for slug, words in TLS_CHECKS.items()},
    "permissions": {str(slug): words for slug, words in PERMISSIONS.items()},
    "role": {str(slug): words for slug, words in ROLES.items()},
    "mode": {str(slug): words for slug, words in MODES.items()},
    "what": {str(slug): words for slug, words in WHATS.items()},
    "by": {
        "password": N_("Password"),
        "link": N_("Sign-in link"),
        "oidc": N_("Account at the provider"),
        "row": N_("A row of the table of moves"),
        "outline": N_("The outline of the new unit"),
    },
}
VALUES_OF: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "asked": {
        "phase": {
            "all": N_("All"),
            "open": N_("Going on"),
            "over": N_("Over"),
            "withdrawn": N_("Left out of the count"),
        },
        "standing": STANDINGS,
        "kind": {str(slug): words for slug, words in INCIDENTS.items()},
        "reason": {str(slug): words for slug, words in REASONS.items()},
        "acknowledged": {"yes": N_("yes"), "no": N_("no")},
        "group": {
            str(Group.UNIT): N_("Units"),
            str(Group.POINT): N_("Points"),
            str(Group.EYE): N_("Eyes"),
            str(Group.FUNDING): N_("Funding"),
            str(Group.SITE): N_("Sites"),
        },
        "custody": {"missing": N_("Not handed over")},
        "action": {str(slug): words for slug, words in ACTIONS.items()},
    },
    "message": {"kind": {str(slug): words for slug, words in MESSAGE_KINDS.items()}},
    "money": {
        "kind": {str(slug): words for slug, words in ENTRY_KINDS.items()},
        "form": {str(slug): words for slug, words in FORMS.items()},
        "component": {str(slug): words for slug, words in COMPONENTS.items()},
        "state": {str(slug): words for slug, words in ENTRY_STATES.items()},
    },
    "contributor": {"kind": {str(slug): words for slug, words in SOURCES.items()}},
    "document": {"kind": {str(slug): words for slug, words in PAPERS.items()}},
    "point": {"kind": {str(slug): words for slug, words in DUTIES.items()}},
    "repair": {
        "state": {str(slug): words for slug, words in REPAIR_STATES.items()},
        "payer": {str(slug or ""): words for slug, words in PAYERS.items()},
        "component": {str(slug): words for slug, words in COMPONENTS.items()},
    },
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


# How something was done by whom no account names: over a chat, by the link in a message.
WAYS: Mapping[str, str] = {
    "zalo": N_("over Zalo, channel {name}"),
    "link": N_("by the link in a message, channel {name}"),
}


def subject(text: str, language: Language) -> str:
    """What a deed was done to, or a window covers: ``eye:YB-0001-01`` is "Mắt camera YB-0001-01"."""
    kind, _, name = text.partition(":")
    if text == ScopeKind.ALL:
        return translate(SCOPES[ScopeKind.ALL], language)
    if kind in FILES and name in ("csv", "xlsx"):
        return f"{translate(FILES[kind], language)} ({name.upper()})"
    said = translate(SUBJECTS[kind], language) if kind in SUBJECTS else kind
    return f"{said} {name}".strip()


def who(text: str, language: Language) -> str:
    """Who did something: a name as it is, but of what came over a channel which: ``qua Zalo, kênh …``."""
    way, _, name = text.partition(":")
    return translate(WAYS[way], language, name=name) if name and way in WAYS else text


def field(name: str, language: Language, of: str = "") -> str:
    """What people call a value that the audit keeps of a deed done to one of the kind ``of``, or inside of
    a value of that name; a name of a newer program speaks for itself.
    """
    if name in FIELDS_OF.get(of, ()):
        return translate(FIELDS_OF[of][name], language)
    if name in BY_FIELD:
        title: str = getattr(BY_FIELD[name], language)
        return title.removesuffix(" *")
    return translate(FIELDS[name], language) if name in FIELDS else name.replace("_", " ")
