"""One programme: its decision, what it was to cost, who gave, what was spent, what stands there for it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo

from sqlalchemy.orm import Session

from camera_registry.funding import reading
from camera_registry.funding.kinds import Kind, State
from camera_registry.funding.reading import ProgrammeRow
from camera_registry.funding.sums import Line, Totals, totals
from camera_registry.funding.words import NO_BOOKS
from camera_registry.i18n import N_, Language
from camera_registry.money import Sum
from camera_registry.reports.asked import Asked, AskedError
from camera_registry.reports.ground import Ground, Hardware, all_of, hardware, stand
from camera_registry.reports.money_parts import (
    COLLECTING,
    NEVER_MIXED,
    UNKNOWN_COUNTS,
    by_component,
    by_point,
    by_source,
    by_year,
    contributions,
    expenses,
    lines_of,
    listed,
    money_facts,
)
from camera_registry.reports.value import Fact, Facts, Measure, Report, Text
from camera_registry.reports.worth import by_fund, measured, point_costs, worked, worked_facts
from camera_registry.units import Scope


def build(
    session: Session, scope: Scope, asked: Asked, now: datetime, zone: tzinfo, language: Language
) -> Report:
    """The programme that ``asked`` names by its code, as far as it lies in scope. Raises ``AskedError``."""
    ground = stand(session, scope, asked, now, zone, language)
    row = reading.programme(session, scope, ground.today, asked.programme)
    if row is None:
        raise AskedError(N_('There is no programme with the code "{code}".'), code=asked.programme)
    lines = lines_of(ground, programme=row.code)
    waiting = lines_of(ground, programme=row.code, state=State.WAITING)
    paid = {line.point for line in lines}
    ground = ground.only(paid)
    stands = hardware(ground)
    found = measured(ground, stands)
    costs = point_costs(ground, lines, stands, found)
    return ground.report(
        N_("Report on a programme"),
        (
            _programme(ground, row, stands.values()),
            money_facts(ground, lines, waiting),
            *_means(ground, lines, stands.values()),
            by_source(ground, lines),
            by_component(ground, lines),
            by_year(ground, lines),
            by_point(ground, lines, stands),
            contributions(ground, listed(ground, lines, COLLECTING, programme=row.code)),
            expenses(ground, listed(ground, lines, [Kind.EXPENSE], programme=row.code)),
            worked_facts(ground, found, costs),
            worked(ground, found, costs),
            by_fund(ground, found, costs),
            Text(
                "notes",
                ground.say(N_("How to read it")),
                tuple(ground.say(note) for note in (NO_BOOKS, UNKNOWN_COUNTS, NEVER_MIXED)),
            ),
        ),
        about=f"{row.name} ({row.code})",
        slug=row.code,
        wide=True,
    )


# --- how it is done ---------------------------------------------------------------------------------


def _programme(ground: Ground, row: ProgrammeRow, stands: Iterable[Hardware]) -> Facts:
    years = sorted({year for year in (row.first_year, row.last_year) if year is not None})
    together = all_of(stands)
    return ground.facts(
        "programme",
        N_("Programme"),
        (
            ground.fact("code", N_("Code"), row.code),
            ground.fact("name", N_("Name"), row.name),
            ground.fact("decision", N_("Decision"), row.decision or None),
            ground.fact("decided_on", N_("Decided on"), row.decided_on, Measure.DAY),
            ground.fact("years", N_("Years"), "–".join(map(str, years)) or None),
            ground.fact("levels", N_("What each was to give"), row.levels or None),
            ground.fact("unit", N_("Administrative unit"), row.unit or None),
            ground.fact("points", N_("Points"), len(ground.places), Measure.COUNT),
            ground.fact("devices", N_("Devices"), together.devices, Measure.COUNT),
            ground.fact("eyes", N_("Eyes"), together.eyes, Measure.COUNT),
        ),
    )


def _means(ground: Ground, lines: Sequence[Line], stands: Iterable[Hardware]) -> Sequence[Facts]:
    """What a point and an eye cost, where one side alone paid and all of it is known."""
    total = totals(line for line in lines if line.point)
    if not _one_side(total) or not total.cost.whole or not total.cost.known:
        return ()
    eyes = all_of(stands).eyes
    divided: list[tuple[str, str, int]] = [
        ("per_point", N_("Cost of a point"), len(ground.places)),
        ("per_eye", N_("Cost of an eye"), eyes),
    ]
    facts: list[Fact] = [
        ground.fact(key, title, Sum(round(total.cost.known / count)), Measure.DONG, N_("On average."))
        for key, title, count in divided
        if count
    ]
    return (ground.facts("means", N_("On average"), facts),)


def _one_side(total: Totals) -> bool:
    """Whether only the State's budget, or only the people, gave; and it is known who."""
    sources = set(total.by_source)
    return None not in sources and len({source.of_the_state for source in sources if source}) == 1
