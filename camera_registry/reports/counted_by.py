"""By which rules figures were counted, and which of their months are closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from camera_registry import closings
from camera_registry.closings import Heading
from camera_registry.health import RULES_VERSION
from camera_registry.i18n import N_
from camera_registry.periods import month_of
from camera_registry.reports.ground import Ground
from camera_registry.reports.value import Measure, Table, Text

# As the page "How we count" says them, in the order of their numbers there.
RULES = (
    N_(
        "A state holds from the moment it began until the next one begins. We count in exact time, not"
        " in days. Months begin at midnight in {zone}."
    ),
    N_(
        "Availability = time in which the stream came ÷ time in which we know whether it came. Usable"
        " rate = the same for a picture that can be used. Beside each rate stands its coverage: for"
        " how much of the time in service we know. Where nothing was observed there is no percentage,"
        " neither 0 nor 100."
    ),
    N_(
        "Planned work and announced power cuts are taken out of both sides of the fraction and"
        " printed in hours, with the reason and who entered it. They may be entered afterwards."
        " Windows that overlap count once."
    ),
    N_(
        "Before an eye was commissioned, while it is suspended, after it was retired or access to it"
        " ended, and what has not come yet: none of it counts."
    ),
    N_(
        "The figure of a ward is the sum of its eyes' time, never the mean of percentages. Time"
        " counts for the unit that the point belonged to at that moment; after a reorganisation it is"
        " shown under the unit of the report's date."
    ),
    N_(
        "A point is served while enough of its eyes deliver a stream (one, unless the point needs"
        " more). It is not served while that is impossible; else it is unknown."
    ),
    N_(
        "An outage is a time without a stream and without a break. MTTR is the mean length of outages"
        " that ended; MTBF is the time of operation divided by the number of outages."
    ),
    N_(
        "An eye that no network reaches is reported by people. Their word is shown with its date and"
        " its author, in a column of its own, and is never part of a measured figure."
    ),
)


@dataclass(frozen=True, slots=True)
class Closed:
    """The closed months that the time asked about holds as a whole; ``whole``: it holds nothing else."""

    months: Sequence[Heading]
    whole: bool

    @property
    def mark(self) -> str:
        """The hash of the figures, where all of them are frozen: of several months, of their hashes."""
        if not self.whole:
            return ""
        hashes = [each.figures_hash for each in self.months]
        return hashes[0] if len(hashes) == 1 else sha256("\n".join(hashes).encode()).hexdigest()


def closed(ground: Ground) -> Closed:
    """Which months were counted as they were closed, each as it was amended last."""
    span = ground.asked.span(ground.zone)
    newest: dict[object, Heading] = {}
    for heading in reversed(closings.headings(ground.session)):
        month = month_of(heading.month, ground.zone)
        if span.start <= month.start and month.end <= span.end:
            newest[heading.month] = heading
    months = sorted(newest.values(), key=lambda heading: heading.month)
    return Closed(months, whole=0 < ground.asked.months == len(months))


def rules(ground: Ground) -> Text:
    """The rules themselves, with their version."""
    return Text(
        "rules",
        ground.say(N_("Rules of counting: version {version}"), version=RULES_VERSION),
        tuple(ground.say(rule, zone=ground.zone) if "{zone}" in rule else ground.say(rule) for rule in RULES),
    )


def closings_table(ground: Ground, months: Sequence[Heading]) -> Table:
    """The closed months, with the hashes by which anybody can prove that nothing was changed since."""
    return ground.table(
        "closings",
        N_("Closed months"),
        (
            ground.column("month", N_("Month")),
            ground.column("version", N_("Amendment"), Measure.COUNT, 0.7),
            ground.column("closed_at", N_("Closed at"), Measure.MOMENT, 1.2),
            ground.column("rules", N_("Version of the rules"), Measure.COUNT, 0.7),
            ground.column("inputs", N_("SHA-256 of what was counted"), weight=4),
            ground.column("figures", N_("SHA-256 of the figures"), weight=4),
        ),
        (
            (f"{h.month:%m/%Y}", h.version, h.at, h.rules_version, h.inputs_hash, h.figures_hash)
            for h in months
        ),
        notes=(N_("Figures of these months are those of when they were closed, or amended last."),),
    )
