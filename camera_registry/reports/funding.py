"""What installation points cost, who paid, what is left, and how well they worked for it.

Sums are of all approved entries until the last day of the period: money is not spent month by month.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo

from sqlalchemy.orm import Session

from camera_registry.funding.assets import AssetRow, assets
from camera_registry.funding.kinds import Kind, Paper, State
from camera_registry.funding.sums import entered
from camera_registry.funding.words import MISSING, NO_BOOKS
from camera_registry.i18n import N_, Language
from camera_registry.inventory import Funding
from camera_registry.money import Sum
from camera_registry.register_words import FUNDINGS
from camera_registry.reports import repair_parts
from camera_registry.reports.asked import Asked
from camera_registry.reports.ground import Ground, Hardware, Place, all_of, hardware, stand
from camera_registry.reports.keeping import Keeping, keeping, manager, papers
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
from camera_registry.reports.value import Fact, Facts, Measure, Part, Report, Table, Text
from camera_registry.reports.worth import by_fund, measured, point_costs, worked, worked_facts
from camera_registry.units import Scope


def build(
    session: Session, scope: Scope, asked: Asked, now: datetime, zone: tzinfo, language: Language
) -> Report:
    """Raises ``AskedError``."""
    ground = stand(session, scope, asked, now, zone, language)
    lines, waiting = lines_of(ground), lines_of(ground, state=State.WAITING)
    stands, kept = hardware(ground), keeping(ground)
    found = measured(ground, stands)
    costs = point_costs(ground, lines, stands, found)
    open_ones = repair_parts.standing(ground)
    title = N_("Report on the funding of an installation point")
    head: tuple[Part, ...]
    if ground.point is None:
        title = N_("Report on the funding of installation points")
        head = (
            _area(ground, stands),
            money_facts(ground, lines, waiting),
            by_point(ground, lines, stands),
        )
    else:
        head = (
            *_point(ground, ground.point, stands[ground.point.id], kept[ground.point.id]),
            money_facts(ground, lines, waiting),
        )
    return ground.report(
        title,
        (
            *head,
            by_source(ground, lines),
            by_component(ground, lines),
            by_year(ground, lines),
            *(
                (
                    contributions(ground, listed(ground, lines, COLLECTING)),
                    expenses(ground, listed(ground, lines, [Kind.EXPENSE])),
                )
                if ground.point is not None
                else ()
            ),
            worked_facts(ground, found, costs),
            worked(ground, found, costs),
            by_fund(ground, found, costs),
            *(() if ground.point is not None else (_kept(ground, kept),)),
            repair_parts.open_table(ground, open_ones),
            _notes(ground),
        ),
        wide=True,
    )


# --- how it is done ---------------------------------------------------------------------------------


def _area(ground: Ground, stands: Mapping[int, Hardware]) -> Facts:
    together = all_of(stands.values())
    return ground.facts(
        "stands",
        N_("Points, devices, eyes"),
        (
            ground.fact("points", N_("Points"), len(ground.places), Measure.COUNT),
            ground.fact("devices", N_("Devices"), together.devices, Measure.COUNT),
            ground.fact("eyes", N_("Eyes"), together.eyes, Measure.COUNT),
        ),
    )


def _point(ground: Ground, place: Place, stands: Hardware, kept: Keeping) -> tuple[Facts, Facts]:
    """What stands there; and who has it, on which papers."""
    fund = FUNDINGS[Funding(place.funding)] if place.funding in tuple(Funding) else ""
    asset = next(iter(assets(ground.session, ground.scope, ground.today, point=place.code)), None)
    about = ground.facts(
        "point",
        N_("Installation point"),
        (
            ground.fact("code", N_("Code"), place.code),
            ground.fact("name", N_("Name"), place.name),
            ground.fact("where", N_("Address"), place.where or None),
            ground.fact("unit", N_("Administrative unit"), place.unit or None),
            ground.fact("devices", N_("Devices"), stands.devices, Measure.COUNT),
            ground.fact("eyes", N_("Eyes"), stands.eyes, Measure.COUNT),
            ground.fact("in_service", N_("In service since"), stands.commissioned_on, Measure.DAY),
            ground.fact("funding", N_("Funding"), ground.say(fund) if fund else None),
        ),
    )
    return about, ground.facts("kept", N_("Custody and warranty"), _keeping(ground, kept, asset))


def _keeping(ground: Ground, kept: Keeping, asset: AssetRow | None) -> Iterable[Fact]:
    held, there = kept.custody, kept.present
    dissolved = N_("{manager} was dissolved: the point waits to be handed over.")
    yield ground.fact(
        "manager",
        N_("Managed by"),
        manager(ground, kept),
        note=ground.say(dissolved, manager=held.manager) if held and not there else "",
    )
    yield ground.fact("phone", N_("Phone of the office"), there.phone or None if there else None)
    yield ground.fact("electricity", N_("Pays electricity"), held.electricity or None if held else None)
    yield ground.fact("internet", N_("Pays Internet"), held.internet or None if held else None)
    yield ground.fact("handed_over", N_("Handed over on"), held.handed_over_on if held else None, Measure.DAY)
    yield ground.fact("document", N_("Document"), held.document or None if held else None)
    for key, title, until, duty in (
        ("warranty", N_("Warranty by"), N_("Warranty until"), kept.warranty),
        ("contract", N_("Maintenance contract with"), N_("Contract until"), kept.contract),
    ):
        yield ground.fact(key, title, duty.party if duty else None)
        yield ground.fact(f"{key}_until", until, duty.last if duty else None, Measure.DAY)
    if asset is not None:
        yield ground.fact("asset", N_("Number of the asset"), asset.number or None)
        yield ground.fact("asset_cost", N_("Original cost"), _known(asset), Measure.DONG)
        yield ground.fact("ownership", N_("Made public property by"), asset.ownership or None)
    yield ground.fact(
        "missing",
        N_("Missing basis"),
        "; ".join(ground.say(MISSING[each]) for each in kept.missing) or ground.say(N_("Nothing")),
        note=N_("Without it no repair money can be asked for."),
    )


def _known(asset: AssetRow) -> Sum | None:
    return entered(asset.reckoned) if asset.recorded is None else Sum(asset.recorded)


def _kept(ground: Ground, kept: Mapping[int, Keeping]) -> Table:
    """Point by point who has it, until when somebody must mend it, and what is not on record."""
    decided = papers(ground, Paper.DECISION, Paper.MINUTES)
    columns = (
        ground.column("point", N_("Point")),
        ground.column("name", N_("Name"), weight=2),
        ground.column("manager", N_("Managed by"), weight=1.5),
        ground.column("decision", N_("Decision"), weight=1.5),
        ground.column("warranty", N_("Warranty by"), weight=1.5),
        ground.column("warranty_until", N_("Warranty until"), Measure.DAY),
        ground.column("contract_until", N_("Contract until"), Measure.DAY),
        ground.column("missing", N_("Missing basis"), weight=3),
    )
    rows = [
        (
            *(place.code, place.name, manager(ground, each)),
            decided[place.id].told(ground) if place.id in decided else None,
            *(each.warranty.party if each.warranty else None, each.warranty.last if each.warranty else None),
            each.contract.last if each.contract else None,
            "; ".join(ground.say(MISSING[one]) for one in each.missing) or None,
        )
        for place in ground.places.values()
        for each in [kept[place.id]]
    ]
    return ground.table("kept", N_("Custody, warranty and missing basis"), columns, rows)


def _notes(ground: Ground) -> Text:
    told = (NO_BOOKS, UNKNOWN_COUNTS, NEVER_MIXED)
    return Text("notes", ground.say(N_("How to read it")), tuple(ground.say(each) for each in told))
