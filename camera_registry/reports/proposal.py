"""A letter that asks for repair money; in its annex each repair with its sum, its grounds, its missing basis.

Who pays and on which paper stands beside each: without it no money can be given (Đà Nẵng, 168/HĐND-VP, 2022).
The letter itself is short, however many repairs it asks for: what each component needs, the sum in words.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, tzinfo

from sqlalchemy.orm import Session

from camera_registry import i18n
from camera_registry.funding.assets import assets
from camera_registry.funding.kinds import Component, Paper
from camera_registry.funding.words import MISSING, component
from camera_registry.i18n import N_, Language
from camera_registry.money import Sum
from camera_registry.numerals import in_words
from camera_registry.repairs.proposals import Asked as Part
from camera_registry.repairs.proposals import ProposalDetail, proposal
from camera_registry.repairs.words import PAYERS
from camera_registry.reports.asked import Asked, AskedError
from camera_registry.reports.ground import Ground, stand
from camera_registry.reports.keeping import keeping, manager, papers
from camera_registry.reports.repair_parts import days, up_to
from camera_registry.reports.value import Annex, Measure, Report, Table, Text, Value
from camera_registry.units import Scope


def build(
    session: Session, scope: Scope, asked: Asked, now: datetime, zone: tzinfo, language: Language
) -> Report:
    """The letter that ``asked`` names by its number, of any period. Raises ``AskedError``."""
    letter = None if asked.proposal is None else proposal(session, scope, now, zone, asked.proposal)
    if letter is None:
        raise AskedError(N_("There is no such proposal."))
    day = letter.row.sent_on or now.astimezone(zone).date()
    asked = replace(asked, unit="", point="", first=day, last=day, units_at=None)
    ground = stand(session, scope, asked, now, zone, language)
    ground = ground.only({part.repair.point for part in letter.asked})
    ground = replace(ground, asked=replace(asked, unit=letter.row.unit))  # whose letter it is
    return replace(
        ground.report(
            N_("Request for approval"),
            (
                Text(
                    "addressee",
                    "",
                    (ground.say(N_("To: {addressee}"), addressee=letter.row.addressee),),
                    True,
                ),
                _opening(ground, letter),
                _needed(ground, letter),
                _sum(ground, letter),
                _closing(ground),
            ),
            slug=str(letter.row.id),
        ),
        annex=Annex(
            ground.say(N_("Repairs that money is asked for, and its basis")),
            (_listed(ground, letter), _basis(ground, letter.asked), *_missing(ground, letter.asked)),
        ),
        name=f"proposal-{letter.row.id}",
        about=_about(ground, letter.row.title),
        number=letter.row.number if letter.row.sent_on else "",
        dated=letter.row.sent_on,
    )


# --- how it is done ---------------------------------------------------------------------------------


def _opening(ground: Ground, letter: ProposalDetail) -> Text:
    said = [
        *filter(None, letter.row.text.splitlines()),
        ground.say(
            N_(
                "The following repairs wait for money that is not set aside: {count} repairs of {eyes} eyes, "
                "which have been waiting for {days} days together."
            ),
            count=len(letter.asked),
            eyes=len(_eyes(letter.asked)),
            days=i18n.number(sum(map(_waited, letter.asked)), ground.language),
        ),
    ]
    return Text("opening", ground.say(N_("Why money is asked for")), tuple(said))


def _needed(ground: Ground, letter: ProposalDetail) -> Table:
    """What is asked for, by component: a table that has room in a letter, however many repairs there are."""
    columns = (
        ground.column("component", N_("Component"), weight=2),
        ground.column("repairs", N_("Repairs"), Measure.COUNT),
        ground.column("eyes", N_("Eyes"), Measure.COUNT),
        ground.column("amount", N_("Money asked for"), Measure.DONG, 1.5),
    )
    parts_of: dict[Component | None, list[Part]] = {kind: [] for kind in (*Component, None)}
    for part in letter.asked:
        parts_of[part.repair.component].append(part)
    rows: list[tuple[Value, ...]] = [
        (
            component(kind, ground.language),
            *(len(parts), len(_eyes(parts)), Sum.of([part.amount for part in parts])),
        )
        for kind, parts in parts_of.items()
        if parts
    ]
    total = (
        ground.say(N_("Together")),
        *(len(letter.asked), len(_eyes(letter.asked)), letter.row.total),
    )
    return ground.table("needed", N_("Money needed"), columns, rows, total)


def _listed(ground: Ground, letter: ProposalDetail) -> Table:
    columns = (
        ground.column("number", N_("#"), Measure.COUNT, 0.5),
        ground.column("point", N_("Point")),
        ground.column("name", N_("Name"), weight=2),
        ground.column("unit", N_("Administrative unit"), weight=1.3),
        ground.column("eyes", N_("Eyes"), Measure.COUNT, 0.6),
        ground.column("fault", N_("Fault"), weight=2.5),
        ground.column("component", N_("Component")),
        ground.column("since", N_("Broken since"), Measure.MOMENT),
        ground.column("waiting_days", N_("Days waiting for money"), Measure.COUNT, 0.8),
        ground.column("amount", N_("Money asked for"), Measure.DONG, 1.3),
    )
    rows: list[tuple[Value, ...]] = [
        (
            *(number, part.repair.point, part.repair.point_name, part.repair.unit, len(part.repair.eyes)),
            part.repair.fault,
            component(part.repair.component, ground.language),
            *(part.repair.opened_at, _waited(part), Sum.of([part.amount])),
        )
        for number, part in enumerate(letter.asked, 1)
    ]
    blank: tuple[Value, ...] = (None,)
    eyes = len(_eyes(letter.asked))
    total = (*blank * 2, ground.say(N_("Together")), None, eyes, *blank * 4, letter.row.total)
    return ground.table(
        "asked",
        up_to(ground, N_("Repairs that money is asked for")),
        columns,
        rows,
        total,
        (N_("The sum of a repair is its chosen quotation; one without a quotation is not known."),),
    )


def _basis(ground: Ground, parts: Sequence[Part]) -> Table:
    """On what the money can be given: who has the point, on which papers, who is to pay."""
    kept = {ground.places[number].code: each for number, each in keeping(ground, ground.asked.last).items()}
    decided = _by_code(ground, Paper.DECISION, Paper.MINUTES)
    owned = _by_code(ground, Paper.OWNERSHIP, Paper.HAND_OVER)
    books = assets(ground.session, ground.scope, ground.today)
    made_public = {row.point: row.ownership for row in books if row.ownership}
    columns = (
        ground.column("point", N_("Point")),
        ground.column("manager", N_("Managed by"), weight=2),
        ground.column("decision", N_("Decision or minutes"), weight=2),
        ground.column("ownership", N_("Public property, or handed over, by"), weight=2),
        ground.column("warranty_until", N_("Warranty until"), Measure.DAY),
        ground.column("contract_until", N_("Contract until"), Measure.DAY),
        ground.column("payer", N_("Who pays"), weight=1.3),
        ground.column("grounds", N_("On the grounds of"), weight=2),
    )
    rows: list[tuple[Value, ...]] = []
    for part in parts:
        each = kept[part.repair.point]
        rows.append(
            (
                *(part.repair.point, manager(ground, each), decided.get(part.repair.point)),
                owned.get(part.repair.point) or made_public.get(part.repair.point),
                each.warranty.last if each.warranty else None,
                each.contract.last if each.contract else None,
                *(ground.say(PAYERS[part.repair.payer]), part.repair.grounds or None),
            )
        )
    return ground.table("basis", N_("Basis"), columns, rows)


def _missing(ground: Ground, parts: Sequence[Part]) -> Sequence[Table]:
    """What has to be put on record before the letter can be granted; nothing where all is there."""
    lacking = {part.repair.point: part for part in parts if part.missing}
    if not lacking:
        return ()
    columns = (
        ground.column("point", N_("Point")),
        ground.column("name", N_("Name"), weight=2),
        ground.column("missing", N_("Missing basis"), weight=4),
    )
    rows = [
        (point, part.repair.point_name, "; ".join(ground.say(MISSING[each]) for each in part.missing))
        for point, part in lacking.items()
    ]
    return (ground.table("missing", N_("Basis that is still to be put on record"), columns, rows),)


def _closing(ground: Ground) -> Text:
    return Text(
        "closing", "", (ground.say(N_("We ask for your consideration and for the money to be set aside.")),)
    )


def _about(ground: Ground, title: str) -> str:
    """What the letter is about, as such letters begin it, whatever the clerk typed before it."""
    bare = re.sub(r"^(v/v|về việc|về)\s+", "", title, flags=re.IGNORECASE)
    return ground.say(
        N_("Re: {title}"), title=f"{bare[:1].lower()}{bare[1:]}" if bare[1:2].islower() else bare
    )


def _sum(ground: Ground, letter: ProposalDetail) -> Text:
    """The money of all of them in figures and in words, and where each of them stands."""
    said = [_total(ground, letter.row.total)]
    if letter.further:
        said.append(ground.say(N_("The letter asks for further repairs, which lie elsewhere.")))
    said.append(ground.say(N_("Each repair and its basis stand in the annex of this letter.")))
    return Text("sum", "", tuple(said))


def _total(ground: Ground, total: Sum) -> str:
    """A sentence: what is not quoted is no part of the sum, and what nobody knows has no words."""
    if not total.known and not total.whole:
        return ground.say(N_("Total sum asked for: not known, none of the repairs has a quotation yet."))
    words = in_words(total.known, ground.language)
    known = ground.say(
        N_("{sum} (in words: {words} đồng)"),
        sum=i18n.dong(total.known, ground.language),
        words=words[:1].upper() + words[1:],
    )
    if total.whole:
        return ground.say(N_("Total sum asked for: {sum}."), sum=known)
    said = N_("Total sum asked for: {sum}, and {count} repairs without a quotation yet.")
    return ground.say(said, sum=known, count=total.unknown)


def _eyes(parts: Sequence[Part]) -> set[str]:
    return {eye for part in parts for eye in part.repair.eyes}


def _waited(part: Part) -> int:
    """Whole days without money until the letter was sent, or until now."""
    return round(days(part.times.waiting_for_money))


def _by_code(ground: Ground, *kinds: Paper) -> dict[str, str]:
    return {ground.places[number].code: each.told(ground) for number, each in papers(ground, *kinds).items()}
