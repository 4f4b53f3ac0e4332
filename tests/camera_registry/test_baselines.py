"""A baseline is learned over days, proposed, and counts once a person approved it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import baselines, inventory, models
from camera_registry.audit import Actor
from camera_registry.baselines import BaselineError
from camera_registry.credentials import CredentialStore
from camera_registry.units import Scope
from probes.reasons import Reason
from probes.result import Baseline, Measured, Mode
from tests.camera_registry.registries import add_eyes
from tests.camera_registry.sights import result, sight

BEGAN = datetime(2026, 9, 1, tzinfo=UTC)
LATER = BEGAN + timedelta(days=3)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
WHO = Actor("Trực ban", "cli")
EVERYTHING = Scope.everything()


@pytest.fixture
def session(session: Session) -> Session:
    add_eyes(session, 1)
    return session


def eye(session: Session) -> models.Eye:
    return inventory.eye_by_code(session, "E1")


def learn(
    session: Session,
    hours: float = 60,
    every: float = 2,
    mode: Mode = Mode.COLOUR,
    picture: Reason = Reason.OK,
    brightness: float = 100.0,
    since: datetime = BEGAN,
) -> None:
    """Good pictures for so many hours, one each ``every`` hours."""
    taken = [since + timedelta(hours=every * n) for n in range(int(hours / every))]
    for number, at in enumerate(taken):
        shown = sight(brightness + number % 3, mode)
        measured = Measured(shown)
        baselines.take_samples(session, [(eye(session).id, result(at, picture=picture, measured=measured))])


def samples(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(models.PictureSample)) or 0


def deeds(session: Session) -> list[tuple[str, str, str]]:
    rows = session.scalars(select(models.Audit).order_by(models.Audit.id))
    return [(row.who, row.action, row.subject) for row in rows]


def approved(session: Session, store: CredentialStore) -> tuple[Baseline, ...]:
    (asked,) = inventory.load_targets(session, store, LATER, ZONE)
    return asked.target.baselines


def test_from_samples_to_an_approved_baseline(session: Session, store: CredentialStore) -> None:
    learn(session)
    assert baselines.propose(session, LATER) == 1
    (waiting,) = baselines.waiting(session, EVERYTHING, LATER.date())
    assert (waiting.eye, waiting.mode, waiting.brightness, waiting.samples) == ("E1", "colour", 101.0, 30)
    assert approved(session, store) == (), "nobody has seen it yet"

    baselines.approve(session, eye(session), Mode.COLOUR, WHO, LATER)

    (usual,) = approved(session, store)
    assert (usual.mode, usual.brightness, usual.edges) == (Mode.COLOUR, 101.0, sight().edges)
    assert deeds(session) == [("Trực ban", "baseline_approved", "eye:E1")]
    assert baselines.waiting(session, EVERYTHING, LATER.date()) == []
    assert baselines.propose(session, LATER) == 0


TOO_LITTLE = [
    pytest.param({"hours": 36, "every": 1}, id="one day and a half"),
    pytest.param({"hours": 72, "every": 4}, id="eighteen samples"),
    pytest.param({"picture": Reason.PICTURE_BLURRED}, id="pictures that are blurred"),
]


@pytest.mark.parametrize("how", TOO_LITTLE)
def test_nothing_is_proposed_of(session: Session, how: dict[str, float]) -> None:
    learn(session, **how)  # type: ignore[arg-type]  # a table of any of its arguments

    assert baselines.propose(session, LATER) == 0


def test_one_sample_an_hour(session: Session) -> None:
    learn(session, hours=2, every=1 / 12)

    assert samples(session) == 2


def test_the_median_of_edges_is_not_moved_by_one_picture(session: Session) -> None:
    learn(session)
    at = BEGAN + timedelta(hours=61)
    spoilt = Measured(sight(edges=b"\xff" * 1200))
    baselines.take_samples(session, [(eye(session).id, result(at, picture=Reason.OK, measured=spoilt))])
    baselines.propose(session, LATER)

    row = session.scalars(select(models.Baseline)).one()
    assert np.array_equal(np.frombuffer(row.edges, np.uint8), np.frombuffer(sight().edges, np.uint8))


def test_day_and_infrared_are_learned_apart(session: Session) -> None:
    learn(session)
    baselines.propose(session, LATER)
    learn(session, mode=Mode.GREY, brightness=50.0, since=LATER)
    learn(session, since=LATER)

    assert samples(session) == 60, "what is proposed needs no more samples"
    assert baselines.propose(session, LATER + timedelta(days=3)) == 1
    modes = [one.mode for one in baselines.waiting(session, EVERYTHING, LATER.date())]
    assert modes == [Mode.COLOUR, Mode.GREY]


def test_a_rejected_baseline_is_learned_anew(session: Session, store: CredentialStore) -> None:
    learn(session)
    baselines.propose(session, LATER)

    baselines.reject(session, eye(session), Mode.COLOUR, WHO, LATER, "mờ từ đầu")

    assert (samples(session), approved(session, store)) == (0, ())
    assert deeds(session) == [("Trực ban", "baseline_rejected", "eye:E1")]
    with pytest.raises(BaselineError, match="E1"):
        baselines.approve(session, eye(session), Mode.COLOUR, WHO, LATER)
    learn(session, since=LATER)
    assert baselines.propose(session, LATER + timedelta(days=3)) == 1


def test_a_camera_that_was_turned_on_purpose_begins_anew(session: Session, store: CredentialStore) -> None:
    learn(session)
    baselines.propose(session, LATER)
    baselines.approve(session, eye(session), Mode.COLOUR, WHO, LATER)

    assert baselines.reset(session, eye(session), WHO, LATER) == 1
    assert (samples(session), approved(session, store)) == (0, ())


def test_samples_are_forgotten_after_a_week(session: Session) -> None:
    learn(session, hours=24)

    assert baselines.forget_samples(session, BEGAN + timedelta(days=7, hours=12)) == 6
    assert samples(session) == 6


def test_access_withdrawn_takes_what_was_seen_with_it(session: Session) -> None:
    learn(session)
    baselines.propose(session, LATER)

    inventory.withdraw_access(session, eye(session), LATER)
    learn(session, mode=Mode.GREY, since=LATER)  # results that were under way

    assert samples(session) == 0
    assert baselines.waiting(session, EVERYTHING, LATER.date()) == []
