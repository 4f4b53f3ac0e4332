"""The plan: who is asked when follows from names, and a recorder is asked at the pace it bears."""

import math
import random as chance
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_registry.plan import Pace, Plan, bearable, make_plan
from probes.result import Depth, Memory, Target

DEEP_S = 300
INTERVALS = {"S1": 60, "S2": 300}
NOON = 1_788_264_000  # seconds of the epoch


def recorder(
    host: str, eyes: int, sessions: int = 2, probe_s: float | None = None, site: str = "S1"
) -> list[Target]:
    memory = Memory(probe_s=probe_s)
    return [
        Target(f"{site}/{host}/{n}", host, path=f"/{n}", site=site, sessions=sessions, memory=memory)
        for n in range(1, eyes + 1)
    ]


def planned(targets: Sequence[Target], shard_eyes: int = 32) -> Plan:
    return make_plan(targets, INTERVALS, deep_interval_s=DEEP_S, shard_eyes=shard_eyes)


def moments(plan: Plan, begin: float, seconds: float) -> dict[str, list[tuple[float, Depth]]]:
    """When each eye is asked in [begin, begin + seconds), and how deep."""
    asked: dict[str, list[tuple[float, Depth]]] = defaultdict(list)
    for shard in plan.shards:
        # An eye is asked up to an interval after its slot is due.
        for slot in range(shard.slot_at(begin) - 1, shard.slot_at(begin + seconds) + 1):
            for ask in shard.asks:
                depth, moment = ask.depth(slot), shard.due_at(slot) + ask.offset_s
                if depth is not None and begin <= moment < begin + seconds:
                    asked[ask.target.eye].append((moment, depth))
    return asked


cities = st.lists(
    st.builds(
        recorder,
        host=st.integers(1, 30).map(lambda n: f"10.0.0.{n}"),
        eyes=st.sampled_from([1, 1, 1, 2, 8, 64]),
        sessions=st.integers(1, 4),
        probe_s=st.sampled_from([None, 0.3, 2.0, 9.0]),
        site=st.sampled_from(sorted(INTERVALS)),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda devices: (devices[0].site, devices[0].host),
).map(lambda devices: [target for device in devices for target in device])


@pytest.mark.parametrize(
    ("eyes", "sessions", "probe_s", "interval_s", "every"),
    [
        pytest.param(1, 1, None, 60, 1, id="a camera never asked yet"),
        pytest.param(1, 1, 25.0, 60, 1, id="a slow camera"),
        pytest.param(1, 1, 45.0, 60, 2, id="a camera too slow for its interval"),
        pytest.param(8, 2, None, 60, 1, id="a small recorder"),
        pytest.param(64, 2, None, 60, 2, id="64 channels, two sessions, never asked yet"),
        pytest.param(64, 2, 0.3, 60, 1, id="... quick"),
        pytest.param(64, 2, 6.0, 60, 5, id="... slow"),
        pytest.param(64, 1, 6.0, 60, 10, id="... slow, one session"),
        pytest.param(64, 2, 6.0, 300, 1, id="... slow, behind a household line"),
    ],
)
def test_every_how_many_intervals(
    eyes: int, sessions: int, probe_s: float | None, interval_s: int, every: int
) -> None:
    assert bearable(eyes, sessions, probe_s, interval_s) == every


def test_a_slow_recorder_is_asked_at_the_pace_it_bears() -> None:
    plan = planned(recorder("10.0.0.1", 64, probe_s=6.0))
    (pace,) = plan.paces
    assert (pace.device, pace.eyes, pace.sessions, pace.effective_interval_s) == (
        "10.0.0.1:554",
        64,
        2,
        300.0,
    )
    (shard,) = plan.shards
    assert {ask.target.interval_s for ask in shard.asks} == {300.0}
    per_slot = Counter(slot for slot in range(5) for ask in shard.asks if ask.depth(slot) is not None)
    assert sorted(per_slot.values()) == [12, 13, 13, 13, 13]
    spent = max(per_slot.values()) * 6.2 / 2
    assert spent < 60, "a turn of the channels is over before the next begins"


def test_the_pace_is_that_of_the_median_channel() -> None:
    targets = recorder("10.0.0.1", 64, probe_s=0.3)
    targets[0] = replace(targets[0], memory=Memory(probe_s=25.0))  # one dead channel runs into its time-out
    assert planned(targets).paces[0].every == 1


def test_two_rows_of_the_same_site_host_and_port_are_one_device() -> None:
    rows = [
        Target("E1", "10.0.0.1", path="/1", site="S1", sessions=2),
        Target("E2", "10.0.0.1", path="/2", site="S1", sessions=1),
        Target("E3", "10.0.0.1", port=8554, path="/1", site="S1"),
        Target("E4", "10.0.0.1", path="/1", site="S2"),
    ]
    paces = {(pace.site, pace.device): pace for pace in planned(rows).paces}
    assert {key: pace.eyes for key, pace in paces.items()} == {
        ("S1", "10.0.0.1:554"): 2,
        ("S1", "10.0.0.1:8554"): 1,
        ("S2", "10.0.0.1:554"): 1,
    }
    assert paces["S1", "10.0.0.1:554"].sessions == 1, "the more careful of the two"
    asked = [ask.target for shard in planned(rows).shards for ask in shard.asks]
    assert {t.eye: t.sessions for t in asked if t.site == "S1"} == {"E1": 1, "E2": 1, "E3": 1}


def test_no_eyes_no_shards() -> None:
    assert planned([]) == Plan((), ())


def test_a_city_is_spread_over_the_interval() -> None:
    asked = moments(planned(recorder("10.0.0.1", 1) + [
        target for n in range(2, 1000) for target in recorder(f"10.0.{n // 250}.{n % 250}", 1)
    ]), NOON, 60)  # fmt: skip
    per_second = Counter(int(moment - NOON) for ((moment, _),) in asked.values())
    assert sum(per_second.values()) == 999
    assert max(per_second.values()) < 40  # 17 a second on the average


@given(cities, st.integers(1, 100))
def test_every_eye_stands_in_one_shard_and_every_device_whole_in_one(
    targets: list[Target], shard_eyes: int
) -> None:
    plan = planned(targets, shard_eyes)
    assert sorted(ask.target.eye for s in plan.shards for ask in s.asks) == sorted(t.eye for t in targets)
    homes = defaultdict(set)
    for shard in plan.shards:
        assert 0 <= shard.phase_s < shard.interval_s
        for ask in shard.asks:
            homes[ask.target.site, ask.target.device].add(shard.key)
            assert shard.key.startswith(f"{ask.target.site}/")
            assert 0 <= ask.offset_s < shard.interval_s
    assert all(len(keys) == 1 for keys in homes.values())
    assert len({shard.key for shard in plan.shards}) == len(plan.shards)


@given(cities, st.integers(0, 100_000))
def test_each_eye_is_asked_once_in_any_of_its_intervals(targets: list[Target], begin: int) -> None:
    plan = planned(targets)
    begin_s = NOON + begin + 0.1234
    longest = max(ask.target.deep_interval_s for shard in plan.shards for ask in shard.asks)
    asked = moments(plan, begin_s, longest)
    for shard in plan.shards:
        for ask in shard.asks:
            target, own = ask.target, asked[ask.target.eye]
            assert sum(m < begin_s + target.interval_s for m, _ in own) == 1
            deep = [m for m, depth in own if depth is Depth.DEEP and m < begin_s + target.deep_interval_s]
            assert len(deep) == 1
            # The deep interval is the wanted one, in whole turns of this eye.
            assert target.deep_interval_s >= target.interval_s
            assert abs(target.deep_interval_s - max(DEEP_S, target.interval_s)) <= target.interval_s / 2


@given(cities, st.randoms(use_true_random=False), st.integers(1, 100))
def test_moments_follow_from_names_alone(
    targets: list[Target], random: chance.Random, shard_eyes: int
) -> None:
    """A plan made again, from rows in another order, or cut into more shards, asks at the same moments."""
    shuffled = targets[:]
    random.shuffle(shuffled)
    before, after = moments(planned(targets), NOON, 600), moments(planned(shuffled, shard_eyes), NOON, 600)
    for target in targets:
        for (m, depth), (n, again) in zip(before[target.eye], after[target.eye], strict=True):
            assert math.isclose(m, n, abs_tol=1e-5)
            assert depth is again


@settings(max_examples=30)
@given(cities, st.integers(0, 11))
def test_what_is_asked_of_one_device_does_not_depend_on_the_others(targets: list[Target], which: int) -> None:
    device = targets[which % len(targets)]
    own = [t for t in targets if (t.site, t.device) == (device.site, device.device)]
    alone, together = moments(planned(own), NOON, 600), moments(planned(targets), NOON, 600)
    for target in own:
        assert [round(m, 4) for m, _ in alone[target.eye]] == [round(m, 4) for m, _ in together[target.eye]]


def test_a_device_is_told_slower_before_it_is_asked_slower() -> None:
    """Otherwise the step from one interval to four would itself be silence: 240 s after results of 60 s."""

    def planned(probe_s: float, before: Plan | None, now: float) -> Pace:
        eyes = recorder("10.0.0.1", 16, probe_s=probe_s)
        paces = {(p.site, p.device): p for p in before.paces} if before else {}
        plan = make_plan(eyes, INTERVALS, deep_interval_s=DEEP_S, shard_eyes=32, before=paces, now=now)
        plans.append(plan)
        return plan.paces[0]

    plans: list[Plan] = []
    fast = planned(1.0, None, 1000.0)
    assert (fast.every, fast.announced) == (1, 1)
    slower = planned(20.0, plans[-1], 1010.0)
    assert (slower.every, slower.announced) == (1, 4)
    assert {ask.target.interval_s for shard in plans[-1].shards for ask in shard.asks} == {240.0}
    assert planned(20.0, plans[-1], 1060.0).every == 1
    assert planned(20.0, plans[-1], 1070.0).every == 4
    assert planned(1.0, plans[-1], 1080.0).every == 1


def test_near_the_border_the_pace_does_not_flutter() -> None:
    """16 eyes, 2 sessions: 5.0 s a probe fit one interval just so, 5.2 s do not."""
    paces: dict[tuple[str, str], Pace] = {}
    asked = []
    for n, probe_s in enumerate([5.0, 5.2, 5.0, 5.2, 5.0, 3.5]):
        eyes = recorder("10.0.0.1", 16, probe_s=probe_s)
        now = 1000.0 + 600 * n
        for later in (0.0, 300.0):  # announced, then followed
            plan = make_plan(
                eyes, INTERVALS, deep_interval_s=DEEP_S, shard_eyes=32, before=paces, now=now + later
            )
            paces = {(p.site, p.device): p for p in plan.paces}
        asked.append(plan.paces[0].every)
    assert asked == [1, 2, 2, 2, 2, 1]
