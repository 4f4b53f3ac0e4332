"""What is said of a picture: each rule by itself, and series of pictures as stories."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.decode import Plane
from probes.opencv import cv2
from probes.picture import FROZEN_SAMPLES, GRACE, MIN_SAMPLES, judge, learn, stands_still, watch
from probes.reasons import Reason
from probes.result import Baseline, Mode, Seen
from probes.sight import Glance
from tests.probes.pictures import blurred, glance, plain, street, with_clock

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
CYCLE = timedelta(minutes=5)


@pytest.fixture(scope="module")
def usual() -> tuple[Baseline, ...]:
    """The street by day and under infrared."""
    pictures = [street(live=n, grey=grey) for grey in (False, True) for n in range(MIN_SAMPLES)]
    return learn([glance(picture).sight for picture in pictures])


def said(
    picture: Plane, baselines: tuple[Baseline, ...] = (), seen: Seen | None = None, *, ptz: bool = False
) -> Reason:
    return judge(glance(picture).sight, baselines, seen, NOON, ptz=ptz).reason


def card(colour: tuple[int, int, int], text: str = "") -> Plane:
    picture = np.full((360, 640, 3), colour, np.uint8)
    cv2.putText(picture, text, (150, 200), cv2.FONT_HERSHEY_SIMPLEX, 2, (255, 255, 255), 4)
    return picture


def cut_off(fill: Callable[[Plane], npt.ArrayLike]) -> Plane:
    picture = street()
    picture[200:] = np.asarray(fill(picture), np.uint8)
    return picture


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        pytest.param(street(), Reason.OK, id="a street"),
        pytest.param(street(grey=True, noise=8), Reason.OK, id="a street at night"),
        pytest.param(plain(4), Reason.PICTURE_BLACK, id="black"),
        pytest.param(with_clock(plain(4), "12:00:00"), Reason.PICTURE_BLACK, id="black, with a clock"),
        pytest.param(plain(252), Reason.PICTURE_WHITE, id="white"),
        pytest.param(plain(60, 3), Reason.PICTURE_COVERED, id="a cap"),
        pytest.param(with_clock(plain(60, 3), "12:00:00"), Reason.PICTURE_COVERED, id="a cap, with a clock"),
        pytest.param((street() * 0.22 + 100).astype(np.uint8), Reason.PICTURE_LOW_CONTRAST, id="fog"),
        pytest.param(blurred(street(), 9), Reason.PICTURE_BLURRED, id="hopelessly out of focus"),
        pytest.param(card((90, 90, 40), "NO VIDEO"), Reason.PLACEHOLDER_PICTURE, id="a card"),
        pytest.param(card((200, 60, 20)), Reason.PLACEHOLDER_PICTURE, id="a blue screen"),
        pytest.param(cut_off(lambda _: (0, 135, 0)), Reason.PICTURE_CORRUPT, id="green from a row on"),
        pytest.param(cut_off(lambda _: 128), Reason.PICTURE_CORRUPT, id="grey from a row on"),
        pytest.param(cut_off(lambda p: p[199]), Reason.PICTURE_CORRUPT, id="smeared from a row on"),
    ],
)
def test_a_picture_by_itself(picture: Plane, reason: Reason) -> None:
    assert said(picture) is reason


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        pytest.param(street(live=99), Reason.OK, id="as always"),
        pytest.param(street(live=99, grey=True), Reason.OK, id="as always, at night"),
        pytest.param(blurred(street(live=99), 4), Reason.PICTURE_BLURRED, id="out of focus"),
        pytest.param(np.roll(street(), 250, axis=1), Reason.PICTURE_MOVED, id="turned to the side"),
        pytest.param(street(2), Reason.PICTURE_MOVED, id="another street"),
        pytest.param(blurred(street(2), 40), Reason.PICTURE_COVERED, id="a cloth"),
    ],
)
def test_a_picture_beside_what_is_usual(usual: tuple[Baseline, ...], picture: Plane, reason: Reason) -> None:
    assert said(picture, usual) is reason


def test_a_camera_that_turns_by_itself_is_never_moved(usual: tuple[Baseline, ...]) -> None:
    assert said(street(2), usual, ptz=True) is Reason.OK


def test_without_enough_samples_or_of_another_mode_a_baseline_says_nothing(
    usual: tuple[Baseline, ...],
) -> None:
    assert said(street(2), tuple(replace(b, samples=MIN_SAMPLES - 1) for b in usual)) is Reason.OK
    assert said(street(2), tuple(b for b in usual if b.mode is Mode.GREY)) is Reason.OK
    assert judge(glance(street()).sight, (), None, NOON).similarity is None


def test_a_baseline_is_learned_of_usable_pictures_only() -> None:
    sights = [glance(street(live=n)).sight for n in range(MIN_SAMPLES - 1)]
    assert learn([*sights, glance(plain(4)).sight]) == ()
    (baseline,) = learn([*sights, sights[0], *[glance(plain(4)).sight] * 30])
    assert (baseline.mode, baseline.samples) == (Mode.COLOUR, MIN_SAMPLES)
    assert baseline.brightness == pytest.approx(sights[0].brightness, abs=1)


# --- series -----------------------------------------------------------------------------------------


def series(pictures: Iterable[Plane], every: timedelta = CYCLE) -> Seen:
    seen = None
    for number, picture in enumerate(pictures):
        seen = watch(seen, glance(picture), NOON + number * every)
    assert seen is not None
    return seen


def test_a_live_camera_changes_with_every_picture() -> None:
    seen = series(street(live=n) for n in range(5))
    assert not stands_still(seen)
    assert seen.changed_at == NOON + 4 * CYCLE


@pytest.mark.parametrize("every", [timedelta(seconds=25), CYCLE], ids=["soon", "each cycle"])
def test_the_same_file_three_times_is_frozen(every: timedelta) -> None:
    assert not stands_still(series([street()] * (FROZEN_SAMPLES - 1), every))
    seen = series([street()] * FROZEN_SAMPLES, every)
    assert stands_still(seen)
    assert seen.changed_at == NOON
    assert said(street(), (), seen) is Reason.PICTURE_FROZEN


def test_what_a_cache_gives_twice_counts_once() -> None:
    assert series([street()] * 5, timedelta(seconds=15)).samples == 3


def test_a_clock_ticks_over_a_frozen_picture() -> None:
    clocks = [f"2026-09-01 12:{minute:02}:{17 * minute % 60:02}" for minute in range(0, 20, 5)]
    seen = series(with_clock(street(), text) for text in clocks)
    assert seen.equal == 1
    assert stands_still(seen)
    assert 0 < sum(seen.ticking) <= sum(seen.touched) <= 12


def test_a_clock_ticks_over_a_living_picture() -> None:
    assert not stands_still(series(with_clock(street(live=n), f"12:00:0{n}") for n in range(4)))


def test_somebody_walks_through_a_scene_without_noise() -> None:
    def walked(n: int) -> Plane:
        picture = with_clock(street(), f"12:00:0{n}")
        picture[150:220, 100 + 90 * n : 140 + 90 * n] = 10
        return picture

    assert not stands_still(series(walked(n) for n in range(5)))


def test_ten_minutes_must_pass_unless_files_are_identical() -> None:
    pictures = [with_clock(street(), f"12:00:{n:02}") for n in range(6)]
    assert not stands_still(series(pictures, timedelta(seconds=60)))


def test_after_the_infrared_filter_moved_focus_has_ten_minutes(usual: tuple[Baseline, ...]) -> None:
    seen = watch(None, glance(street()), NOON - CYCLE)
    night = glance(blurred(street(grey=True), 4))
    seen = watch(seen, night, NOON)
    assert judge(night.sight, usual, seen, NOON).reason is Reason.OK
    later = NOON + GRACE
    seen = watch(seen, glance(blurred(street(grey=True, live=3), 4)), later)
    assert judge(night.sight, usual, seen, later).reason is Reason.PICTURE_BLURRED


@pytest.fixture(scope="module")
def four() -> list[Glance]:
    clocked = [glance(with_clock(street(), f"12:00:0{n}")) for n in range(2)]
    return [*clocked, glance(street(live=5)), glance(street(grey=True))]


@settings(max_examples=60)
@given(steps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 900)), min_size=1, max_size=12))
def test_a_series_is_no_older_than_its_last_change(four: list[Glance], steps: list[tuple[int, int]]) -> None:
    seen: Seen | None = None
    now = last = NOON
    for which, seconds in steps:
        now += timedelta(seconds=seconds)
        before = seen
        seen = watch(seen, four[which], now)
        last = now if before is not seen else last
        assert seen.changed_at <= seen.last_at == last
        assert seen.equal <= seen.samples or seen.equal == 1
        if which == 2 and before is not None and before is not seen and before.thumb != four[2].thumb:
            assert seen.changed_at == now
