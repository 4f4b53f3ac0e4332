"""The doctor on both databases: a healthy one passes; each kind of damage is found, and named."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from camera_registry import closings, doctor, models, rollups
from camera_registry.alerts import channels
from camera_registry.audit import Actor
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.doctor import Examined
from camera_registry.ingest import Ingest, rules
from camera_registry.settings import Settings, load
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Verdict
from tests.camera_registry.registries import fresh
from tests.databases import KINDS, Cluster, sqlite_in, sqlite_url

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
MINUTES = 60
BATCH = 10  # minutes delivered together
NOW = NOON + timedelta(minutes=MINUTES)
DOWN = range(20, 30)  # minutes in which E1 does not answer
DARK = range(35, 40)  # ... and in which it shows nothing


@dataclass(frozen=True, slots=True)
class Patient:
    database: Database
    settings: Settings

    def judge(self, now: datetime = NOW) -> Ingest:
        return Ingest(self.database, rules(), lambda: now)

    def examined(self) -> dict[str, Examined]:
        """What the doctor finds, by invariant."""
        store = CredentialStore(self.settings)
        found = doctor.examine(self.database, self.judge(), store, self.settings.zone, NOW)
        return {examined.invariant: examined for examined in found}

    def broken(self) -> dict[str, Examined]:
        return {name: examined for name, examined in self.examined().items() if not examined.holds}

    def damage(self, statement: str) -> None:
        """Somebody writes into the tables by hand, the guards of the database switched off."""
        with self.database.engine.connect() as connection:
            off = (
                "PRAGMA foreign_keys=OFF" if self.database.sqlite else "SET session_replication_role=replica"
            )
            on = "PRAGMA foreign_keys=ON" if self.database.sqlite else "SET session_replication_role=origin"
            connection.exec_driver_sql(off)
            for one in statement.split(";"):
                connection.execute(text(one))
            connection.commit()
            connection.exec_driver_sql(on)
            connection.commit()


@pytest.fixture(scope="module", params=KINDS)
def healthy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patient]:
    """Two eyes that were asked for an hour: E1 was down for ten minutes of it, E2 never."""
    folder = tmp_path_factory.mktemp("healthy")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = sqlite_in(folder)
        else:
            cluster: Cluster = request.getfixturevalue("postgres")
            url = stack.enter_context(cluster.database())
        database, _ = fresh(url, eyes=2)
        patient = Patient(database, load(data_dir=folder, database_url=url))
        store = CredentialStore(patient.settings)
        with database.transaction() as session:
            store.prepare(session)
            store.put(session, "cameras", "monitor", "only for loopback", now=NOON)
            session.add_all(_around(session.get_one(models.Point, 1)))
            session.flush()
            session.add_all(_of_the_repair())
        for first in range(0, MINUTES, BATCH):
            said = _said_in(range(first, first + BATCH), NOON)
            patient.judge().deliver(f"delivery {first}", said)
        database.close()
        yield patient


@pytest.fixture
def patient(request: pytest.FixtureRequest, healthy: Patient, tmp_path: Path) -> Iterator[Patient]:
    """A copy, to be damaged."""
    folder = tmp_path / "home"
    shutil.copytree(healthy.settings.data_dir, folder)  # with the key of its logins
    with ExitStack() as stack:
        if healthy.database.sqlite:
            url = sqlite_url(folder / "registry.db")
        else:
            cluster: Cluster = request.getfixturevalue("postgres")
            url = stack.enter_context(cluster.database(like=healthy.database.engine.url.database or ""))
        copy = Patient(Database(url), load(data_dir=folder, database_url=url))
        yield copy
        copy.database.close()


def _said_in(minutes: range, since: datetime) -> list[ProbeResult]:
    return [_said(eye, n, since + timedelta(minutes=n)) for n in minutes for eye in (1, 2)]


def _said(eye: int, n: int, at: datetime) -> ProbeResult:
    stream, picture = Outcome.OK, Outcome.OK
    if eye == 1 and n in DOWN:
        stream, picture = Outcome.FAILING, Outcome.UNKNOWN
    if eye == 1 and n in DARK:
        picture = Outcome.FAILING
    verdicts = (
        Verdict(Check.STREAM, stream, _reason(stream, Reason.TCP_TIMEOUT), 60.0),
        Verdict(Check.PICTURE, picture, _reason(picture, Reason.PICTURE_BLACK), 60.0),
    )
    return ProbeResult(f"E{eye}", at, Depth.DEEP, 0.5, verdicts, Memory())


def _reason(outcome: Outcome, failing: Reason) -> Reason:
    return {Outcome.OK: Reason.OK, Outcome.FAILING: failing, Outcome.UNKNOWN: Reason.KEYFRAME_NOT_SEEN}[
        outcome
    ]


def _around(point: models.Point) -> list[models.Base]:
    """A window, a suspension, custody, an incident: one of everything that spans time."""
    began = NOON + timedelta(minutes=DOWN[0])
    incident = models.Incident(
        kind="eye", ancestor_id=1, started_at=began, announced_at=began, ended_at=NOW, recorded_at=NOW
    )
    incident.id = 1
    custody = models.Custody(point_id=point.id, valid_from=NOON.date(), manager="UBND phường Yên Bái")
    return [
        models.Maintenance(
            kind="work", from_at=NOON, to_at=NOW, reason="cột điện", entered_at=NOON, entered_by="somebody"
        ),
        models.Suspension(eye_id=2, from_at=NOON - timedelta(days=2), to_at=NOON - timedelta(days=1)),
        models.Heartbeat(site_id=1, from_at=NOON, to_at=NOW, every_s=10.0),
        custody,
        incident,
        models.IncidentEye(incident_id=1, eye_id=1, from_at=began, to_at=NOW),
        models.Repair(
            point_id=point.id, state="waiting_for_money", fault="cột đổ", opened_at=NOON, opened_by="somebody"
        ),
    ]


def _of_the_repair() -> list[models.Base]:
    """It waits for money, and one of two quotations was chosen."""
    steps = [
        models.RepairStep(repair_id=1, at=NOON, state=state, made_at=NOON, made_by="somebody")
        for state in ("reported", "waiting_for_money")
    ]
    offer = {"repair_id": 1, "amount": 1_000, "dated": NOON.date(), "made_at": NOON, "made_by": "somebody"}
    offers = [models.Quotation(party=party, chosen=party == "A", **offer) for party in ("A", "B")]
    return [*steps, *offers, models.RepairEye(repair_id=1, eye_id=1)]


def test_the_healthy(patient: Patient) -> None:
    examined = patient.examined()

    assert patient.broken() == {}
    for name in (
        *(doctor.CHAINS, doctor.DERIVED, doctor.ENDS, doctor.CONCLUDED, doctor.SPANS, doctor.MEMBERS),
        *(doctor.REPAIRS, doctor.MENDED_ONCE, doctor.CHOSEN),
    ):
        assert examined[name].looked_at > 0


# what somebody wrote, the invariants that no longer hold, and what the doctor says
DAMAGES = [
    pytest.param(
        "DELETE FROM transition WHERE eye_id = 1 AND ledger = 'stream' AND after = 'failing'",
        {doctor.CHAINS, doctor.DERIVED, doctor.CONCLUDED},
        "E1 stream 2026-09-01T12:30",
        id="a transition is gone",
    ),
    pytest.param(
        "UPDATE transition SET reason = 'RTP_NONE'"
        " WHERE eye_id = 1 AND ledger = 'stream' AND after = 'failing'",
        {doctor.DERIVED, doctor.CONCLUDED},
        "E1 2026-09-01T12:20",
        id="a reason is another",
    ),
    pytest.param(
        "UPDATE transition SET at = '2026-09-01 12:45:00'"
        " WHERE eye_id = 1 AND ledger = 'stream' AND after = 'failing'",
        {doctor.CHAINS, doctor.DERIVED, doctor.ENDS, doctor.CONCLUDED},
        "E1 stream",
        id="a fall is later than its recovery",
    ),
    pytest.param(
        "DELETE FROM transition WHERE eye_id = 1 AND ledger = 'eye'",
        {doctor.DERIVED, doctor.ENDS, doctor.MEMBERS},
        "E1",
        id="an eye has no ledger",
    ),
    pytest.param(
        "UPDATE condition SET state = 'failing' WHERE eye_id = 2 AND \"check\" = 'stream'",
        {doctor.ENDS, doctor.CONCLUDED},
        "E2 stream",
        id="a condition says otherwise",
    ),
    pytest.param(
        "UPDATE eye_state SET state = 'down' WHERE eye_id = 2",
        {doctor.ENDS},
        "E2 eye",
        id="an eye is shown down",
    ),
    pytest.param(
        "UPDATE condition SET suspect_since = '2026-09-01 12:59:00', failures = 1 WHERE eye_id = 2",
        {doctor.CONCLUDED},
        "E2 picture; E2 stream",
        id="a suspicion that nothing raised",
    ),
    pytest.param(
        'INSERT INTO instability (id, eye_id, "check", at, reason)'
        " VALUES (99, 2, 'stream', '2026-09-01 12:10:00', 'RTP_NONE')",
        {doctor.CONCLUDED},
        "E2 stream",
        id="a blip that nobody saw",
    ),
    pytest.param(
        "DELETE FROM delivery WHERE key = 'delivery 20'",
        {doctor.CONCLUDED},
        "E1 stream",
        id="a delivery is gone",
    ),
    pytest.param(
        "UPDATE point_unit SET unit_id = 77 WHERE point_id = 2",
        {doctor.REFERENCES},
        "point_unit.unit_id = 77",
        id="a unit that does not exist",
    ),
    pytest.param(
        "UPDATE maintenance SET to_at = '2026-09-01 11:00:00'",
        {doctor.SPANS},
        "maintenance 1",
        id="a window ends before it begins",
    ),
    pytest.param(
        "UPDATE suspension SET to_at = from_at", {doctor.SPANS}, "suspension 1", id="a suspension of nothing"
    ),
    pytest.param(
        "UPDATE incident SET ended_at = '2026-09-01 12:00:00'",
        {doctor.SPANS},
        "incident 1",
        id="an incident ends before it begins",
    ),
    pytest.param(
        "UPDATE incident_eye SET from_at = '2026-09-01 12:05:00'",
        {doctor.MEMBERS},
        "incident 1 E1",
        id="an eye of an incident was up",
    ),
    pytest.param(
        "INSERT INTO custody (id, point_id, valid_from, manager, electricity, internet, document)"
        " VALUES (99, 1, '2026-10-01', 'Công an xã', '', '', '')",
        {doctor.CUSTODY},
        "P1 2026-10-01",
        id="two custodians",
    ),
    pytest.param(
        "UPDATE repair SET state = 'done'",
        {doctor.REPAIRS},
        "repair 1 is not where its steps end",
        id="a repair is done without a step",
    ),
    pytest.param(
        "INSERT INTO repair_step (id, repair_id, at, state, text, made_at, made_by)"
        " VALUES (99, 1, '2026-09-01 11:00:00', 'waiting_for_money', '', '2026-09-01 13:00:00', 'hoa')",
        {doctor.REPAIRS},
        "repair 1 goes back in time",
        id="a repair goes back in time",
    ),
    pytest.param(
        "INSERT INTO repair (id, point_id, state, component, fault, payer, grounds, opened_at, opened_by)"
        " VALUES (2, 1, 'reported', '', 'x', '', '', '2026-09-01 12:00:00', 'hoa');"
        "INSERT INTO repair_step (id, repair_id, at, state, text, made_at, made_by)"
        " VALUES (99, 2, '2026-09-01 12:00:00', 'reported', '', '2026-09-01 12:00:00', 'hoa');"
        "INSERT INTO repair_eye (repair_id, eye_id) VALUES (2, 1)",
        {doctor.MENDED_ONCE},
        "E1",
        id="an eye is mended twice",
    ),
    pytest.param(
        "UPDATE quotation SET chosen = true WHERE party = 'B'",
        {doctor.CHOSEN},
        "repair 1",
        id="two quotations are chosen",
    ),
    pytest.param(
        "UPDATE credential SET id = 2",
        {doctor.OPENED},
        "cameras",
        id="a login does not open",
    ),
    pytest.param(
        "UPDATE alembic_version SET version_num = '0000'",
        {doctor.MIGRATED},
        "0000",
        id="tables of another time",
    ),
]


@pytest.mark.parametrize(("statement", "invariants", "said"), DAMAGES)
def test_damage(patient: Patient, statement: str, invariants: set[str], said: str) -> None:
    patient.damage(statement)

    broken = patient.broken()
    assert broken.keys() == invariants
    assert any(said in "; ".join(examined.examples) for examined in broken.values()), broken


@pytest.mark.parametrize("key", ["missing", "another"])
def test_a_registry_without_its_key(patient: Patient, tmp_path: Path, key: str) -> None:
    """What a backup looks like that was restored without the key: nothing sealed opens, and that is said."""
    with patient.database.transaction() as session:
        store = CredentialStore(patient.settings)
        store.prepare(session)
        session.execute(text("UPDATE credential SET sealed = NULL"))
        channels.add(
            *(session, store, Actor("somebody", "cli"), NOW),
            name="Trực ban",
            kind=channels.Kind.EMAIL,
            unit_id=None,
            language="vi",
            address="truc.ban@example.vn",
            reason="x",
        )
    patient.settings.data_dir.joinpath("credential.key").unlink()
    if key == "another":
        patient.settings.data_dir.joinpath("credential.key").write_bytes(Fernet.generate_key())
    broken = patient.broken()
    assert broken[doctor.OPENED].examples == ("Trực ban",)
    assert (doctor.KEY in broken) == (key == "missing")
    if key == "missing":
        assert broken[doctor.KEY].examples[0].endswith("credential.key")


DAY = timedelta(days=1)
LATER = NOW + 45 * DAY  # September is over, and what came late has come


def test_what_was_counted(patient: Patient) -> None:
    """Days rolled up and a month closed; then both are changed by hand, past the guards."""
    zone, store = patient.settings.zone, CredentialStore(patient.settings)
    patient.judge(LATER).tick(LATER)
    assert rollups.make(patient.database, zone, LATER) > 0
    with patient.database.transaction() as session:
        closings.close(session, Actor("somebody", "cli"), NOON.date(), LATER, zone, lateness=7 * DAY)

    def broken() -> dict[str, tuple[str, ...]]:
        found = doctor.examine(patient.database, patient.judge(LATER), store, zone, LATER)
        return {examined.invariant: examined.examples for examined in found if not examined.holds}

    otherwise = (
        "UPDATE rollup SET down = 1 - down"
        " WHERE eye_id = 1 AND until > '2026-09-01 12:00:00' AND until < '2026-09-02'"
    )
    assert broken() == {}
    patient.damage(otherwise)
    assert broken() == {doctor.ROLLED_UP: ("E1 2026-09-01",)}
    patient.damage(otherwise)
    if patient.database.sqlite:
        patient.damage("DROP TRIGGER closed_figure_is_final_update")
    patient.damage("UPDATE closed_figure SET down = 0")
    assert broken() == {doctor.CLOSED: ("2026-09 0",)}


def test_more_is_broken_than_is_named(patient: Patient) -> None:
    patient.damage("UPDATE transition SET before = 'off'")

    chains = patient.broken()[doctor.CHAINS]
    assert chains.broken > len(chains.examples) == doctor.SHOWN


def test_silence_that_is_not_written_yet_is_no_damage(patient: Patient) -> None:
    later = NOW + timedelta(hours=1)
    store = CredentialStore(patient.settings)

    def broken() -> list[Examined]:
        found = doctor.examine(patient.database, patient.judge(later), store, patient.settings.zone, later)
        return [examined for examined in found if not examined.holds]

    assert broken() == []
    patient.judge(later).tick(later)
    assert broken() == []


def test_what_is_older_than_anything_kept_is_left_out(patient: Patient) -> None:
    """A fortnight later nothing is kept of the noon; what the ledger says of it stands unproven."""
    later = NOON + timedelta(days=20)
    judge = patient.judge(later)
    judge.tick(later)
    now = later + timedelta(minutes=BATCH)
    patient.judge(now).deliver("later", _said_in(range(BATCH), later))
    assert judge.prune(later) > 0
    store = CredentialStore(patient.settings)

    found = list(doctor.examine(patient.database, patient.judge(now), store, patient.settings.zone, now))

    assert [examined for examined in found if not examined.holds] == []
