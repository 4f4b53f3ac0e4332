"""The tables. Plain rows, no behaviour; moments are aware UTC, calendar days are dates.

Reading order: units and sites, then points > devices > eyes, then credentials, then what devices say of
themselves, then what the judge keeps (conditions, transitions, instabilities, deliveries, measures,
findings), then the login budget, then what people say (baselines, grades, reports, the audit), then what
leaves the count and what was counted (maintenance, heartbeats, incidents, rollups, closed months, custody),
then people who sign in, then alerts, money, repairs and reports, then what processes tell each other. A plan
is made of the tables marked ``PLANNED``.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from camera_registry.db import PLANNED

PLANNED_TABLE: dict[str, Any] = {"info": {PLANNED: True}}


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime on every database (SQLite keeps no zone, so UTC is put back on reading)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: moments carry their zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """On SQLite, where a moment is text, it is read in one step: reports read a hundred thousand."""
        return _read if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _read(stored: str | None) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(f"{stored}+00:00")


# SQLite gives automatic row ids to INTEGER PRIMARY KEY alone.
RowId = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: Moment, dict[str, Any]: JSON, list[Any]: JSON}


# --- where: administrative units, sites -------------------------------------------------------------


class Unit(Base):
    """One version of an administrative unit. ``code`` is reused by later units: never an identity."""

    __tablename__ = "unit"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(64), unique=True)  # code-version, stable across data sets
    code: Mapped[str] = mapped_column(String(32), index=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(32))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    valid_from: Mapped[date | None]  # first day; None: before the records used
    valid_to: Mapped[date | None]  # last day, inclusive as decrees write it; None: still valid
    latitude: Mapped[float | None]  # a representative point inside
    longitude: Mapped[float | None]
    verified: Mapped[str] = mapped_column(String(100), default="")  # how far the dates and names were checked
    source: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")


class UnitSuccessor(Base):
    """``unit`` became (a part of) ``successor`` on the day after its ``valid_to``."""

    __tablename__ = "unit_successor"

    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)
    successor_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)


class Site(Base):
    """A network vantage: the place eyes are probed from, and how often its line bears it."""

    __tablename__ = "site"
    __table_args__ = PLANNED_TABLE

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    interval_s: Mapped[int] = mapped_column(default=60)  # liveness; 300 behind a VPN or a household line
    canaries: Mapped[list[Any]] = mapped_column(
        default=list, server_default="[]"
    )  # "host:port", see sites.py
    # Asked by a machine of its own, which delivers what it finds (see couriers.py); else by the registry.
    delivered: Mapped[bool] = mapped_column(default=False, server_default=false())


# --- what: points, devices, eyes --------------------------------------------------------------------


class Point(Base):
    """An installation point. Its code embeds no unit code, because units are merged and renamed."""

    __tablename__ = "point"
    __table_args__ = PLANNED_TABLE

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(300))
    address: Mapped[str] = mapped_column(String(500), default="")
    residential_group: Mapped[str] = mapped_column(String(200), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    k: Mapped[int] = mapped_column(default=1)  # served while at least k of its eyes are up or degraded
    funding: Mapped[str] = mapped_column(String(32), default="")  # see inventory.Funding
    signage: Mapped[bool | None]  # a notice that this place is filmed; None: not recorded
    required_days: Mapped[float | None]  # footage that must be kept; an eye's own number goes before
    keep_pictures_days: Mapped[int | None]  # sealed, and so long; None: pictures are not kept
    note: Mapped[str] = mapped_column(Text, default="")


class PointUnit(Base):
    """Which unit a point belongs to, and since when; the unit is the lowest of its time."""

    __tablename__ = "point_unit"
    __table_args__ = (UniqueConstraint("point_id", "valid_from"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    point_id: Mapped[int] = mapped_column(ForeignKey("point.id", ondelete="CASCADE"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    valid_from: Mapped[date | None]  # None: from the beginning


class Device(Base):
    """Hardware: a camera or a recorder. Without ``host`` no network reaches it."""

    __tablename__ = "device"
    __table_args__ = PLANNED_TABLE

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    point_id: Mapped[int] = mapped_column(ForeignKey("point.id"), index=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16), default="camera")  # see inventory.DeviceKind
    manufacturer: Mapped[str] = mapped_column(String(100), default="")
    model: Mapped[str] = mapped_column(String(100), default="")
    serial: Mapped[str] = mapped_column(String(100), default="")
    firmware: Mapped[str] = mapped_column(String(100), default="")
    imported_on: Mapped[date | None]  # date of import or purchase (QCVN 135:2024 binds from 2026)
    certificate: Mapped[str] = mapped_column(String(100), default="")  # certificate of conformity
    host: Mapped[str | None] = mapped_column(String(255))
    port: Mapped[int] = mapped_column(default=554)
    tls: Mapped[bool] = mapped_column(default=False)
    web_port: Mapped[int | None]  # None: 80, with TLS 443
    web_tls: Mapped[bool] = mapped_column(default=False)
    onvif_port: Mapped[int | None]  # None: ONVIF is not asked
    tls_check: Mapped[str] = mapped_column(String(16), default="none")  # see probes.result.TlsCheck
    tls_pin: Mapped[str] = mapped_column(String(64), default="")  # SHA-256 of the certificate, hexadecimal
    basic_allowed: Mapped[bool] = mapped_column(default=False)  # Basic sends the password in clear
    credential_id: Mapped[int | None] = mapped_column(ForeignKey("credential.id"))
    onvif_credential_id: Mapped[int | None] = mapped_column(ForeignKey("credential.id"))  # None: the same
    sessions: Mapped[int | None]  # at a time; None: 1 for a camera, 2 for a recorder
    sub_stream: Mapped[str] = mapped_column(String(16), default="sub")  # see inventory.StreamChoice


class DevicePace(Base):
    """How often a device is asked: computed by the monitor, kept apart from what people say of the device."""

    __tablename__ = "device_pace"

    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), primary_key=True)
    probe_s: Mapped[float | None]  # learned length of one session, seconds
    effective_interval_s: Mapped[float]  # at which each of its eyes is asked


class Eye(Base):
    """One "mắt camera": a channel with its own stream; what the city counts."""

    __tablename__ = "eye"
    __table_args__ = PLANNED_TABLE

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), index=True)
    name: Mapped[str] = mapped_column(String(300), default="")
    channel: Mapped[int] = mapped_column(default=1)
    path: Mapped[str | None] = mapped_column(String(500))  # RTSP path and query, without credentials
    snapshot_path: Mapped[str | None] = mapped_column(String(500))
    purpose: Mapped[str] = mapped_column(String(200), default="")
    ptz: Mapped[bool] = mapped_column(default=False)  # it turns: never "moved"
    required_days: Mapped[float | None]  # footage that must be kept; None: the point's number
    reach: Mapped[str] = mapped_column(String(16), default="network")  # network | reported
    commissioned_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]  # since when it may be probed: importing probes nothing
    # A household's eye: on which paper we may look, and until when.
    access_document: Mapped[str] = mapped_column(String(300), default="")
    access_date: Mapped[date | None]
    access_until: Mapped[date | None]
    access_withdrawn_at: Mapped[datetime | None]


class Suspension(Base):
    """A time out of service, half-open; open-ended while ``to_at`` is None."""

    __tablename__ = "suspension"
    __table_args__ = PLANNED_TABLE

    id: Mapped[int] = mapped_column(primary_key=True)
    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"), index=True)
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(300), default="")


class Credential(Base):
    """A named set of login data, sealed. Only ``credentials.py`` can open it.

    A device names its own set; otherwise the set that names its site and manufacturer serves it, then
    one that names its site alone, then one that names its manufacturer alone.
    """

    __tablename__ = "credential"
    __table_args__ = PLANNED_TABLE

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    manufacturer: Mapped[str | None] = mapped_column(String(100))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # None: erased
    changed_at: Mapped[datetime]


class ColumnMapping(Base):
    """A header that a person matched to a field once; remembered for the next workbook."""

    __tablename__ = "column_mapping"

    header: Mapped[str] = mapped_column(String(200), primary_key=True)  # folded: see imports.fold
    field: Mapped[str] = mapped_column(String(64))


# --- what devices say of themselves. Written by facts.py ---------------------------------------------


class DeviceFacts(Base):
    """The newest reading of a device: what it says it is, and the channels it has."""

    __tablename__ = "device_facts"

    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"), primary_key=True)
    read_at: Mapped[datetime]
    manufacturer: Mapped[str] = mapped_column(String(100), default="")
    model: Mapped[str] = mapped_column(String(100), default="")
    firmware: Mapped[str] = mapped_column(String(100), default="")
    serial: Mapped[str] = mapped_column(String(100), default="")
    channels: Mapped[list[Any]] = mapped_column(default=list)
    notes: Mapped[list[Any]] = mapped_column(default=list)


class DeviceEvent(Base):
    """A device is not what it was. One with another serial number waits for a person."""

    __tablename__ = "device_event"
    __table_args__ = (Index(None, "device_id", "at"), PLANNED_TABLE)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))  # see facts.Change
    before: Mapped[str] = mapped_column(String(100))
    after: Mapped[str] = mapped_column(String(100))
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str] = mapped_column(String(100), default="")


# --- how it is: the judge's tables. Written by ingest.py alone --------------------------------------


class Condition(Base):
    """Where one check of one eye stands: the state machine's memory between results."""

    __tablename__ = "condition"

    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"), primary_key=True)
    check: Mapped[str] = mapped_column(String(16), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(48))
    heard_at: Mapped[datetime | None]  # time of the newest result
    interval_s: Mapped[float]  # effective interval that result was asked at
    silent_at: Mapped[datetime | None] = mapped_column(index=True)  # when silence becomes due
    suspect_since: Mapped[datetime | None]
    suspect_reason: Mapped[str | None] = mapped_column(String(48))
    failures: Mapped[int] = mapped_column(default=0)
    good_since: Mapped[datetime | None]
    goods: Mapped[int] = mapped_column(default=0)


class EyeState(Base):
    """The derived state of an eye, and what its newest probe saw. One row per eye ever probed."""

    __tablename__ = "eye_state"

    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime | None]  # None: no transition yet, unknown from the beginning
    reason: Mapped[str] = mapped_column(String(48))
    first_ok_at: Mapped[datetime | None]  # never yet: the eye stands in the backlog
    probed_at: Mapped[datetime | None]
    probe_s: Mapped[float | None]
    depth: Mapped[str | None] = mapped_column(String(16))
    notes: Mapped[list[Any]] = mapped_column(default=list)
    rungs: Mapped[list[Any]] = mapped_column(default=list)
    media: Mapped[dict[str, Any] | None]
    memory: Mapped[dict[str, Any]] = mapped_column(default=dict)
    transcript: Mapped[str] = mapped_column(Text, default="")  # of the last probe that did not end ok
    transcript_at: Mapped[datetime | None]  # when that probe began


class Transition(Base):
    """One change of state: the ledger, and the event that alerts and reports read.

    ``ledger`` names a check, or ``eye`` for the derived state. The state holds from ``at`` until the
    next row's ``at``.
    """

    __tablename__ = "transition"
    __table_args__ = (
        UniqueConstraint("eye_id", "ledger", "at"),
        Index(None, "at"),
        CheckConstraint("before <> after", name="changes"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"))
    ledger: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    before: Mapped[str] = mapped_column(String(16))
    after: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(48))
    recorded_at: Mapped[datetime]


class EyeMeasures(Base):
    """What deep probes and surveys measured of an eye, each group as of its own moment."""

    __tablename__ = "eye_measures"

    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"), primary_key=True)
    picture_at: Mapped[datetime | None]
    picture_s: Mapped[float | None]  # what it cost to measure
    picture_changed_at: Mapped[datetime | None]  # since when it shows the same
    mode: Mapped[str | None] = mapped_column(String(16))  # see probes.result.Mode
    width: Mapped[int | None]
    height: Mapped[int | None]
    brightness: Mapped[float | None]
    contrast: Mapped[float | None]
    sharpness: Mapped[float | None]
    similarity: Mapped[float | None]
    snapshot_at: Mapped[datetime | None]
    snapshot_s: Mapped[float | None]
    snapshot_changed_at: Mapped[datetime | None]
    clock_at: Mapped[datetime | None]
    clock_s: Mapped[float | None]
    clock_offset_s: Mapped[float | None]
    recorded_at: Mapped[datetime | None]
    recorded_days: Mapped[float | None]


class EyeSample(Base):
    """What was measured of an eye in one probe that decoded, for the curves of a week; deleted after it."""

    __tablename__ = "eye_sample"
    __table_args__ = ({"sqlite_with_rowid": False},)

    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    seconds: Mapped[float | None]  # from the connection until the first packet of the stream
    bits_per_s: Mapped[float | None]
    clock_offset_s: Mapped[float | None]
    sharpness: Mapped[float | None]


class Finding(Base):
    """A weakness that a probe proved; open until a probe that would have seen it does not."""

    __tablename__ = "finding"
    __table_args__ = (UniqueConstraint("eye_id", "reason", "first_at"), Index(None, "gone_at"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(String(48))
    evidence: Mapped[str] = mapped_column(String(16))  # see findings.Evidence
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]


class Instability(Base):
    """A suspicion that was not confirmed: nothing was down, but it is remembered."""

    __tablename__ = "instability"
    __table_args__ = (UniqueConstraint("eye_id", "check", "at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"))
    check: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(48))


class Delivery(Base):
    """A batch of results as it was delivered, packed; kept for the lateness window.

    The key makes delivery idempotent; the contents let a late result be judged at its own time.
    """

    __tablename__ = "delivery"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    received_at: Mapped[datetime]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime] = mapped_column(index=True)
    packed: Mapped[bytes] = mapped_column(LargeBinary)


class LoginBudget(Base):
    """What is left of the tries one device grants one credential (see ``probes.logins``)."""

    __tablename__ = "login_budget"

    site: Mapped[str] = mapped_column(String(64), primary_key=True)
    device: Mapped[str] = mapped_column(String(300), primary_key=True)
    credential: Mapped[str] = mapped_column(String(64), primary_key=True)
    status: Mapped[str] = mapped_column(String(16))
    reserved_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    rejected_at: Mapped[list[Any]] = mapped_column(default=list)  # ISO moments, newest last
    not_before: Mapped[datetime | None]


# --- what people say: baselines, grades, reports; and who did what ----------------------------------


class PictureSample(Base):
    """One usable picture's figures, towards a baseline; no picture can be made of them again."""

    __tablename__ = "picture_sample"

    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    mode: Mapped[str] = mapped_column(String(16))
    brightness: Mapped[float]
    contrast: Mapped[float]
    sharpness: Mapped[float]
    edges: Mapped[bytes] = mapped_column(LargeBinary)


class Baseline(Base):
    """What an eye usually sees in one mode. Nothing is compared with it before a person approved it."""

    __tablename__ = "baseline"
    __table_args__ = (Index(None, "eye_id", "mode"), PLANNED_TABLE)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"))
    mode: Mapped[str] = mapped_column(String(16))
    brightness: Mapped[float]
    contrast: Mapped[float]
    sharpness: Mapped[float]
    edges: Mapped[bytes] = mapped_column(LargeBinary)
    samples: Mapped[int]
    proposed_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[str] = mapped_column(String(100), default="")
    withdrawn_at: Mapped[datetime | None]  # rejected, or reset


class PictureGrade(Base):
    """How a person found the picture of an eye."""

    __tablename__ = "grade"
    __table_args__ = (Index(None, "eye_id", "at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    grade: Mapped[str] = mapped_column(String(16))  # see grades.Grade
    by: Mapped[str] = mapped_column(String(100))
    note: Mapped[str] = mapped_column(Text, default="")


class ReportWord(Base):
    """A person's dated word on an eye that no network reaches; no part of any measured figure."""

    __tablename__ = "report_word"
    __table_args__ = (UniqueConstraint("eye_id", "at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    word: Mapped[str] = mapped_column(String(16))  # see reported.Word
    by: Mapped[str] = mapped_column(String(100))
    note: Mapped[str] = mapped_column(Text, default="")
    expires_at: Mapped[datetime]


class KeptPicture(Base):
    """A picture kept because its point says so: sealed, and gone when it expires."""

    __tablename__ = "kept_picture"
    __table_args__ = (UniqueConstraint("eye_id", "at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Audit(Base):
    """Who did what, from where, to what: written in the transaction of the deed.

    Never changed, never deleted: triggers of the database see to it.
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(index=True)
    who: Mapped[str] = mapped_column(String(100))
    origin: Mapped[str] = mapped_column(String(100))  # "cli", or the address a request came from
    action: Mapped[str] = mapped_column(String(48))  # see audit.Action
    subject: Mapped[str] = mapped_column(String(200), index=True)  # "eye:YB-0001-01", "device:…"
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    request_id: Mapped[str] = mapped_column(String(64), default="")
    reason: Mapped[str] = mapped_column(Text, default="")


# --- what leaves the count, and what was counted ------------------------------------------------------


class Maintenance(Base):
    """A window that leaves both sides of every fraction: work that was planned, or a power cut.

    It lasts from ``from_at`` until ``to_at``, and again by ``recurrence`` (an RRULE of RFC 5545, told in
    the registry's zone). Never deleted: ``withdrawn_at`` takes it back.
    """

    __tablename__ = "maintenance"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))  # see maintenance.Kind
    from_at: Mapped[datetime] = mapped_column(index=True)
    to_at: Mapped[datetime]
    recurrence: Mapped[str] = mapped_column(String(300), default="")  # "": once
    reason: Mapped[str] = mapped_column(Text)
    entered_at: Mapped[datetime]
    entered_by: Mapped[str] = mapped_column(String(100))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str] = mapped_column(String(100), default="")
    notice: Mapped[str] = mapped_column(Text, default="")  # the text it was read from, as it was pasted


class MaintenanceScope(Base):
    """What a window covers. A unit covers the eyes that belong to it at that moment."""

    __tablename__ = "maintenance_scope"
    __table_args__ = (UniqueConstraint("maintenance_id", "kind", "ref_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    maintenance_id: Mapped[int] = mapped_column(ForeignKey("maintenance.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))  # see maintenance.ScopeKind
    ref_id: Mapped[int | None]  # of the eye, device, point, unit or site; None: everything


class Heartbeat(Base):
    """A time in which a site was heard without a gap; between two rows it was lost."""

    __tablename__ = "heartbeat"
    __table_args__ = (UniqueConstraint("site_id", "from_at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"))
    from_at: Mapped[datetime]
    to_at: Mapped[datetime]  # the newest beat
    every_s: Mapped[float]


class Courier(Base):
    """The machine that asks the eyes of a delivered site: whoever was heard last. See couriers.py."""

    __tablename__ = "courier"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id", ondelete="CASCADE"), primary_key=True)
    machine: Mapped[str] = mapped_column(String(32))  # a name it made for itself, at random
    heard_at: Mapped[datetime]


class Incident(Base):
    """One cause that people should hear about once. Derived from the ledgers; written by incident_book.py.

    What the ledgers no longer bear out keeps its row, and is ``withdrawn_at``.
    """

    __tablename__ = "incident"
    __table_args__ = (Index(None, "started_at"), Index(None, "ended_at"), Index(None, "changed_at"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))  # see incidents.Kind
    ancestor_id: Mapped[int]  # of the eye, device, point, unit (also of an area) or site
    started_at: Mapped[datetime]
    announced_at: Mapped[datetime]  # when its window had passed: nobody hears of it before
    ended_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    changed_at: Mapped[datetime | None]  # when this row was last made to differ; None: before that was kept

    members: Mapped[list["IncidentEye"]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="IncidentEye.from_at"
    )


class IncidentDue(Base):
    """The ledger of this eye has changed from ``since`` on, and its incidents are not told anew yet."""

    __tablename__ = "incident_due"

    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"), primary_key=True)
    since: Mapped[datetime]


class IncidentFold(Base):
    """One row: what incidents were told from when they were told last, besides the ledgers."""

    __tablename__ = "incident_fold"

    id: Mapped[int] = mapped_column(primary_key=True)
    basis: Mapped[str] = mapped_column(String(32))  # a hash: see incident_book.py
    folded_at: Mapped[datetime]


class IncidentEye(Base):
    """An eye's outage as a part of an incident, from its beginning until the eye was back."""

    __tablename__ = "incident_eye"

    incident_id: Mapped[int] = mapped_column(ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True)
    eye_id: Mapped[int] = mapped_column(
        ForeignKey("eye.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    from_at: Mapped[datetime] = mapped_column(primary_key=True)
    to_at: Mapped[datetime | None]


class Counted:
    """The columns of a tally (see ``uptime.Tally``), in microseconds, outages and blips in numbers."""

    up: Mapped[int] = mapped_column(BigInteger)
    degraded: Mapped[int] = mapped_column(BigInteger)
    down: Mapped[int] = mapped_column(BigInteger)
    unknown: Mapped[int] = mapped_column(BigInteger)
    maintenance: Mapped[int] = mapped_column(BigInteger)
    not_in_service: Mapped[int] = mapped_column(BigInteger)
    usable: Mapped[int] = mapped_column(BigInteger)
    unusable: Mapped[int] = mapped_column(BigInteger)
    down_judged: Mapped[int] = mapped_column(BigInteger)  # down while pictures are judged
    snapshot_ok: Mapped[int] = mapped_column(BigInteger)
    snapshot_failing: Mapped[int] = mapped_column(BigInteger)
    clock_ok: Mapped[int] = mapped_column(BigInteger)
    clock_failing: Mapped[int] = mapped_column(BigInteger)
    recording_ok: Mapped[int] = mapped_column(BigInteger)
    recording_failing: Mapped[int] = mapped_column(BigInteger)


class Rollup(Counted, Base):
    """What one eye did on one day of the registry's zone: a cache that can be made again, see rollups.py.

    It holds while its row stands and ``basis`` is what it would be now: a change of a ledger deletes the
    rows after it, and ``basis`` stands for everything else that the day was counted from.
    """

    __tablename__ = "rollup"
    __table_args__ = (
        Index(None, "eye_id", "until"),
        {"sqlite_with_rowid": False},  # months are summed in the order in which they lie
    )

    month: Mapped[date] = mapped_column(primary_key=True)  # its first day
    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"), primary_key=True)
    until: Mapped[datetime] = mapped_column(primary_key=True)  # the end of the day
    basis: Mapped[int] = mapped_column(BigInteger)
    blips: Mapped[int]


class Closing(Base):
    """A month as it was closed (version 0) or amended (1, 2, …).

    Neither it nor its figures are ever changed or deleted: triggers of the database see to it.
    """

    __tablename__ = "closing"
    __table_args__ = (UniqueConstraint("month", "version"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    month: Mapped[date]  # its first day
    version: Mapped[int]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text, default="")
    rules_version: Mapped[int]
    inputs_hash: Mapped[str] = mapped_column(String(64))  # SHA-256, hexadecimal: what it was counted from
    figures_hash: Mapped[str] = mapped_column(String(64))  # the same, of what came of it
    windows: Mapped[list[Any]] = mapped_column(default=list)  # the maintenance that was left out


class ClosedFigure(Counted, Base):
    """What one eye did in a closed month while its point belonged to one unit."""

    __tablename__ = "closed_figure"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    closing_id: Mapped[int] = mapped_column(ForeignKey("closing.id"), index=True)
    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    outages: Mapped[int]
    ended_outages: Mapped[int]
    ended_down: Mapped[int] = mapped_column(BigInteger)  # of those that ended, together; microseconds
    longest_down: Mapped[int] = mapped_column(BigInteger)  # of any of them
    blips: Mapped[int]


class ClosedPoint(Base):
    """For how long a point was served in a closed month while it belonged to one unit; microseconds."""

    __tablename__ = "closed_point"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    closing_id: Mapped[int] = mapped_column(ForeignKey("closing.id"), index=True)
    point_id: Mapped[int] = mapped_column(ForeignKey("point.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    served: Mapped[int] = mapped_column(BigInteger)
    not_served: Mapped[int] = mapped_column(BigInteger)
    unknown: Mapped[int] = mapped_column(BigInteger)


class Custody(Base):
    """Who manages a point and who pays for its power and line, and since when; on which paper."""

    __tablename__ = "custody"
    __table_args__ = (UniqueConstraint("point_id", "valid_from"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    point_id: Mapped[int] = mapped_column(ForeignKey("point.id", ondelete="CASCADE"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # last day; None: still
    manager: Mapped[str] = mapped_column(String(200))
    electricity: Mapped[str] = mapped_column(String(200), default="")  # who pays
    internet: Mapped[str] = mapped_column(String(200), default="")
    handed_over_on: Mapped[date | None]  # None: it was never handed over in form
    document: Mapped[str] = mapped_column(String(300), default="")  # number and date of the minutes
    phone: Mapped[str] = mapped_column(String(50), default="")  # of the office that answers for it


# --- people who sign in -------------------------------------------------------------------------------


class User(Base):
    """Somebody who may sign in. Never deleted, so that the audit's names stay somebody's: ``disabled_at``."""

    __tablename__ = "registry_user"  # "user" is a word of SQL

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)  # to sign in with, in small letters
    shown_name: Mapped[str] = mapped_column(String(200), default="")
    role: Mapped[str] = mapped_column(String(16))  # see auth.roles.Role
    everywhere: Mapped[bool] = mapped_column(default=False)  # otherwise: the units of user_unit
    password_hash: Mapped[str] = mapped_column(Text, default="")  # argon2id; "": signs in by link or OIDC
    subject: Mapped[str | None] = mapped_column(String(255), unique=True)  # of the OIDC provider
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))
    disabled_at: Mapped[datetime | None]


class UserUnit(Base):
    """One unit, of old or of today, whose eyes a user may see: its own, and those of what it became."""

    __tablename__ = "user_unit"

    user_id: Mapped[int] = mapped_column(ForeignKey("registry_user.id", ondelete="CASCADE"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)


class WebSession(Base):
    """A browser in which somebody has signed in. Its cookie holds the token; here is the token's SHA-256."""

    __tablename__ = "web_session"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("registry_user.id", ondelete="CASCADE"), index=True)
    begun_at: Mapped[datetime]
    seen_at: Mapped[datetime]  # to the minute
    expires_at: Mapped[datetime] = mapped_column(index=True)
    origin: Mapped[str] = mapped_column(String(100))
    agent: Mapped[str] = mapped_column(String(200), default="")
    by_link: Mapped[bool] = mapped_column(default=False)  # signed in by a one-time link, without a password


class SignInLink(Base):
    """A link that signs somebody in once: the first administrator, a new user, a forgotten password."""

    __tablename__ = "sign_in_link"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("registry_user.id", ondelete="CASCADE"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class SignInFailure(Base):
    """How often signing in has failed of late, by name and by address: what throttles the next try."""

    __tablename__ = "sign_in_failure"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)  # see auth.throttle
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)


class ApiToken(Base):
    """A program's way in: what its owner may see, and of what the owner may do what was granted to it."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("registry_user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    permissions: Mapped[list[Any]]  # see auth.roles.Permission
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))  # the one it delivers results of
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]  # to the hour
    revoked_at: Mapped[datetime | None]


class IncidentNote(Base):
    """What a person did about an incident, or said of it. Never changed, never deleted."""

    __tablename__ = "incident_note"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incident.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))  # see handling.Deed
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(Text, default="")
    maintenance_id: Mapped[int | None] = mapped_column(ForeignKey("maintenance.id"))  # of a power cut


# --- alerts: who hears of what. Written by alerts/ ----------------------------------------------------


class AlertChannel(Base):
    """A way to reach somebody: an address, which is a secret, and the language spoken there."""

    __tablename__ = "alert_channel"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    kind: Mapped[str] = mapped_column(String(16))  # see alerts.channels.Kind
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))  # whose it is; None: the city desk's
    language: Mapped[str] = mapped_column(String(2))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # the address; None: inbox, or not linked yet
    shown: Mapped[str] = mapped_column(String(200), default="")  # as much of it as people may read
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))
    stopped_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]  # nothing that was sent since then has arrived
    error: Mapped[str] = mapped_column(String(200), default="")  # of the newest try, without the address


class Subscription(Base):
    """What a channel is told, of which eyes: those of a unit, of a site, or (neither) of the whole city."""

    __tablename__ = "subscription"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("alert_channel.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    rules: Mapped[dict[str, Any]]  # see alerts.rules.Rules
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))
    ended_at: Mapped[datetime | None]


class AlertCursor(Base):
    """One row: how far incidents and transitions have been read for alerts."""

    __tablename__ = "alert_cursor"

    id: Mapped[int] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]  # nobody is told of what began earlier
    at: Mapped[datetime]  # whatever was recorded by then has been routed


class Message(Base):
    """The outbox: what is to be said over a channel, and what became of it.

    About one occasion a channel hears each kind of message once: the three are a key.
    """

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("channel_id", "occasion", "kind"),
        Index(None, "state", "due_at"),
        Index(None, "made_at"),
        Index(None, "channel_id", "id"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("alert_channel.id"))
    subscription_id: Mapped[int | None] = mapped_column(ForeignKey("subscription.id"))
    occasion: Mapped[str] = mapped_column(String(64))  # what it is about: incident:12, digest:2026-09-01
    kind: Mapped[str] = mapped_column(String(16))  # see alerts.routing.Kind
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incident.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))  # that it is for; None: the city desk
    made_at: Mapped[datetime]
    due_at: Mapped[datetime]  # not sent before
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    told: Mapped[dict[str, Any]]  # the same as data, for programs: see docs/webhook.md
    report_id: Mapped[int | None] = mapped_column(ForeignKey("made_report.id"))  # the file that goes with it
    state: Mapped[str] = mapped_column(String(16))  # see alerts.outbox.State
    tries: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]  # somebody is sending it
    sent_at: Mapped[datetime | None]  # of what is held: when the digest was made that tells it
    error: Mapped[str] = mapped_column(String(200), default="")  # of the newest try, without the address


class IncidentLink(Base):
    """A link that shows one incident to whoever got the message, in one browser, without signing in."""

    __tablename__ = "incident_link"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id", ondelete="CASCADE"), index=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incident.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    opened_at: Mapped[datetime | None]
    browser_hash: Mapped[str] = mapped_column(String(64), default="")  # SHA-256 of its cookie, once opened


class LinkCode(Base):
    """A code that somebody sends to our bot once, so that we know where to write to: ``LIENKET 12345678``."""

    __tablename__ = "link_code"

    code_hash: Mapped[str] = mapped_column(
        String(64), primary_key=True
    )  # SHA-256, with the key of credentials
    channel_id: Mapped[int] = mapped_column(ForeignKey("alert_channel.id", ondelete="CASCADE"), index=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Reply(Base):
    """What somebody wrote back over a channel, and what we answered. Each is acted on once."""

    __tablename__ = "reply"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(100), unique=True)  # as the service names it
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("alert_channel.id"))  # None: nobody we know
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(String(500))
    answer: Mapped[str] = mapped_column(String(500), default="")


# --- money: who paid for what. Written by funding/ and repairs/ ------------------------------------------


class Programme(Base):
    """What money was set aside for: its decision and its years. Its sums are those of its entries."""

    __tablename__ = "programme"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(300))
    decision: Mapped[str] = mapped_column(String(300), default="")  # its number, and who took it
    decided_on: Mapped[date | None]
    levels: Mapped[str] = mapped_column(String(300), default="")  # what each was to give: a household, a shop
    first_year: Mapped[int | None]
    last_year: Mapped[int | None]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))  # whose it is; None: the city's
    note: Mapped[str] = mapped_column(Text, default="")
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))


class Contributor(Base):
    """Who gave money, things or work: a level of the State's budget, or somebody of the people.

    A private person is named to residents only by consent; without it as a household of a group.
    """

    __tablename__ = "contributor"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))  # see funding.kinds.Source
    name: Mapped[str] = mapped_column(String(200))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)  # None: the city's
    residential_group: Mapped[str] = mapped_column(String(200), default="")
    consent_on: Mapped[date | None]  # to be named to residents; None: not given
    consent: Mapped[str] = mapped_column(String(300), default="")  # on which paper
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))


_WHERE_NOT_REFUSED: dict[str, Any] = dict.fromkeys(
    ("sqlite_where", "postgresql_where"), text("state <> 'refused'")
)


class MoneyEntry(Base):
    """One line of the funding ledger, entered by one person and approved by another.

    Never deleted, and final once decided: triggers of the database see to it. A mistake is reversed by an
    entry of its own. ``amount`` is the sum of its shares; ``None``: nobody knows it, which is not nothing.
    """

    __tablename__ = "money_entry"
    __table_args__ = (
        CheckConstraint(
            "state <> 'approved' OR (decided_by <> '' AND decided_by <> made_by)", name="two_people"
        ),
        Index(None, "state", "dated"),
        # An entry is reversed once; a reversal that was refused leaves room for another.
        Index("uq_money_entry_reversed", "reverses_id", unique=True, **_WHERE_NOT_REFUSED),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))  # see funding.kinds.Kind
    dated: Mapped[date]
    budget_year: Mapped[int]
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("programme.id"), index=True)
    contributor_id: Mapped[int | None] = mapped_column(ForeignKey("contributor.id"), index=True)
    givers: Mapped[int | None]  # households, or others, that gave this together; None: not recorded
    form: Mapped[str] = mapped_column(String(16))  # see funding.kinds.Form
    component: Mapped[str] = mapped_column(String(16), default="")  # of what is estimated or spent
    amount: Mapped[int | None] = mapped_column(BigInteger)  # đồng
    payee: Mapped[str] = mapped_column(String(200), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    repair_id: Mapped[int | None] = mapped_column(ForeignKey("repair.id"), index=True)
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("money_entry.id"))
    brought_by: Mapped[str] = mapped_column(String(300), default="")  # file and row that it was imported from
    state: Mapped[str] = mapped_column(String(16))  # see funding.kinds.State
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(String(100), default="")
    decision: Mapped[str] = mapped_column(Text, default="")  # why it was refused


class MoneyShare(Base):
    """What of an entry is one point's. Never changed: a waiting entry is refused, and made anew."""

    __tablename__ = "money_share"
    __table_args__ = (UniqueConstraint("entry_id", "point_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("money_entry.id"))
    point_id: Mapped[int | None] = mapped_column(ForeignKey("point.id"), index=True)  # None: not yet any's
    amount: Mapped[int | None] = mapped_column(BigInteger)


class Document(Base):
    """A paper, or a picture of what is broken: number and date; its content, where it was given, sealed."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(16))  # see funding.kinds.Paper
    number: Mapped[str] = mapped_column(String(100), default="")
    dated: Mapped[date | None]
    issuer: Mapped[str] = mapped_column(String(200), default="")
    title: Mapped[str] = mapped_column(String(300), default="")
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    media_type: Mapped[str] = mapped_column(String(50), default="")
    size: Mapped[int | None]  # bytes
    sha256: Mapped[str] = mapped_column(String(64), default="")
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))


class DocumentUse(Base):
    """What a document is about: exactly one of the four."""

    __tablename__ = "document_use"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), index=True)
    programme_id: Mapped[int | None] = mapped_column(ForeignKey("programme.id"), index=True)
    point_id: Mapped[int | None] = mapped_column(ForeignKey("point.id"), index=True)
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("money_entry.id"), index=True)
    repair_id: Mapped[int | None] = mapped_column(ForeignKey("repair.id"), index=True)


class Upkeep(Base):
    """Who must mend a point for nothing, or by contract, from one day to another."""

    __tablename__ = "upkeep"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    point_id: Mapped[int] = mapped_column(ForeignKey("point.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))  # see funding.kinds.Duty: warranty | maintenance
    party: Mapped[str] = mapped_column(String(200))
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]  # last day; None: not recorded
    document: Mapped[str] = mapped_column(String(300), default="")
    phone: Mapped[str] = mapped_column(String(50), default="")  # of the office
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))
    ended_at: Mapped[datetime | None]  # taken back, as entered wrongly or ended early


class Asset(Base):
    """A point as the books of assets have it: a system that works as a whole is one asset."""

    __tablename__ = "asset"

    point_id: Mapped[int] = mapped_column(ForeignKey("point.id"), primary_key=True, autoincrement=False)
    number: Mapped[str] = mapped_column(String(64), default="")
    in_use_on: Mapped[date | None]
    cost: Mapped[int | None] = mapped_column(BigInteger)  # đồng, as the books have it; None: not known
    ownership: Mapped[str] = mapped_column(String(300), default="")  # decision or minutes that make it public
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))


class Repair(Base):
    """Something of a point that is to be mended; its present state is that of its newest step."""

    __tablename__ = "repair"
    __table_args__ = (Index(None, "state", "opened_at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    point_id: Mapped[int] = mapped_column(ForeignKey("point.id"), index=True)
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incident.id"), index=True)
    state: Mapped[str] = mapped_column(String(20))  # see repairs.State
    component: Mapped[str] = mapped_column(String(16), default="")  # see funding.kinds.Component
    fault: Mapped[str] = mapped_column(Text)
    payer: Mapped[str] = mapped_column(String(16), default="")  # see repairs.Payer; "": nobody yet
    grounds: Mapped[str] = mapped_column(String(300), default="")  # on which paper that payer pays
    opened_at: Mapped[datetime]
    opened_by: Mapped[str] = mapped_column(String(100))


class RepairEye(Base):
    """An eye that a repair is to bring back."""

    __tablename__ = "repair_eye"

    repair_id: Mapped[int] = mapped_column(ForeignKey("repair.id"), primary_key=True)
    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id"), primary_key=True)


class RepairStep(Base):
    """When a repair came into a state, or was commented on. Never changed, never deleted."""

    __tablename__ = "repair_step"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    repair_id: Mapped[int] = mapped_column(ForeignKey("repair.id"), index=True)
    at: Mapped[datetime]  # when it came so; not before the step before
    state: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text, default="")
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))


class Quotation(Base):
    """What somebody asks for a repair."""

    __tablename__ = "quotation"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    repair_id: Mapped[int] = mapped_column(ForeignKey("repair.id"), index=True)
    party: Mapped[str] = mapped_column(String(200))
    amount: Mapped[int] = mapped_column(BigInteger)  # đồng
    dated: Mapped[date]
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    text: Mapped[str] = mapped_column(String(300), default="")
    chosen: Mapped[bool] = mapped_column(default=False)  # at most one of a repair
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))


class Proposal(Base):
    """Repairs that money is asked for together, in one letter."""

    __tablename__ = "proposal"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))  # who asks; None: the city
    addressee: Mapped[str] = mapped_column(String(200))
    title: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text, default="")  # what is said besides the list
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))
    sent_on: Mapped[date | None]  # None: a draft; then it is not changed any more
    number: Mapped[str] = mapped_column(String(64), default="")  # that the clerk gave it


class ProposalRepair(Base):
    """A repair in a proposal; the sum that was asked for when it was sent, and what basis it lacked then."""

    __tablename__ = "proposal_repair"

    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"), primary_key=True)
    repair_id: Mapped[int] = mapped_column(ForeignKey("repair.id"), primary_key=True)
    amount: Mapped[int | None] = mapped_column(BigInteger)  # đồng; None: no quotation yet
    missing: Mapped[str] = mapped_column(String(200), default="")  # slugs of ``funding.basis.Missing``


# --- reports: made, kept, sent. Written by reports/ ----------------------------------------------------


class Letterhead(Base):
    """How an organisation heads and signs its documents."""

    __tablename__ = "letterhead"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), unique=True)  # None: the city desk
    parent: Mapped[str] = mapped_column(String(200), default="")
    body: Mapped[str] = mapped_column(String(200), default="")
    symbol: Mapped[str] = mapped_column(String(64), default="")  # the organisation's part: CAP of BC-CAP
    place: Mapped[str] = mapped_column(String(100), default="")
    authority: Mapped[str] = mapped_column(String(200), default="")  # TM., KT., TL. …, or blank
    signer_title: Mapped[str] = mapped_column(String(200), default="")
    signer: Mapped[str] = mapped_column(String(200), default="")  # usually left to the pen
    recipients: Mapped[str] = mapped_column(Text, default="")  # "Nơi nhận", a line each
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))


class ReportSchedule(Base):
    """A report that is made after each period, and to whom it goes."""

    __tablename__ = "report_schedule"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(24))  # see reports.value.Kind
    asked: Mapped[dict[str, Any]]  # see reports.asked.Asked
    format: Mapped[str] = mapped_column(String(8))
    language: Mapped[str] = mapped_column(String(2))
    every: Mapped[str] = mapped_column(String(8))  # month | quarter | year
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))  # whose it is; None: the city's
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("alert_channel.id"))  # None: it is only kept
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))
    ended_at: Mapped[datetime | None]
    made_until: Mapped[date | None]  # the end of the newest period that was made


class MadeReport(Base):
    """A report that somebody, or a schedule, asked for: waiting, being made, or kept until it expires."""

    __tablename__ = "made_report"
    __table_args__ = (Index(None, "state", "made_at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    schedule_id: Mapped[int | None] = mapped_column(ForeignKey("report_schedule.id"), index=True)
    kind: Mapped[str] = mapped_column(String(24))
    asked: Mapped[dict[str, Any]]
    format: Mapped[str] = mapped_column(String(8))
    language: Mapped[str] = mapped_column(String(2))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))  # who may see it: None: the whole city
    state: Mapped[str] = mapped_column(String(16))  # see reports.jobs.State
    done: Mapped[int] = mapped_column(default=0)  # of a hundred
    tries: Mapped[int] = mapped_column(default=0)  # processes that have begun to make it
    made_at: Mapped[datetime]
    made_by: Mapped[str] = mapped_column(String(100))
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]  # a process is making it
    expires_at: Mapped[datetime | None]
    name: Mapped[str] = mapped_column(String(200), default="")  # of the file
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # the file
    size: Mapped[int | None]  # bytes
    sha256: Mapped[str] = mapped_column(String(64), default="")
    error: Mapped[str] = mapped_column(String(300), default="")


# --- what processes tell each other -----------------------------------------------------------------


class RegistryVersion(Base):
    """One row: counts the transactions that changed what plans are made of. Written by db.py alone."""

    __tablename__ = "registry_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]


class TopicVersion(Base):
    """Counts the transactions that wrote what a topic (``topics.Topic``) is about. Written by db.py alone."""

    __tablename__ = "topic_version"

    topic: Mapped[str] = mapped_column(String(16), primary_key=True)
    version: Mapped[int]


class ProbeRequest(Base):
    """Somebody wants an eye asked now. Answered by the one process that asks; short-lived."""

    __tablename__ = "probe_request"
    __table_args__ = (Index(None, "answered_at", "requested_at"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)  # never of two requests
    eye_id: Mapped[int] = mapped_column(ForeignKey("eye.id", ondelete="CASCADE"))
    depth: Mapped[str] = mapped_column(String(16))
    record: Mapped[bool]  # keep the whole exchange
    requested_at: Mapped[datetime]
    begun_at: Mapped[datetime | None]  # whoever asks has seen it
    rungs: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")  # so far
    answered_at: Mapped[datetime | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)  # None once answered: it may not be asked


class DeviceRequest(Base):
    """Somebody wants something of a device now: see ``errands.Wish``. As ``ProbeRequest`` is of an eye."""

    __tablename__ = "device_request"
    __table_args__ = (Index(None, "answered_at", "requested_at"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)  # never of two requests
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))
    wish: Mapped[str] = mapped_column(String(16))
    requested_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)


class Discovery(Base):
    """Somebody wants to know which devices are there. Answered by the process that asks; kept for a day."""

    __tablename__ = "discovery"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    hosts: Mapped[list[Any]]  # addresses; none: the whole network segment
    interface: Mapped[str] = mapped_column(String(64), default="")  # own address out of which that is asked
    try_ports: Mapped[bool]  # also the usual ports of hosts that stay silent
    requested_at: Mapped[datetime]
    requested_by: Mapped[str] = mapped_column(String(100))
    answered_at: Mapped[datetime | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)  # None once answered: the network refused
    refusal: Mapped[str] = mapped_column(String(200), default="")  # why it did


class Rollout(Base):
    """One start of a site: what was asked for, how far it came, and how it ended. Kept as its record."""

    __tablename__ = "rollout"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    requested_at: Mapped[datetime]
    begun_at: Mapped[datetime | None]
    stage: Mapped[str | None] = mapped_column(String(16))  # see rollout.Stage
    stage_eyes: Mapped[int] = mapped_column(default=0)
    stage_asked: Mapped[int] = mapped_column(default=0)
    asked: Mapped[int] = mapped_column(default=0)  # eyes, in all stages
    started: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)  # logins
    stop_asked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    ending: Mapped[str | None] = mapped_column(String(16))  # see rollout.Ending
