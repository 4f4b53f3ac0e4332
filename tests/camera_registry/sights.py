"""Deep results as a ladder would give them, for tests of what is kept of them."""

from datetime import datetime
from typing import Any

from probes.reasons import Check, Outcome, Reason
from probes.result import (
    NOTHING_MEASURED,
    Depth,
    Measured,
    Memory,
    Mode,
    ProbeResult,
    Rung,
    Seen,
    Sight,
    Step,
    Verdict,
)

EDGES = bytes(range(240)) * 5


def sight(brightness: float = 100.0, mode: Mode = Mode.COLOUR, edges: bytes = EDGES) -> Sight:
    return Sight(640, 360, mode, brightness, 40.0, 0.25, 12.0, 0.1, 0.0, 0x0F0F, edges)


def result(
    at: datetime,
    *,
    eye: str = "E1",
    depth: Depth = Depth.DEEP,
    notes: tuple[Reason, ...] = (),
    measured: Measured = NOTHING_MEASURED,
    memory: Memory | None = None,
    rungs: tuple[Rung, ...] = (Rung(Step.DECODE, 0.02), Rung(Step.SNAPSHOT, 0.3), Rung(Step.CLOCK, 0.1)),
    **checks: Reason | None,
) -> ProbeResult:
    """``checks`` by name, ``None`` for none; ``OK`` of the stream where nothing else is said."""
    said: dict[str, Any] = {"stream": Reason.OK, **checks}
    verdicts = tuple(
        Verdict(Check(name), Outcome.OK if reason is Reason.OK else Outcome.FAILING, reason, 300.0)
        for name, reason in said.items()
        if reason is not None
    )
    return ProbeResult(
        eye, at, depth, 0.5, verdicts, memory or Memory(), notes=notes, rungs=rungs, measured=measured
    )


def seen(at: datetime) -> Seen:
    """A series whose pictures would be recognised wherever they turned up."""
    return Seen(b"a small picture" * 960, b"its digest", at, at, Mode.COLOUR)
