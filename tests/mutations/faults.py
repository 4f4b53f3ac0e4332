"""Faults that somebody might put into the product, one rule broken by each."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Fault:
    """In ``file`` of the package, ``was``, which stands there once, becomes ``made``.

    Vectors whose names begin with ``seen_by`` are examined first: that saves time and proves nothing.
    """

    name: str
    file: str
    was: str
    made: str
    seen_by: str


FAULTS: Final = (
    # rule 2: confirmation
    Fault(
        "one failure less confirms",
        "health.py",
        "if failures < policy.confirm_after:",
        "if failures < policy.confirm_after - 1:",
        "T02",
    ),
    Fault(
        "down from the failure that confirms",
        "health.py",
        "    since = condition.suspect_since or finding.at\n",
        "    since = finding.at\n",
        "T07",
    ),
    Fault(
        "one good result is enough for every check",
        "health.py",
        "if goods < policy.recover_after:",
        "if goods < 1:",
        "city",
    ),
    Fault(
        "back from the result that decides",
        "health.py",
        "_enter(condition, Outcome.OK, good_since, finding.reason)",
        "_enter(condition, Outcome.OK, finding.at, finding.reason)",
        "city",
    ),
    Fault(
        "who could not ask leaves the state as it was",
        "health.py",
        "    condition, changes = _enter(condition, finding.outcome, finding.at, finding.reason)\n",
        "    changes = ()\n",
        "T14",
    ),
    Fault(
        "blips of other checks count",
        "histories.py",
        "Instability.check == Check.STREAM,",
        "Instability.check != Check.STREAM,",
        "T02",
    ),
    # rule 3: silence
    Fault(
        "silence is nothing",
        "health.py",
        "if limit is None or now <= limit or condition.heard_at is None:",
        "if limit is None or now > condition.since or condition.heard_at is None:",
        "T03",
    ),
    Fault(
        "silence begins with the last result",
        "health.py",
        "    at = condition.heard_at + timedelta(seconds=condition.interval_s)\n",
        "    at = condition.heard_at\n",
        "T03",
    ),
    Fault(
        "silence begins when it is noticed",
        "health.py",
        "    at = condition.heard_at + timedelta(seconds=condition.interval_s)\n",
        "    at = limit\n",
        "T03",
    ),
    # what an eye is
    Fault(
        "an eye that cannot be asked is down",
        "health.py",
        "        return Standing(EyeState.UNKNOWN, stream.reason)\n",
        "        return Standing(EyeState.DOWN, stream.reason)\n",
        "T14",
    ),
    Fault(
        "a picture is no matter",
        "health.py",
        "if check is not Check.STREAM and standing is not None",
        "if check not in (Check.STREAM, Check.PICTURE) and standing is not None",
        "T13",
    ),
    # rule 5: order
    Fault(
        "what comes late is not judged",
        "ingest.py",
        "            judged |= self._judge_again(session, late, conditions)\n",
        "            pass\n",
        "T15",
    ),
    Fault(
        "nothing is too late",
        "ingest.py",
        "        return health.part_since(told, received_at - self.rules.lateness)\n",
        "        return told\n",
        "city",
    ),
    # rule 6: rates
    Fault(
        "unknown is up",
        "uptime.py",
        "        up=lasted.get(EyeState.UP, 0),\n",
        "        up=lasted.get(EyeState.UP, 0) + lasted.get(EyeState.UNKNOWN, 0),\n",
        "T03",
    ),
    Fault(
        "unknown is down",
        "uptime.py",
        "        down=down,\n",
        "        down=down + lasted.get(EyeState.UNKNOWN, 0),\n",
        "T03",
    ),
    Fault(
        "degraded is not available",
        "uptime.py",
        "_rate(self.up + self.degraded, self.observed)",
        "_rate(self.up, self.observed)",
        "T18",
    ),
    Fault(
        "usable of what was delivered alone",
        "uptime.py",
        "        return self.usable + self.unusable + self.down_judged\n",
        "        return self.usable + self.unusable\n",
        "city",
    ),
    Fault(
        "coverage of all time",
        "uptime.py",
        "        return self.observed + self.unknown\n",
        "        return self.observed + self.unknown + self.maintenance\n",
        "T04",
    ),
    # rule 7: maintenance
    Fault(
        "maintenance in the denominator",
        "uptime.py",
        "        return self.up + self.degraded + self.down\n",
        "        return self.up + self.degraded + self.down + self.maintenance\n",
        "T04",
    ),
    Fault(
        "maintenance leaves nothing out",
        "uptime.py",
        "    counting = without(serving, history.maintenance)\n    in_service = length(serving)\n",
        "    counting = serving\n    in_service = length(serving)\n",
        "T04",
    ),
    Fault(
        "a window ends where one inside it ends",
        "uptime.py",
        "Span(found[-1].start, max(found[-1].end, span.end))",
        "Span(found[-1].start, span.end)",
        "city",
    ),
    # rule 8: in service only
    Fault(
        "the future counts",
        "uptime.py",
        "        return self if self.end <= now else Span(self.start, max(self.start, now))\n",
        "        return self\n",
        "T01",
    ),
    Fault(
        "the time before commissioning counts",
        "histories.py",
        "Span(commissioned or BEGINNING, min(ends, default=END))",
        "Span(BEGINNING, min(ends, default=END))",
        "T05",
    ),
    Fault(
        "the retired count",
        "histories.py",
        "        ends = [end for end in (retired, withdrawn) if end is not None]\n",
        "        ends = [end for end in (withdrawn,) if end is not None]\n",
        "city",
    ),
    # rule 9: units
    Fault(
        "the unit of today",
        "histories.py",
        "            found[point_id].append((midnight(first, zone) if first else BEGINNING, unit_id))\n",
        "            found[point_id] = [(BEGINNING, unit_id)]\n",
        "T08",
    ),
    Fault(
        "a mean of the points' percentages",
        "figures.py",
        "        gathered[named].add(share)\n",
        "        if group is Group.UNIT:\n"
        "            alike = sum(places[eye].point == places[eye_id].point for eye, _ in shares)\n"
        "            share = _Share(\n"
        "                [\n"
        "                    Count(Tally(*(getattr(one.tally, n) // alike for n in Tally.__slots__)), 0)\n"
        "                    for one in share.counts\n"
        "                ],\n"
        "                share.outages, share.closed, share.eyes,\n"
        "            )\n"
        "        gathered[named].add(share)\n",
        "T09",
    ),
    # rule 10: points
    Fault("one eye is enough everywhere", "uptime.py", "if delivering >= k:", "if delivering >= 1:", "city"),
    Fault(
        "an eye at work is dark",
        "uptime.py",
        "            note(span.start, 0, 1, 0)\n            note(span.end, 0, -1, 0)\n",
        "            note(span.start, 0, 0, 0)\n            note(span.end, 0, 0, 0)\n",
        "city",
    ),
    # rule 11: outages
    Fault(
        "an outage for each of its parts",
        "uptime.py",
        "        if part := sum(parts, _NONE) // _MICROSECOND:\n",
        "        for part in (each // _MICROSECOND for each in parts):\n",
        "city",
    ),
    Fault(
        "an outage that goes on has ended",
        "uptime.py",
        "Outage(run.start, None if lasting else run.end, part)",
        "Outage(run.start, run.end, part)",
        "T06",
    ),
    # incidents
    Fault(
        "no area incidents",
        "incidents.py",
        "        if home.unit is not None and _is_area(counted, fallen):\n",
        "        if home.unit is None and _is_area(counted, fallen):\n",
        "T10",
    ),
    Fault(
        "the long dead are counted",
        "incidents.py",
        "            ok = self._just_before(eye, at).state is State.OK\n",
        "            ok = self._just_before(eye, at).state in (State.OK, State.DOWN)\n",
        "U01",
    ),
    Fault(
        "an incident ends with its last eye",
        "incidents.py",
        "    return 5 * part >= 4 * whole\n",
        "    return part >= whole\n",
        "T10",
    ),
    Fault("no window", "incidents.py", "WINDOW = 2  # intervals\n", "WINDOW = 0\n", "T10"),
)
