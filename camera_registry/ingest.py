"""One transaction for a batch of results: the only writer of health, silence included.

A result is identified by (eye, check, time of the probe). What is newer than everything heard before is
stepped forward. What is late is judged at its own time: the findings kept in ``delivery`` are folded again
from the last settled point before it, and the ledger is corrected where it comes out differently. So the
order and the repetition of deliveries change nothing. Equal results at equal distances may be delivered as
one run; it is judged and kept as a run, and concludes what its results would conclude one by one.

What a lost site says against its eyes meanwhile is neither judged nor kept: whether they or the site failed,
nobody knows. The eyes become unknown by silence. What it delivers once it is heard again is believed.
"""

import uuid
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import orjson
from sqlalchemy import Executable, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from camera_registry import health, incident_book, models, rollups, samples, sites
from camera_registry.baselines import take_samples
from camera_registry.db import Database
from camera_registry.findings import note_findings
from camera_registry.health import EYE, Condition, EyeState, Finding, Heard, Policy, Run, Standing, Told
from camera_registry.incidents import Loss
from camera_registry.observations import keep_observations
from camera_registry.uptime import Span
from probes.reasons import Check, Outcome, Reason
from probes.result import ProbeResult

# Findings are kept this much longer than the lateness window, so that a result that is as late as allowed
# still finds a settled point before it: three rounds of the slowest check (24 h) with its silence.
KEPT_BEYOND_LATENESS = timedelta(days=8)

# A result of a later time than this from now is refused: everything true after it would count as late, and
# silence would not be seen before it. Clocks that are kept at all differ by less.
FUTURE_TOLERANCE = timedelta(seconds=10)

PACKED_AFTER = timedelta(hours=2)
MOST_PACKED = 10_000  # deliveries in one transaction: writers must not wait long
HOURS_AT_ONCE = 4  # in one run; after a long stop the rest is for the next runs
PACKED = "packed-"  # begins the key of an hour's deliveries put together

# How far before a late result something settled is looked for, step by step; None: in everything kept.
LOOK_BACK = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24), timedelta(days=3), None)

_INSTANT = timedelta(microseconds=1)  # moments have no finer parts

EYES_AT_ONCE = 500  # in one transaction of the tick, and in one query of ledgers

Key = tuple[int, Check]
Keep = Callable[[Session, models.Eye, bytes, datetime, datetime], bool]  # see ``pictures.keep_picture``
Ledger = tuple[int, str]  # of an eye: the name of a check, or EYE
L = TypeVar("L", bound=Ledger)
Written = Row[int, int, str, datetime, str, str, str]  # id, eye_id, ledger, at, before, after, reason


@dataclass(frozen=True, slots=True)
class Rules:
    """The policies of the checks and the lateness window."""

    policies: Mapping[Check, Policy]
    lateness: timedelta = timedelta(days=7)


def rules(confirm_after: int = 3, silence_factor: float = 2.5, lateness_days: int = 7) -> Rules:
    """The default rules with what the settings may change: the stream's confirmation, silence, lateness."""
    others = Policy(confirm_after=3, recover_after=2, silence_factor=silence_factor)
    once = Policy(confirm_after=1, recover_after=1, silence_factor=silence_factor)
    return Rules(
        {
            Check.STREAM: Policy(confirm_after, recover_after=1, silence_factor=silence_factor),
            Check.PICTURE: others,
            Check.SNAPSHOT: others,
            Check.CLOCK: others,
            Check.RECORDING: once,  # once a day: the footage of a day is there or it is not
        },
        timedelta(days=lateness_days),
    )


@dataclass(slots=True)
class Receipt:
    """What a delivery did: for counters, and for pages that wait for news."""

    repeated: bool = False  # this very delivery had been taken before
    taken: int = 0
    late: int = 0  # judged at their own time, after newer ones
    refused: int = 0  # older than the lateness window, or from the future
    held_back: int = 0  # failures that a lost site told of: taken, and not used against its eyes
    unknown_eyes: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)  # codes of eyes whose ledger changed
    touched: dict[int, datetime] = field(default_factory=dict)  # of their ids, the earliest change


class Ingest:
    """Judges and keeps. ``clock`` tells when something is recorded; judging uses the results' own times."""

    def __init__(
        self, database: Database, rules: Rules, clock: Callable[[], datetime], keep: Keep | None = None
    ) -> None:
        self.rules = rules
        self._database = database
        self._clock = clock
        self._keep = keep

    def deliver(self, key: str, results: Sequence[ProbeResult]) -> Receipt:
        """Take one batch. ``key`` names the delivery: the same key again changes nothing.

        Results older than the lateness window or further ahead of the clock than ``FUTURE_TOLERANCE`` are
        refused and counted. Raises whatever the database raises, and then nothing was taken: deliver again.
        """
        now = self._clock()
        receipt = Receipt()
        with self._database.transaction() as session:
            if session.get(models.Delivery, key) is not None:
                return Receipt(repeated=True)
            eyes = _eye_ids(session, {r.eye for r in results})
            receipt.unknown_eyes = {r.eye for r in results} - eyes.keys()
            fresh: list[tuple[int, ProbeResult]] = []
            for result in results:
                if result.eye not in eyes:
                    continue
                if not now - self.rules.lateness <= result.at <= now + FUTURE_TOLERANCE:
                    receipt.refused += 1
                    continue
                fresh.append((eyes[result.eye], result))
            if not fresh:
                return receipt
            receipt.taken = len(fresh)
            findings = _findings(fresh)
            told = ((eye_id, finding) for (eye_id, _), news in findings.items() for finding in news)
            for eye_id, losses in _losses_of(session, told, now).items():
                for key_of in [one for one in findings if one[0] == eye_id]:
                    rest = [f for f in findings[key_of] if _fair(f, losses, now)]
                    receipt.held_back += len(findings[key_of]) - len(rest)
                    findings[key_of] = rest
            findings = {key: news for key, news in findings.items() if news}
            judged = self._judge(session, findings, receipt)
            _keep_delivery(session, key, now, findings)
            _ensure_states(session, [eye_id for eye_id, _ in fresh])
            self._write(session, judged, now, receipt)
            keep_observations(session, fresh)
            note_findings(session, fresh)
            take_samples(session, fresh)
            samples.take(session, fresh)
            self._keep_pictures(session, fresh, now)
        return receipt

    def deliver_runs(self, key: str, heard: Iterable[Heard]) -> Receipt:
        """Take one batch of runs and single findings: verdicts alone, without anything measured.

        As ``deliver``; of a run those results are refused that are too old for their ``received_at``. What
        stands first in the batch was told first.
        """
        now = self._clock()
        receipt = Receipt()
        with self._database.transaction() as session:
            if session.get(models.Delivery, key) is not None:
                return Receipt(repeated=True)
            heard = list(heard)
            eyes = _eye_ids(session, {h.eye for h in heard})
            receipt.unknown_eyes = {h.eye for h in heard} - eyes.keys()
            fresh: dict[Key, list[Told]] = defaultdict(list)
            every: list[tuple[Key, Told, datetime | None]] = []
            for h in heard:
                if h.eye not in eyes:
                    continue
                told = self._in_time(h, now)
                taken = health.how_many(told) if told else 0
                receipt.taken += taken
                receipt.refused += health.how_many(h.told) - taken
                if told:
                    fresh[eyes[h.eye], h.check].append(told)
                    every.append(((eyes[h.eye], h.check), told, h.received_at))
            if not fresh:
                return receipt
            losses_of = _losses_of(session, ((eye_id, t) for (eye_id, _), t, _ in every), now)
            fair: dict[Key, list[Told]] = defaultdict(list)
            for key_of, told, received_at in every:
                parts = _fair(told, losses_of.get(key_of[0], ()), received_at)
                receipt.held_back += health.how_many(told) - sum(map(health.how_many, parts))
                if parts:
                    fair[key_of] += parts
            judged = self._judge(session, {k: health.in_order(told) for k, told in fair.items()}, receipt)
            _keep_delivery(session, key, now, fair)
            _ensure_states(session, {eye_id for eye_id, _ in fresh})
            self._write(session, judged, now, receipt)
            _keep_moments(session, fresh)
        return receipt

    def _in_time(self, heard: Heard, now: datetime) -> Told | None:
        """What of it is neither too late nor from the future."""
        received_at = heard.received_at or now
        told = health.part_before(heard.told, received_at + FUTURE_TOLERANCE + _INSTANT)
        if told is None or heard.received_at is None:
            return told
        return health.part_since(told, received_at - self.rules.lateness)

    def _keep_pictures(
        self, session: Session, fresh: Sequence[tuple[int, ProbeResult]], now: datetime
    ) -> None:
        for eye_id, result in fresh:
            if result.picture is not None and self._keep is not None:
                self._keep(session, session.get_one(models.Eye, eye_id), result.picture, result.at, now)

    def tick(self, now: datetime) -> Receipt:
        """Write the silence that ``now`` reveals, some hundred eyes at a time: deliveries go in between.

        Raises whatever the database raises; what is not written yet is written by the next tick.
        """
        receipt = Receipt()
        due = (
            models.Condition.silent_at < now,
            (models.Condition.state != Outcome.UNKNOWN) | models.Condition.suspect_since.is_not(None),
        )
        with self._database.reading() as session:
            eyes = sorted(set(session.scalars(select(models.Condition.eye_id).where(*due))))
        for some in _chunks(eyes):
            with self._database.transaction() as session:
                rows = session.scalars(
                    select(models.Condition).where(models.Condition.eye_id.in_(some), *due).with_for_update()
                )
                judged: dict[Key, _Judged] = {}
                for row in rows:
                    condition = _condition(row)
                    after, changes = health.fall_silent(condition, self._policy(Check(row.check)), now)
                    if after != condition:
                        judged[row.eye_id, Check(row.check)] = _Judged(after, changes)
                self._write(session, judged, now, receipt)
        return receipt

    def prune(self, now: datetime) -> int:
        """Forget findings that no late result can need any more. Returns how many deliveries went."""
        edge = now - self.rules.lateness - KEPT_BEYOND_LATENESS
        with self._database.transaction() as session:
            gone = session.execute(
                delete(models.Delivery).where(models.Delivery.last_at < edge).returning(models.Delivery.key)
            )
            return len(gone.all())

    def pack(self, now: datetime) -> int:
        """Put the deliveries of past hours together: less than half the room. Returns how many.

        The oldest hours first, each in its own transaction, at most ``HOURS_AT_ONCE`` of them. The keys of
        the deliveries go. One of them delivered again is then a late one whose findings are all known: it
        changes nothing either.
        """
        edge = _hour(now - PACKED_AFTER)
        packed = 0
        for _ in range(HOURS_AT_ONCE):
            with self._database.transaction() as session:
                packed += _pack_oldest_hour(session, edge)
        return packed

    def kept(self, session: Session, keys: Collection[Key]) -> Mapping[Key, Sequence[Told]]:
        """What is kept of these checks, in order of time. Each call reads everything: ask for many."""
        return _kept_findings(session, keys, None)

    def refold(self, eye_id: int, check: Check) -> tuple[Condition | None, tuple[health.Change, ...]]:
        """What the kept findings alone conclude for one check: the proof that the ledger is right."""
        with self._database.reading() as session:
            kept = self.kept(session, [(eye_id, check)])[eye_id, check]
        if not kept:
            return None, ()
        return health.fold(health.unheard(kept[0].at), kept, self._policy(check))

    def findings(self) -> dict[str, dict[Check, list[Finding]]]:
        """Every finding that is kept, by eye and check, in order of time."""
        with self._database.reading() as session:
            keys = [
                (e, Check(c))
                for e, c in session.execute(select(models.Condition.eye_id, models.Condition.check))
            ]
            eyes = session.execute(select(models.Eye.id, models.Eye.code))
            codes = {eye.id: eye.code for eye in eyes}
            kept = _kept_findings(session, keys, None)
        found: dict[str, dict[Check, list[Finding]]] = defaultdict(dict)
        for (eye_id, check), heard in kept.items():
            found[codes[eye_id]][check] = list(health.one_by_one(heard))
        return found

    # --- judging ------------------------------------------------------------------------------------

    def _policy(self, check: Check) -> Policy:
        return self.rules.policies[check]

    def _judge(
        self, session: Session, findings: Mapping[Key, Sequence[Told]], receipt: Receipt
    ) -> dict[Key, "_Judged"]:
        conditions = _conditions(session, {eye for eye, _ in findings})
        judged: dict[Key, _Judged] = {}
        late: dict[Key, Sequence[Told]] = {}
        for key, news in findings.items():
            condition = conditions.get(key) or health.unheard(news[0].at)
            if _is_late(condition, news[0], self._policy(key[1])):
                late[key] = news
                continue
            after, changes = health.fold(condition, news, self._policy(key[1]))
            judged[key] = _Judged(after, changes)
        if late:
            receipt.late = sum(health.how_many(told) for news in late.values() for told in news)
            judged |= self._judge_again(session, late, conditions)
        return judged

    def _judge_again(
        self, session: Session, late: Mapping[Key, Sequence[Told]], conditions: Mapping[Key, Condition]
    ) -> dict[Key, "_Judged"]:
        """Fold again from the last settled point before each late finding."""
        kept, starts = self._look_back(session, late)
        every: dict[Key, list[Told]] = {}
        since: dict[Key, datetime] = {}
        for key, news in late.items():
            every[key] = health.in_order([*kept[key], *news])
            start = starts.get(key)
            since[key] = start.at if start else every[key][0].at - _INSTANT
        ledgers = _ledgers(session, _earliest(since))
        judged: dict[Key, _Judged] = {}
        for key, after in since.items():
            began = _newest(ledgers.get(key, ()), after)
            condition = _condition_at(starts.get(key), began, min(every[key][0].at, conditions[key].since))
            rest = [part for told in every[key] if (part := health.part_since(told, after + _INSTANT))]
            condition, changes = health.fold(condition, rest, self._policy(key[1]))
            judged[key] = _Judged(condition, changes, instead_of_after=after)
        return judged

    def _look_back(
        self, session: Session, late: Mapping[Key, Sequence[Told]]
    ) -> tuple[dict[Key, list[Told]], dict[Key, Finding]]:
        """What is kept of each late key, from far enough back, and the last settled point before its news.

        A key without such a point has all that is kept, and no point.
        """
        first = min(news[0].at for news in late.values())
        kept: dict[Key, list[Told]] = {}
        settled: dict[Key, Finding] = {}
        for window in LOOK_BACK:
            open_keys = late.keys() - settled.keys()
            if not open_keys:
                break
            kept |= _kept_findings(session, open_keys, first - window if window else None)
            for key in open_keys:
                point = _settled_before(kept[key], late[key][0].at, self._policy(key[1]))
                if point is not None:
                    settled[key] = point
        return kept, settled

    # --- writing ------------------------------------------------------------------------------------

    def _write(
        self, session: Session, judged: Mapping[Key, "_Judged"], now: datetime, receipt: Receipt
    ) -> None:
        _upsert(
            session,
            models.Condition,
            [_condition_row(key, j.condition, self._policy(key[1])) for key, j in judged.items()],
        )
        touched = _replace_ledgers(session, judged, now)
        _derive_eyes(session, touched, now)
        incident_book.touch(session, touched)
        for changed in (touched, _doubted(judged)):
            rollups.touch(session, changed)
        _refresh_reasons(session, {eye_id for eye_id, _ in judged})
        if touched:
            codes = session.scalars(select(models.Eye.code).where(models.Eye.id.in_(touched)))
            receipt.changed.update(codes)
        for eye_id, at in touched.items():
            receipt.touched[eye_id] = min(at, receipt.touched.get(eye_id, at))


@dataclass(frozen=True, slots=True)
class _Judged:
    condition: Condition
    changes: tuple[health.Change, ...]
    instead_of_after: datetime | None = None  # the ledger after this moment is replaced


def _is_late(condition: Condition, told: Told, policy: Policy) -> bool:
    """Older than what was heard, or told before a silence that had already been written."""
    if condition.heard_at is None:
        return False
    if told.at <= condition.heard_at:
        return True
    limit = condition.silent_from(policy)
    silenced = condition.reason is Reason.NO_RESULT and condition.state is Outcome.UNKNOWN
    return silenced and limit is not None and told.at <= limit


def _settled_before(kept: Sequence[Told], moment: datetime, policy: Policy) -> Finding | None:
    """The newest finding before ``moment`` after which nothing was pending, whatever came before it.

    That is one that could not be asked, or the last of so many equal ones in a row, without a silence
    between them, that any suspicion or recovery was decided.
    """
    enough = max(policy.confirm_after, policy.recover_after)
    equal = 0
    settled: Finding | None = None
    previous: Finding | None = None
    for one in kept:
        told = health.part_before(one, moment)
        if told is None:
            break
        unbroken = (
            previous is not None
            and previous.outcome is told.outcome
            and (told.at - previous.at).total_seconds() <= policy.silence_factor * previous.interval_s
        )
        equal = equal + 1 if unbroken else 1
        if isinstance(told, Run):
            heard_all = told.every_s <= policy.silence_factor * told.interval_s
            equal = equal + told.count - 1 if heard_all else 1
        previous = health.last_of(told)
        if told.outcome in (Outcome.UNKNOWN, Outcome.OFF) or equal >= enough:
            settled = previous
    return settled


def _condition_at(start: Finding | None, began: Written | None, first: datetime) -> Condition:
    """The settled condition right after ``start``, its beginning read from the ledger.

    Without ``start`` it is the condition before everything that is kept: what the ledger says, or nothing
    heard yet. ``first`` is when the eye was first heard of, since when a state without a row goes on.
    """
    if start is not None:
        return Condition(
            state=start.outcome,
            since=began.at if began else first,
            reason=start.reason,
            heard_at=start.at,
            interval_s=start.interval_s,
        )
    if began is None:
        return health.unheard(first)
    return Condition(Outcome(began.after), began.at, Reason(began.reason))


def _newest(rows: Sequence[Written], moment: datetime) -> Written | None:
    """The row by which the state of ``moment`` began; ``rows`` are in order of time."""
    return next((row for row in reversed(rows) if row.at <= moment), None)


def _doubted(judged: Mapping[Key, "_Judged"]) -> dict[int, datetime]:
    """Of each eye the earliest moment from which its suspicions that came to nothing may differ."""
    moments: dict[Key, datetime] = {}
    for key, j in judged.items():
        doubts = [change.at for change in j.changes if isinstance(change, health.Instability)]
        if j.instead_of_after is not None:
            doubts.append(j.instead_of_after)
        if doubts:
            moments[key] = min(doubts)
    return _earliest(moments)


def _earliest(moments: Mapping[Key, datetime]) -> dict[int, datetime]:
    """Of each eye the earliest among the moments of its ledgers."""
    earliest: dict[int, datetime] = {}
    for (eye_id, _), at in moments.items():
        earliest[eye_id] = min(at, earliest.get(eye_id, at))
    return earliest


# --- rows -------------------------------------------------------------------------------------------


def _eye_ids(session: Session, codes: Collection[str]) -> dict[str, int]:
    rows = session.execute(select(models.Eye.code, models.Eye.id).where(models.Eye.code.in_(codes)))
    return {row.code: row.id for row in rows}


def _findings(results: Iterable[tuple[int, ProbeResult]]) -> dict[Key, list[Finding]]:
    """The verdicts of a batch by eye and check, in order of time, each time once."""
    found: dict[Key, dict[datetime, Finding]] = defaultdict(dict)
    for eye_id, result in results:
        for verdict in result.verdicts:
            finding = Finding(result.at, verdict.outcome, verdict.reason, verdict.interval_s)
            found[eye_id, verdict.check].setdefault(result.at, finding)
    return {key: [by_time[at] for at in sorted(by_time)] for key, by_time in found.items()}


def _losses_of(
    session: Session, told: Iterable[tuple[int, Told]], now: datetime
) -> Mapping[int, Sequence[Loss]]:
    """Of each eye that something is told against, the losses of its site meanwhile, as far as is known."""
    against = [(eye_id, one) for eye_id, one in told if one.outcome is Outcome.FAILING]
    if not against:
        return {}
    within = Span(
        min(one.at for _, one in against), max(health.last_of(one).at for _, one in against) + _INSTANT
    )
    lost = {site: losses for site, losses in sites.losses(session, within, now).items() if losses}
    if not lost:
        return {}
    theirs = session.execute(
        select(models.Eye.id, models.Device.site_id)
        .join(models.Device, models.Device.id == models.Eye.device_id)
        .where(models.Eye.id.in_({eye_id for eye_id, _ in against}), models.Device.site_id.in_(lost))
    )
    return {eye_id: lost[site_id] for eye_id, site_id in theirs}


def _fair(told: Told, losses: Iterable[Loss], received_at: datetime | None) -> list[Told]:
    """What of it a lost site does not say against its eye; what was received after the loss is believed."""
    parts = [told]
    if told.outcome is Outcome.FAILING:
        for loss in losses:
            if received_at and loss.heard_again and received_at >= loss.heard_again:
                continue
            before = [health.part_before(part, loss.lost_from) for part in parts]
            after = [health.part_since(part, loss.heard_again) for part in parts if loss.heard_again]
            parts = [part for part in (*before, *after) if part is not None]
    return parts


def _conditions(session: Session, eye_ids: Collection[int]) -> dict[Key, Condition]:
    rows = session.execute(
        select(*_CONDITION)  # columns: an eye has five, and mapped objects would take most of a delivery
        .where(models.Condition.eye_id.in_(eye_ids))
        .with_for_update()
    )
    return {(row.eye_id, Check(row.check)): _condition(row) for row in rows}


_CONDITION = tuple(models.Condition.__table__.columns)


def _condition(row: models.Condition | Row[*tuple[Any, ...]]) -> Condition:
    return Condition(
        state=Outcome(row.state),
        since=row.since,
        reason=Reason(row.reason),
        heard_at=row.heard_at,
        interval_s=row.interval_s,
        suspect_since=row.suspect_since,
        suspect_reason=Reason(row.suspect_reason) if row.suspect_reason else None,
        failures=row.failures,
        good_since=row.good_since,
        goods=row.goods,
    )


def _condition_row(key: Key, c: Condition, policy: Policy) -> dict[str, Any]:
    return {
        "eye_id": key[0],
        "check": key[1],
        "state": c.state,
        "since": c.since,
        "reason": c.reason,
        "heard_at": c.heard_at,
        "interval_s": c.interval_s,
        "silent_at": c.silent_from(policy),
        "suspect_since": c.suspect_since,
        "suspect_reason": c.suspect_reason,
        "failures": c.failures,
        "good_since": c.good_since,
        "goods": c.goods,
    }


def _upsert(session: Session, table: type[models.Base], rows: list[dict[str, Any]]) -> None:
    """Insert or update by primary key. One ``executemany``: multi-row VALUES cost 20 times as much."""
    if not rows:
        return
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table)
    keys = [column.name for column in table.__table__.primary_key]
    updated = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    session.connection().execute(statement.on_conflict_do_update(index_elements=keys, set_=updated), rows)


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[n : n + EYES_AT_ONCE] for n in range(0, len(ids), EYES_AT_ONCE))


def _ledgers(session: Session, since: Mapping[int, datetime]) -> dict[Ledger, list[Written]]:
    """The ledgers of the eyes in order of time: at least what stands from each eye's own moment on, and of
    the checks' also the row by which the state before that began.
    """
    row = models.Transition
    columns = select(row.id, row.eye_id, row.ledger, row.at, row.before, row.after, row.reason)
    found: dict[Ledger, list[Written]] = defaultdict(list)
    # In order of their moments, so that one moment serves a whole query and little is read in vain.
    for some in _chunks(sorted(since, key=lambda eye_id: since[eye_id])):
        moment = since[some[0]]
        older = aliased(row)
        began = (
            select(func.max(older.at))
            .where(
                older.eye_id == models.Condition.eye_id,
                older.ledger == models.Condition.check,
                older.at < moment,
            )
            .scalar_subquery()
        )
        before = columns.join(
            models.Condition,
            (row.eye_id == models.Condition.eye_id)
            & (row.ledger == models.Condition.check)
            & (row.at == began),
        ).where(models.Condition.eye_id.in_(some))
        onward = columns.where(row.eye_id.in_(some), row.at >= moment).order_by(row.at)
        for query in (before, onward):
            for told in session.execute(query).all():
                found[told.eye_id, told.ledger].append(told)
    return found


def _replace_ledgers(session: Session, judged: Mapping[Key, _Judged], now: datetime) -> dict[int, datetime]:
    """Make the checks' ledgers say what was judged. Returns of each eye the earliest moment that changed."""
    wanted: dict[Key, list[health.Transition]] = {}
    doubts: list[dict[str, Any]] = []
    for key, j in judged.items():
        wanted[key] = [c for c in j.changes if isinstance(c, health.Transition)]
        doubts += [
            {"eye_id": key[0], "check": str(key[1]), "at": c.at, "reason": str(c.reason)}
            for c in j.changes
            if isinstance(c, health.Instability)
        ]
    after = {key: j.instead_of_after for key, j in judged.items() if j.instead_of_after is not None}
    _execute_many(
        session,
        delete(models.Instability).where(
            models.Instability.eye_id == bindparam("of_eye"),
            models.Instability.check == bindparam("of_check"),
            models.Instability.at > bindparam("later_than"),
        ),
        [
            {"of_eye": eye_id, "of_check": str(check), "later_than": at}
            for (eye_id, check), at in after.items()
        ],
    )
    _execute_many(session, insert(models.Instability), doubts)
    ledgers = _ledgers(session, _earliest(after))
    there = {key: [row for row in ledgers.get(key, ()) if row.at > at] for key, at in after.items()}
    return _earliest(_correct(session, there, wanted, now))


def _derive_eyes(session: Session, touched: Mapping[int, datetime], now: datetime) -> None:
    """Write each eye's own ledger anew from its moment on, and the state it ends in."""
    ledgers = _ledgers(session, touched)
    there: dict[Ledger, list[Written]] = {}
    wanted: dict[Ledger, list[health.Transition]] = {}
    for eye_id, first in touched.items():
        before: dict[Check, Standing] = {}
        moves: dict[Check, list[health.Transition]] = defaultdict(list)
        for check in Check:
            for row in ledgers.get((eye_id, check), ()):
                if row.at < first:
                    before[check] = Standing(row.after, Reason(row.reason))
                else:
                    moves[check].append(_transition(row))
        wanted[eye_id, EYE] = health.eye_ledger(before, moves)
        there[eye_id, EYE] = [row for row in ledgers.get((eye_id, EYE), ()) if row.at >= first]
    _correct(session, there, wanted, now)
    newest = (
        models.Transition.eye_id == models.EyeState.eye_id,
        models.Transition.ledger == EYE,
    )
    state, since = (
        select(column).where(*newest).order_by(models.Transition.at.desc()).limit(1).scalar_subquery()
        for column in (models.Transition.after, models.Transition.at)
    )
    _execute_many(
        session,
        update(models.EyeState)
        .where(models.EyeState.eye_id == bindparam("of_eye"))
        .values(state=func.coalesce(state, EyeState.UNKNOWN), since=since),
        [{"of_eye": eye_id} for eye_id in touched],
    )


def _correct(
    session: Session,
    there: Mapping[L, Sequence[Written]],
    wanted: Mapping[L, Sequence[health.Transition]],
    now: datetime,
) -> dict[L, datetime]:
    """Replace the rows that differ from ``wanted``; rows that agree keep their identity.

    Returns of each ledger that changed the earliest moment at which it did.
    """
    gone: list[int] = []
    new: list[dict[str, Any]] = []
    changed: dict[L, datetime] = {}
    for ledger, transitions in wanted.items():
        known: dict[health.Transition, int] = {_transition(row): row.id for row in there.get(ledger, ())}
        wrong = known.keys() - set(transitions)
        missing = [t for t in transitions if t not in known]
        gone += [known[t] for t in wrong]
        new += [_transition_row(ledger, t, now) for t in missing]
        if wrong or missing:
            changed[ledger] = min(t.at for t in (*wrong, *missing))
    _execute_many(
        session,
        delete(models.Transition).where(models.Transition.id == bindparam("of_id")),
        [{"of_id": id_} for id_ in gone],
    )
    _execute_many(session, insert(models.Transition), new)
    return changed


def _execute_many(session: Session, statement: Executable, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        session.connection().execute(statement, rows)


def _transition(row: Written) -> health.Transition:
    return health.Transition(row.at, row.before, row.after, Reason(row.reason))


def _transition_row(ledger: Ledger, t: health.Transition, now: datetime) -> dict[str, Any]:
    return {
        "eye_id": ledger[0],
        "ledger": str(ledger[1]),
        "at": t.at,
        "before": str(t.before),
        "after": str(t.after),
        "reason": str(t.reason),
        "recorded_at": now,
    }


def _ensure_states(session: Session, eye_ids: Collection[int]) -> None:
    """Every eye that was ever probed has a row, unknown until judged."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    rows = [
        {
            "eye_id": eye_id,
            "state": str(EyeState.UNKNOWN),
            "reason": str(Reason.NEVER_PROBED),
            "notes": [],
            "rungs": [],
            "memory": {},
            "transcript": "",
        }
        for eye_id in eye_ids
    ]
    session.connection().execute(dialect.insert(models.EyeState).on_conflict_do_nothing(), rows)


def _keep_moments(session: Session, fresh: Mapping[Key, Sequence[Told]]) -> None:
    """Of each eye when its stream was first ok and last probed, as ``keep_observations`` keeps of probes."""
    streams = {eye_id: told for (eye_id, check), told in fresh.items() if check is Check.STREAM}
    state = models.EyeState
    known = select(state.eye_id, state.first_ok_at, state.probed_at).where(state.eye_id.in_(streams))
    rows = []
    for eye_id, first_ok_at, probed_at in session.execute(known).all():
        goods = [told.at for told in streams[eye_id] if told.outcome is Outcome.OK]
        heard = [health.last_of(told).at for told in streams[eye_id]]
        rows.append(
            {
                "of_eye": eye_id,
                "first": min([*goods, *([first_ok_at] if first_ok_at else [])], default=None),
                "newest": max([*heard, *([probed_at] if probed_at else [])]),
            }
        )
    _execute_many(
        session,
        update(state)
        .where(state.eye_id == bindparam("of_eye"))
        .values(first_ok_at=bindparam("first"), probed_at=bindparam("newest")),
        rows,
    )


def _refresh_reasons(session: Session, eye_ids: Collection[int]) -> None:
    """The reason shown is that of the newest probe: a refused login may meanwhile be held back, say."""
    checks: dict[int, dict[Check, Standing]] = defaultdict(dict)
    said = select(
        models.Condition.eye_id, models.Condition.check, models.Condition.state, models.Condition.reason
    ).where(models.Condition.eye_id.in_(eye_ids))
    for eye_id, check, state, reason in session.execute(said):
        checks[eye_id][Check(check)] = Standing(Outcome(state), Reason(reason))
    rows = [{"id": i, "now": str(health.eye_standing(standings).reason)} for i, standings in checks.items()]
    if rows:
        session.connection().execute(
            update(models.EyeState)
            .where(models.EyeState.eye_id == bindparam("id"))
            .values(reason=bindparam("now")),
            rows,
        )


# --- findings, kept ---------------------------------------------------------------------------------


def _keep_delivery(session: Session, key: str, now: datetime, findings: Mapping[Key, Sequence[Told]]) -> None:
    rows = [
        [eye_id, str(check), f.at.isoformat(), str(f.outcome), str(f.reason), f.interval_s]
        + ([f.every_s, f.count] if isinstance(f, Run) else [])
        for (eye_id, check), news in findings.items()
        for f in news
    ]
    session.add(
        models.Delivery(
            key=key,
            received_at=now,
            first_at=min((f.at for news in findings.values() for f in news), default=now),
            last_at=max((health.last_of(f).at for news in findings.values() for f in news), default=now),
            packed=zlib.compress(orjson.dumps(rows), 1),
        )
    )
    session.flush()


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _pack_oldest_hour(session: Session, edge: datetime) -> int:
    """Put together what was delivered in the oldest hour before ``edge`` that is not yet; how many it was."""
    loose = (models.Delivery.received_at < edge, ~models.Delivery.key.startswith(PACKED))
    oldest = session.scalar(select(func.min(models.Delivery.received_at)).where(*loose))
    if oldest is None:
        return 0
    rows = session.scalars(
        select(models.Delivery)
        .where(*loose, models.Delivery.received_at < _hour(oldest) + timedelta(hours=1))
        .order_by(models.Delivery.received_at)
        .limit(MOST_PACKED)
    ).all()
    told = [finding for row in rows for finding in orjson.loads(zlib.decompress(row.packed))]
    session.add(
        models.Delivery(
            key=f"{PACKED}{uuid.uuid4().hex}",
            received_at=rows[-1].received_at,
            first_at=min(row.first_at for row in rows),
            last_at=max(row.last_at for row in rows),
            packed=zlib.compress(orjson.dumps(told)),
        )
    )
    session.execute(delete(models.Delivery).where(models.Delivery.key.in_([row.key for row in rows])))
    return len(rows)


def _kept_findings(session: Session, keys: Collection[Key], since: datetime | None) -> dict[Key, list[Told]]:
    """The kept findings and runs of ``keys`` in order of time, from ``since`` on."""
    kept: dict[Key, list[Told]] = {key: [] for key in keys}
    # Told twice: what was said first holds, whatever came later under the same identity.
    query = select(models.Delivery.packed).order_by(models.Delivery.received_at, models.Delivery.key)
    if since is not None:
        query = query.where(models.Delivery.last_at >= since)
    for packed in session.scalars(query):
        for eye_id, check, *rest in orjson.loads(zlib.decompress(packed)):
            known = kept.get((eye_id, check))
            if known is None:
                continue
            # A delivery that reaches past ``since`` may begin before it, where others are left out.
            told = health.part_since(_told(*rest), since) if since else _told(*rest)
            if told is not None:
                known.append(told)
    return {key: health.in_order(told) for key, told in kept.items()}


def _told(at: str, outcome: str, reason: str, interval_s: float, *run: Any) -> Told:
    """A finding as ``_keep_delivery`` wrote it; of a run with its distance and number."""
    moment = datetime.fromisoformat(at)
    if run:
        every_s, count = run
        return Run(moment, every_s, count, Outcome(outcome), Reason(reason), interval_s)
    return Finding(moment, Outcome(outcome), Reason(reason), interval_s)
