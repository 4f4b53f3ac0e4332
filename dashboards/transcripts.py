"""A transcript cut by the rungs of the ladder: what was said on each of them."""

import re
from collections.abc import Mapping

from probes.result import Step

_PART = re.compile(r"^@", re.MULTILINE)  # see probes/rtsp/exchange.py: each part begins with its time
_SENT = re.compile(r"^> ([A-Z_]+) ", re.MULTILINE)
_FRAME = re.compile(r"^<\$", re.MULTILINE)
_STEPS = {"DESCRIBE": Step.DESCRIBE, "SETUP": Step.SETUP, "PLAY": Step.PLAY}


def by_step(transcript: str) -> Mapping[Step, str]:
    """The parts of a redacted exchange by the rung they belong to; the end of the session is the last's."""
    found: dict[Step, str] = {}
    step = Step.DESCRIBE
    for part in _PART.split(transcript)[1:]:
        sent = _SENT.search(part)
        if sent is not None:
            step = _STEPS.get(sent[1], step)
        here = Step.RTP if _FRAME.search(part) else step
        found[here] = f"{found.get(here, '')}@{part}"
    return found
