"""Examines the database: every invariant that figures lean on, what was looked at, and what is not so.

It changes nothing. An invariant that does not hold is a bug of ours, or the work of somebody who wrote into
the tables by hand: figures made since then are not to be believed before it is understood.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import groupby, pairwise
from typing import Final

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import and_, func, select, text
from sqlalchemy.orm import Session, aliased

from camera_registry import closings, health, models, rollups
from camera_registry.alerts import channels
from camera_registry.credentials import CredentialError, CredentialStore
from camera_registry.db import Database, alembic_config
from camera_registry.funding import documents, reading, sums
from camera_registry.funding.kinds import Kind as MoneyKind
from camera_registry.funding.kinds import State as MoneyState
from camera_registry.health import EYE, Condition, EyeState, Finding, Instability, Policy, Told, Transition
from camera_registry.i18n import N_
from camera_registry.incidents import Kind
from camera_registry.ingest import KEPT_BEYOND_LATENESS, Ingest
from camera_registry.money import Sum
from camera_registry.repairs import states as repairs
from camera_registry.units import Scope
from probes.reasons import Check, Outcome, Reason

SHOWN: Final = 5  # what is broken is counted; so many are named
MICROSECOND: Final = timedelta(microseconds=1)
EYES_AT_ONCE: Final = 50  # a fortnight of results of so many in memory


@dataclass(frozen=True, slots=True)
class Examined:
    """One invariant, in words for people: how much was looked at, how much is broken, and the first of it."""

    invariant: str
    looked_at: int
    broken: int
    examples: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return self.broken == 0


@dataclass(slots=True)
class _Count:
    """Counts while an invariant is looked at."""

    invariant: str
    looked_at: int = 0
    broken: int = 0
    examples: tuple[str, ...] = ()

    def note(self, holds: bool, *what: object) -> None:
        self.looked_at += 1
        if not holds:
            self.broken += 1
            if len(self.examples) < SHOWN:
                self.examples += (" ".join(str(word) for word in what),)

    def examined(self) -> Examined:
        return Examined(self.invariant, self.looked_at, self.broken, self.examples)


MIGRATED: Final = N_("The tables are those of this program")
FILE_SOUND: Final = N_("The file of the database is sound")
REFERENCES: Final = N_("What rows refer to exists")
CHAINS: Final = N_("Each ledger is a chain: a state begins where the one before it ends")
DERIVED: Final = N_("Each eye's ledger follows from those of its checks")
ENDS: Final = N_("What is shown now is how the ledgers end")
CONCLUDED: Final = N_("The results that are kept conclude the same, by the policy of today")
SPANS: Final = N_("Everything ends after it begins")
CUSTODY: Final = N_("A point has one custodian at a time")
KEY: Final = N_("The key is there that opens what is sealed")
OPENED: Final = N_("Sealed logins and addresses of channels open with the key")
ROLLED_UP: Final = N_("What is rolled up is what the ledgers give")
CLOSED: Final = N_("Closed months are as they were closed")
MEMBERS: Final = N_("Eyes of incidents had fallen when they became part of one")
SHARES: Final = N_("Shares of points sum to their entries of the funding ledger")
DECIDED: Final = N_("What counts of money was entered by one person and approved by another")
REVERSED: Final = N_("A reversing entry takes back exactly what another gave")
BALANCED: Final = N_("Sums of the funding ledger are the same however they are grouped")
PAPERS: Final = N_("Each paper is about something, and its copy opens with the key")
REPAIRS: Final = N_("Each repair is where its steps brought it, and each step is one that there is")
MENDED_ONCE: Final = N_("An eye has one open repair at most")
CHOSEN: Final = N_("A repair has one chosen quotation at most, and a sent proposal asks for something")


def examine(
    database: Database, judge: Ingest, credentials: CredentialStore, zone: tzinfo, now: datetime
) -> Iterator[Examined]:
    """Every invariant, one after another. Where the tables are older or newer, nothing else is looked at."""
    migrated = _migrated(database)
    yield migrated
    if not migrated.holds:
        return
    with database.reading() as session:
        if database.sqlite:
            yield _file_sound(session)
        references = _references(session)
        yield references
        yield from _ledgers(session)
        yield _concluded(session, judge, now)
        yield _spans(session)
        yield _custody(session)
        yield _key(session, credentials)
        yield _opened(session, credentials)
        yield _members(session)
        yield _rolled_up(session, zone, now)
        yield _closed(session)
        yield from _money(session)
        if references.holds:  # else there are lines of which no unit can be told
            yield _balanced(session, now.astimezone(zone).date())
        yield _papers(session, credentials)
        yield _repairs(session)
        yield _mended_once(session)
        yield _chosen(session)


# --- the database itself --------------------------------------------------------------------------------


def _migrated(database: Database) -> Examined:
    count = _Count(MIGRATED)
    with database.engine.connect() as connection:
        there = MigrationContext.configure(connection).get_current_heads()
        known = ScriptDirectory.from_config(alembic_config(connection)).get_heads()
    count.note(set(there) == set(known), ", ".join(there) or "–", "≠", ", ".join(known))
    return count.examined()


def _file_sound(session: Session) -> Examined:
    count = _Count(FILE_SOUND)
    for (said,) in session.execute(text("PRAGMA quick_check")):
        count.note(said == "ok", said)
    return count.examined()


def _references(session: Session) -> Examined:
    """Asked of the tables, not of the database's own guard: somebody may have switched that off."""
    count = _Count(REFERENCES)
    for table in models.Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            ours, theirs = key.parent, key.column.table.alias("referred")
            its = theirs.c[key.column.name]
            lost = (
                select(ours)
                .outerjoin_from(table, theirs, ours == its)
                .where(ours.is_not(None), its.is_(None))
            )
            named = session.scalars(lost.limit(SHOWN)).all()
            count.looked_at += session.scalar(select(func.count(ours))) or 0
            if named:
                count.broken += session.scalar(select(func.count()).select_from(lost.subquery())) or 0
                told = [f"{table.name}.{ours.name} = {value}" for value in named]
                count.examples = (*count.examples, *told)[:SHOWN]
    return count.examined()


# --- the ledgers ----------------------------------------------------------------------------------------


def _ledgers(session: Session) -> Iterator[Examined]:
    """Three invariants in one walk over the ledgers, eye by eye."""
    chains, derived, ends = _Count(CHAINS), _Count(DERIVED), _Count(ENDS)
    codes = {row.id: row.code for row in session.execute(select(models.Eye.id, models.Eye.code))}
    standing = _standing(session)
    for eye_id, ledgers in _by_eye(session, codes.keys()):
        eye = codes[eye_id]
        for name, ledger in ledgers.items():
            _look_at_chain(chains, ledger, eye, name)
        own = ledgers.get(EYE, [])
        wanted = health.eye_ledger({}, {check: ledgers[check] for check in Check if check in ledgers})
        wrong = [] if own == wanted else sorted(t.at for t in set(own) ^ set(wanted))
        derived.note(own == wanted, eye, *(at.isoformat() for at in wrong[:1]))
        for name in standing[eye_id].keys() | ledgers.keys():
            shown, told = standing[eye_id].get(name, NEVER), ledgers.get(name)
            state, since = (told[-1].after, told[-1].at) if told else (EyeState.UNKNOWN, shown.since)
            ends.note((shown.state, shown.since) == (state, since), eye, name)
    yield from (chains.examined(), derived.examined(), ends.examined())


@dataclass(frozen=True, slots=True)
class _Shown:
    state: str
    since: datetime | None


NEVER: Final = _Shown(EyeState.UNKNOWN, None)


def _standing(session: Session) -> Mapping[int, dict[str, _Shown]]:
    """By eye and ledger what is shown of this moment."""
    shown: dict[int, dict[str, _Shown]] = defaultdict(dict)
    c, e = models.Condition, models.EyeState
    for eye_id, check, state, since in session.execute(select(c.eye_id, c.check, c.state, c.since)):
        shown[eye_id][check] = _Shown(state, since)
    for row in session.execute(select(e.eye_id, e.state, e.since)):
        shown[row.eye_id][EYE] = _Shown(row.state, row.since)
    return shown


def _by_eye(session: Session, eye_ids: Iterable[int]) -> Iterator[tuple[int, Mapping[str, list[Transition]]]]:
    row = models.Transition
    told = session.execute(
        select(row.eye_id, row.ledger, row.at, row.before, row.after, row.reason)
        .order_by(row.eye_id, row.ledger, row.at, row.id)
        .execution_options(yield_per=10_000)
    )
    silent = set(eye_ids)
    for eye_id, rows in groupby(told, key=lambda r: r.eye_id):
        ledgers: dict[str, list[Transition]] = defaultdict(list)
        for r in rows:
            ledgers[r.ledger].append(Transition(r.at, r.before, r.after, Reason(r.reason)))
        if eye_id in silent:  # else it is a reference to nothing, and told as such
            silent.discard(eye_id)
            yield eye_id, ledgers
    for eye_id in sorted(silent):
        yield eye_id, {}


def _look_at_chain(count: _Count, ledger: Sequence[Transition], *name: str) -> None:
    former = str(EyeState.UNKNOWN)
    at: datetime | None = None
    for t in ledger:
        follows = t.before == former and t.after != t.before and (at is None or t.at > at)
        count.note(follows, *name, t.at.isoformat())
        former, at = t.after, t.at


# --- the results behind the ledgers ---------------------------------------------------------------------


def _concluded(session: Session, judge: Ingest, now: datetime) -> Examined:
    """Every check judged again from what is kept, from its first settled result on.

    Of what is older than anything kept for late results, only a part may be left: that is left out.
    """
    count = _Count(CONCLUDED)
    since = now - judge.rules.lateness - KEPT_BEYOND_LATENESS
    codes = {row.id: row.code for row in session.execute(select(models.Eye.id, models.Eye.code))}
    eyes = sorted(codes)
    for first in range(0, len(eyes), EYES_AT_ONCE):
        some = eyes[first : first + EYES_AT_ONCE]
        rows = session.scalars(select(models.Condition).where(models.Condition.eye_id.in_(some)))
        conditions = {(row.eye_id, Check(row.check)): row for row in rows}
        changes = _changes(session, some, since)
        for key, told in judge.kept(session, conditions.keys()).items():
            recent = [part for one in told if (part := health.part_since(one, since)) is not None]
            written = changes.get(key, [])
            agrees = _same_again(recent, written, conditions[key], judge.rules.policies[key[1]], now)
            count.note(agrees, codes[key[0]], key[1])
        session.expunge_all()
    return count.examined()


def _changes(
    session: Session, eye_ids: Sequence[int], since: datetime
) -> dict[tuple[int, Check], list[health.Change]]:
    """What is written of the checks since then: transitions and suspicions that were not confirmed."""
    t, i = models.Transition, models.Instability
    found: dict[tuple[int, Check], list[health.Change]] = defaultdict(list)
    for row in session.scalars(select(t).where(t.eye_id.in_(eye_ids), t.ledger != EYE, t.at >= since)):
        change = Transition(row.at, row.before, row.after, Reason(row.reason))
        found[row.eye_id, Check(row.ledger)].append(change)
    for doubt in session.scalars(select(i).where(i.eye_id.in_(eye_ids), i.at >= since)):
        found[doubt.eye_id, Check(doubt.check)].append(Instability(doubt.at, Reason(doubt.reason)))
    return found


def _same_again(
    told: Sequence[Told],
    written: Sequence[health.Change],
    row: models.Condition,
    policy: Policy,
    now: datetime,
) -> bool:
    start = _first_settled(told, policy)
    if start is None:
        return True  # too little is kept to conclude anything
    settled = Condition(start.outcome, start.at, start.reason, start.at, start.interval_s)
    rest = [part for one in told if (part := health.part_since(one, start.at + MICROSECOND)) is not None]
    after, changes = health.fold(settled, rest, policy)
    silent, silence = health.fall_silent(after, policy, now)
    there = {change for change in written if change.at > start.at}
    # Silence is written some seconds after it began.
    if there == {*changes, *silence}:
        after = silent
    elif there != set(changes):
        return False
    return (row.state, row.heard_at, row.suspect_since) == (after.state, after.heard_at, after.suspect_since)


def _first_settled(told: Sequence[Told], policy: Policy) -> Finding | None:
    """The first result after which nothing depends on what came before: see ``ingest``."""
    enough = max(policy.confirm_after, policy.recover_after)
    in_a_row = 0
    previous: Finding | None = None
    for one in told:
        for finding in health.one_by_one(
            [one if isinstance(one, Finding) else one.part(0, min(one.count, enough))]
        ):
            unbroken = (
                previous is not None
                and previous.outcome is finding.outcome
                and (finding.at - previous.at).total_seconds() <= policy.silence_factor * previous.interval_s
            )
            in_a_row = in_a_row + 1 if unbroken else 1
            if in_a_row >= enough or finding.outcome in (Outcome.UNKNOWN, Outcome.OFF):
                return finding
            previous = finding
        previous = health.last_of(one)
    return None


# --- spans ------------------------------------------------------------------------------------------------


def _spans(session: Session) -> Examined:
    count = _Count(SPANS)
    m = models
    # An incident is announced when its window has passed; a member may be back at the moment it fell.
    reversed_ = (
        (m.Maintenance, m.Maintenance.id, m.Maintenance.to_at <= m.Maintenance.from_at),
        (m.Suspension, m.Suspension.id, m.Suspension.to_at <= m.Suspension.from_at),
        (m.Heartbeat, m.Heartbeat.id, m.Heartbeat.to_at < m.Heartbeat.from_at),
        (m.Incident, m.Incident.id, m.Incident.announced_at < m.Incident.started_at),
        (m.Incident, m.Incident.id, m.Incident.ended_at < m.Incident.started_at),
        (m.IncidentEye, m.IncidentEye.incident_id, m.IncidentEye.to_at < m.IncidentEye.from_at),
        (m.Unit, m.Unit.id, m.Unit.valid_to < m.Unit.valid_from),
        (m.Custody, m.Custody.id, m.Custody.valid_to < m.Custody.valid_from),
        (m.Eye, m.Eye.id, m.Eye.retired_at < m.Eye.commissioned_at),
        (m.Upkeep, m.Upkeep.id, m.Upkeep.valid_to < m.Upkeep.valid_from),
        (m.Programme, m.Programme.id, m.Programme.last_year < m.Programme.first_year),
    )
    for table, identity, wrong in reversed_:
        rows = session.scalar(select(func.count()).select_from(table)) or 0
        found = session.scalars(select(identity).where(wrong).order_by(identity)).all()
        count.looked_at += rows - len(found)
        for id_ in found:
            count.note(False, table.__tablename__, id_)
    return count.examined()


def _custody(session: Session) -> Examined:
    count = _Count(CUSTODY)
    row = models.Custody
    told = session.execute(
        select(models.Point.code, row.valid_from, row.valid_to)
        .join(models.Point)
        .order_by(models.Point.code, row.valid_from)
    )
    for point, spans in groupby(told, key=lambda r: r.code):
        for (_, _, last), (_, first, _) in pairwise([(point, date.min, date.min), *spans]):
            count.note(last is not None and last < first, point, first.isoformat())
    return count.examined()


# --- logins, incidents ------------------------------------------------------------------------------------


def _key(session: Session, credentials: CredentialStore) -> Examined:
    """After a backup was restored without it, its path is named. Where nothing is sealed, none is needed."""
    count = _Count(KEY)
    for table in (models.Credential, models.AlertChannel, models.KeptPicture, models.Document):
        count.looked_at += (
            session.scalar(select(func.count()).select_from(table).where(table.sealed.is_not(None))) or 0
        )
    if count.looked_at and not credentials.fingerprints():
        count.broken, count.examples = count.looked_at, (str(credentials.path),)
    return count.examined()


def _opened(session: Session, credentials: CredentialStore) -> Examined:
    count = _Count(OPENED)
    book = credentials.book(session)
    row = models.Credential
    for id_, name in session.execute(select(row.id, row.name).where(row.sealed.is_not(None))):
        try:
            opens = book.find(id_, 0, "") is not None
        except CredentialError:
            opens = False
        count.note(opens, name)
    for channel in session.scalars(select(models.AlertChannel).order_by(models.AlertChannel.id)):
        if channel.sealed is None:
            continue
        try:
            channels.opened(credentials, channel)
            opens = True
        except CredentialError:
            opens = False
        count.note(opens, channel.name)
    return count.examined()


def _members(session: Session) -> Examined:
    """The state of each member when it fell; a site that is lost has members that are not down."""
    count = _Count(MEMBERS)
    member, incident, own, later = (
        models.IncidentEye,
        models.Incident,
        models.Transition,
        aliased(models.Transition),
    )
    newest = (
        select(func.max(later.at))
        .where(later.eye_id == member.eye_id, later.ledger == EYE, later.at <= member.from_at)
        .scalar_subquery()
    )
    told = session.execute(
        select(member.incident_id, models.Eye.code, own.after)
        .join(incident, incident.id == member.incident_id)
        .join(models.Eye, models.Eye.id == member.eye_id)
        .outerjoin(own, and_(own.eye_id == member.eye_id, own.ledger == EYE, own.at == newest))
        .where(incident.kind != Kind.SITE, incident.withdrawn_at.is_(None))
        .order_by(member.incident_id, models.Eye.code)
    )
    for number, eye, state in told:
        count.note(state == EyeState.DOWN, "incident", number, eye)
    return count.examined()


# --- what was counted -------------------------------------------------------------------------------------


def _rolled_up(session: Session, zone: tzinfo, now: datetime) -> Examined:
    verified = rollups.verify(session, zone, now)
    wrong = sorted({(each.eye, each.day) for each in verified.differences})
    examples = tuple(f"{eye} {day.isoformat()}" for eye, day in wrong[:SHOWN])
    return Examined(ROLLED_UP, verified.compared, len(wrong), examples)


def _closed(session: Session) -> Examined:
    count = _Count(CLOSED)
    for heading in closings.headings(session):
        month = closings.frozen(session, heading.month, heading.version)
        count.note(month is not None and closings.intact(month), f"{heading.month:%Y-%m}", heading.version)
    return count.examined()


# --- money ------------------------------------------------------------------------------------------------


def _money(session: Session) -> Iterator[Examined]:
    """Three invariants in one walk over the entries of the funding ledger."""
    shares_, decided, reversed_ = _Count(SHARES), _Count(DECIDED), _Count(REVERSED)
    shares: dict[int, list[tuple[int, int | None]]] = defaultdict(list)  # 0: no point's yet
    share = models.MoneyShare
    for number, point, amount in session.execute(select(share.entry_id, share.point_id, share.amount)):
        shares[number].append((point or 0, amount))
    rows = session.scalars(select(models.MoneyEntry).order_by(models.MoneyEntry.id))
    entries = {row.id: row for row in rows}
    for number, row in entries.items():
        own, counts = shares[number], row.state == MoneyState.APPROVED
        total = Sum.of(amount for _, amount in own)
        shares_.note(bool(own) and row.amount == (total.known if total.whole else None), "entry", number)
        if row.state == MoneyState.WAITING:
            decided.note(row.decided_at is None and not row.decided_by, "entry", number)
        else:
            by_another = bool(row.decided_by) and (not counts or row.decided_by != row.made_by)
            decided.note(row.decided_at is not None and by_another, "entry", number)
        former = entries.get(row.reverses_id or 0)
        if former is not None:
            negated = [(point, None if amount is None else -amount) for point, amount in shares[former.id]]
            same = (former.kind, former.form, former.component) == (row.kind, row.form, row.component)
            counted = former.state == MoneyState.APPROVED and former.reverses_id is None
            reversed_.note(Counter(own) == Counter(negated) and same and counted, "entry", number)
    yield from (shares_.examined(), decided.examined(), reversed_.examined())


def _balanced(session: Session, day: date) -> Examined:
    """What pages and reports sum, against the sums that the database makes of the same shares."""
    count = _Count(BALANCED)
    entry, share = models.MoneyEntry, models.MoneyShare
    asked = select(entry.kind, func.sum(share.amount)).join(share, share.entry_id == entry.id)
    known = {
        kind: int(amount or 0)
        for kind, amount in session.execute(
            asked.where(entry.state == MoneyState.APPROVED).group_by(entry.kind).order_by(entry.kind)
        )
    }
    lines = reading.lines(session, Scope.everything(), day)
    whole = sums.totals(lines)
    told = (whole.estimate, whole.opening, whole.contributed, whole.spent, whole.settled)
    for kind, total in zip(MoneyKind, told, strict=True):
        count.note(total.known == known.get(kind, 0), kind)
    keys: Mapping[str, Callable[[sums.Line], str]] = {
        "point": lambda line: line.point,
        "programme": lambda line: line.programme,
        "year": lambda line: str(line.year),
    }
    for name, key in keys.items():
        parts = sum(sums.grouped(lines, key).values(), sums.Totals())
        count.note(parts == whole, name)
    return count.examined()


def _papers(session: Session, credentials: CredentialStore) -> Examined:
    count = _Count(PAPERS)
    use = models.DocumentUse
    about = (use.programme_id, use.point_id, use.entry_id, use.repair_id)
    used: set[int] = set()
    for number, document_id, *of in session.execute(select(use.id, use.document_id, *about).order_by(use.id)):
        used.add(document_id)
        count.note(sum(each is not None for each in of) == 1, "document_use", number)
    for number in session.scalars(select(models.Document.id).order_by(models.Document.id)).all():
        row = session.get_one(models.Document, number)
        count.note(number in used and documents.opens(credentials, row), "document", number)
        session.expunge(row)  # one at a time in memory
    return count.examined()


# --- repairs ----------------------------------------------------------------------------------------------


def _repairs(session: Session) -> Examined:
    count = _Count(REPAIRS)
    steps: dict[int, list[repairs.Step]] = defaultdict(list)
    row = models.RepairStep
    told = session.execute(select(row.repair_id, row.at, row.state).order_by(row.repair_id, row.id))
    for number, at, state in told:
        steps[number].append(repairs.Step(at, repairs.State(state)))
    repair = models.Repair
    for number, state, opened_at in session.execute(
        select(repair.id, repair.state, repair.opened_at).order_by(repair.id)
    ):
        own = steps[number]
        wrong = repairs.fault_of(own)
        if not wrong and (own[-1].state, own[0].at) != (state, opened_at):
            wrong = "is not where its steps end, or did not begin there"
        count.note(not wrong, "repair", number, wrong)
    return count.examined()


def _mended_once(session: Session) -> Examined:
    count = _Count(MENDED_ONCE)
    repair, part, eye = models.Repair, models.RepairEye, models.Eye
    told = session.execute(
        select(eye.code, func.count())
        .join(part, part.eye_id == eye.id)
        .join(repair, repair.id == part.repair_id)
        .where(repair.state.in_(repairs.OPEN))
        .group_by(eye.code)
        .order_by(eye.code)
    )
    for code, several in told:
        count.note(several == 1, code)
    return count.examined()


def _chosen(session: Session) -> Examined:
    count = _Count(CHOSEN)
    quotation, letter, part = models.Quotation, models.Proposal, models.ProposalRepair
    chosen = select(quotation.repair_id, func.count()).where(quotation.chosen).group_by(quotation.repair_id)
    for number, several in session.execute(chosen.order_by(quotation.repair_id)):
        count.note(several == 1, "repair", number)
    asks = select(letter.id, func.count(part.repair_id)).outerjoin(part, part.proposal_id == letter.id)
    for number, several in session.execute(
        asks.where(letter.sent_on.is_not(None)).group_by(letter.id).order_by(letter.id)
    ):
        count.note(several > 0, "proposal", number)
    return count.examined()
