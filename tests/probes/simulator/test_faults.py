"""A script of faults and the truth about it are one function of time."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.reasons import Check, Outcome, Reason, picture_outcome, stream_outcome
from probes.simulator import Auth, CameraSpec, ClipSpec, Codec, Fault, FaultKind, InvalidSpec, Truth
from probes.simulator.faults import HEALTHY, clock_truth, truth_at
from probes.simulator.kinds import NEEDS_HTTP

FINE = frozenset({(Outcome.OK, Reason.OK)})
ALL_FINE = Truth(FINE, FINE, FINE, FINE, FINE)


def truth_under(fault: Fault) -> Truth:
    """What may be said of a device that has everything and this fault, always."""
    return truth_at((fault,), 1, 0, ALL_FINE)


@pytest.mark.parametrize("kind", FaultKind)
def test_truth_speaks_of_every_kind_in_the_words_of_the_judge(kind: FaultKind) -> None:
    truth = truth_under(Fault(kind))
    assert truth.stream
    for outcome, reason in truth.stream - {(Outcome.OK, Reason.RTP_CORRUPT)}:
        assert stream_outcome(reason) is outcome
    for outcome, reason in truth.picture:
        assert picture_outcome(reason) is outcome
    delivered = any(outcome is Outcome.OK for outcome, _ in truth.stream)
    assert bool(truth.picture) is delivered


@pytest.mark.parametrize("kind", sorted(NEEDS_HTTP))
def test_a_fault_of_http_leaves_the_stream_and_its_picture_alone(kind: FaultKind) -> None:
    truth = truth_under(Fault(kind))
    assert truth.stream >= FINE
    assert truth.picture == FINE


def test_what_a_device_does_not_have_cannot_fail() -> None:
    truth = truth_at((Fault(FaultKind.REFUSED),), 1, 0, HEALTHY)
    assert truth.snapshot == truth.clock == truth.recording == frozenset()
    assert truth.accepts(Check.SNAPSHOT, Outcome.OFF, Reason.SNAPSHOT_UNSUPPORTED)
    assert not truth.accepts(Check.CLOCK, Outcome.FAILING, Reason.CLOCK_DRIFT)


def test_the_parts_of_a_device_have_faults_of_their_own() -> None:
    both = (Fault(FaultKind.BLACK), Fault(FaultKind.SNAPSHOT_TRUNCATED), Fault(FaultKind.CLOCK_OFF))
    truth = truth_at(both, 1, 0, ALL_FINE)
    assert truth.accepts(Check.PICTURE, Outcome.FAILING, Reason.PICTURE_BLACK)
    assert truth.accepts(Check.SNAPSHOT, Outcome.OK, Reason.OK)  # black comes first, and it is whole
    assert truth.accepts(Check.CLOCK, Outcome.FAILING, Reason.CLOCK_TZ_SUSPECT)
    assert truth.accepts(Check.RECORDING, Outcome.OK, Reason.OK)


@pytest.mark.parametrize(
    ("offset", "reasons"),
    [
        pytest.param(0, {Reason.OK}, id="right"),
        pytest.param(-30, {Reason.OK}, id="within tolerance"),
        pytest.param(58, {Reason.OK, Reason.CLOCK_DRIFT}, id="at the tolerance"),
        pytest.param(-300, {Reason.CLOCK_DRIFT}, id="five minutes slow"),
        pytest.param(3600 * 3, {Reason.CLOCK_TZ_SUSPECT}, id="three zones"),
        pytest.param(-3600 * 7 + 12, {Reason.CLOCK_TZ_SUSPECT}, id="seven zones, not to the second"),
        pytest.param(3600 + 28, {Reason.CLOCK_DRIFT, Reason.CLOCK_TZ_SUSPECT}, id="nearly a zone"),
        pytest.param(4000, {Reason.CLOCK_DRIFT}, id="no zone"),
    ],
)
def test_the_truth_of_a_clock_is_its_distance(offset: float, reasons: set[Reason]) -> None:
    assert {reason for _, reason in clock_truth(offset)} == reasons
    assert clock_truth(-offset) == clock_truth(offset)


@pytest.mark.parametrize(
    ("seconds", "outcomes"),
    [
        pytest.param(1.0, {Outcome.OK}, id="bearable"),
        pytest.param(4.0, {Outcome.OK, Outcome.FAILING, Outcome.UNKNOWN}, id="between"),
        pytest.param(8.0, {Outcome.FAILING}, id="hopeless"),
    ],
)
def test_slowness_is_a_fault_only_when_it_is_unbearable(seconds: float, outcomes: set[Outcome]) -> None:
    truth = truth_under(Fault(FaultKind.SLOW, value=seconds))
    assert {outcome for outcome, _ in truth.stream} == outcomes


@pytest.mark.parametrize(
    ("fault", "on", "off"),
    [
        pytest.param(Fault(FaultKind.SILENT), [0, 1e6], [], id="always"),
        pytest.param(Fault(FaultKind.SILENT, 5, 10), [5, 9.9], [0, 4.9, 10, 99], id="once"),
        pytest.param(
            Fault(FaultKind.SILENT, 5, 10, every=20), [5, 9, 25, 29.5, 45], [4, 10, 24.5, 30], id="again"
        ),
    ],
)
def test_a_fault_is_on_in_its_half_open_span(fault: Fault, on: list[float], off: list[float]) -> None:
    assert [at for at in on if not fault.active(at)] == []
    assert [at for at in off if fault.active(at)] == []


def test_the_first_listed_fault_wins_and_channels_are_apart() -> None:
    faults = (Fault(FaultKind.NOT_FOUND, channel=2), Fault(FaultKind.SILENT, 10, 20))
    assert truth_at(faults, 1, 5).accepts(Check.STREAM, Outcome.OK, Reason.OK)
    assert truth_at(faults, 1, 15).accepts(Check.STREAM, Outcome.FAILING, Reason.RTSP_TIMEOUT)
    assert truth_at(faults, 2, 15).accepts(Check.STREAM, Outcome.FAILING, Reason.STREAM_NOT_FOUND)
    assert (truth_at(faults, 1, 15).since, truth_at(faults, 1, 15).until) == (10, 20)


def test_no_stream_no_word_about_the_picture() -> None:
    truth = truth_under(Fault(FaultKind.REFUSED))
    assert truth.accepts(Check.PICTURE, Outcome.UNKNOWN, Reason.TCP_REFUSED)
    assert not truth.accepts(Check.PICTURE, Outcome.OK, Reason.OK)
    assert not truth.accepts(Check.PICTURE, Outcome.FAILING, Reason.DECODE_FAILED)


def test_basic_alone_may_be_declined() -> None:
    truth = CameraSpec("old", auth=(Auth.BASIC,)).truth(1, 0)
    assert truth.accepts(Check.STREAM, Outcome.UNKNOWN, Reason.AUTH_BASIC_REFUSED_BY_POLICY)
    assert truth.accepts(Check.STREAM, Outcome.OK, Reason.OK)


@st.composite
def scripts(draw: st.DrawFn) -> tuple[Fault, ...]:
    faults = list[Fault]()
    for _ in range(draw(st.integers(0, 4))):
        start, length = draw(st.integers(0, 50)), draw(st.integers(1, 30))
        pause = draw(st.none() | st.integers(1, 40))
        channel = draw(st.none() | st.integers(1, 2))
        kind = draw(st.sampled_from([FaultKind.SILENT, FaultKind.NO_RTP, FaultKind.BUSY]))
        faults.append(Fault(kind, start, start + length, pause and length + pause, channel))
    return tuple(faults)


@given(scripts(), st.integers(0, 2000), st.integers(0, 2000))
def test_a_truth_holds_from_its_since_to_its_until(
    faults: tuple[Fault, ...], tenths: int, other: int
) -> None:
    truth = truth_at(faults, 1, tenths / 10)
    assert truth.since <= tenths / 10 < truth.until
    if truth.since <= other / 10 < truth.until:
        assert truth_at(faults, 1, other / 10) == truth


@pytest.mark.parametrize(
    ("make", "key"),
    [
        pytest.param(lambda: Fault(FaultKind.SILENT, start=-1), "from", id="before the start"),
        pytest.param(lambda: Fault(FaultKind.SILENT, 5, 5), "to", id="empty"),
        pytest.param(lambda: Fault(FaultKind.SILENT, 5, 9, every=4), "every", id="no pause"),
        pytest.param(lambda: Fault(FaultKind.SILENT, every=4), "every", id="repeats what never ends"),
        pytest.param(lambda: Fault(FaultKind.REFUSED, channel=1), "channel", id="a channel has no listener"),
        pytest.param(lambda: Fault(FaultKind.SILENT, value=1), "value", id="silence has no size"),
        pytest.param(lambda: Fault(FaultKind.LONG_GOP, value=0.5), "value", id="not long"),
        pytest.param(
            lambda: CameraSpec("a", faults=(Fault(FaultKind.TLS),)), "fault.kind", id="no tls to fail"
        ),
        pytest.param(
            lambda: CameraSpec("a", faults=(Fault(FaultKind.LOCKED),)), "fault.kind", id="nothing to lock"
        ),
        pytest.param(
            lambda: CameraSpec("a", faults=(Fault(FaultKind.SILENT, 0, inf, None, 2),)), "fault.channel",
            id="no such channel",
        ),
        pytest.param(
            lambda: CameraSpec("a", faults=(Fault(FaultKind.CLOCK_OFF),)), "fault.kind", id="no http to tell"
        ),
        pytest.param(
            lambda: CameraSpec("a", clip=ClipSpec(Codec.MJPEG), faults=(Fault(FaultKind.STALL),)),
            "fault.kind", id="mjpeg has no P-frames",
        ),
    ],
)  # fmt: skip
def test_a_fault_that_cannot_be_played_is_refused(make: object, key: str) -> None:
    assert callable(make)
    with pytest.raises(InvalidSpec) as caught:
        make()
    assert caught.value.key == key
