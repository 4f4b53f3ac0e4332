"""Points, devices and eyes changed by a form, one or a thousand: looked at first, done together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from camera_registry import audit, eye_list, queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.audit import ReasonError
from camera_registry.auth.roles import Permission
from camera_registry.editing import changing, fields, selection
from camera_registry.editing.changing import CAUTIONS, Preview
from camera_registry.editing.fields import LONGEST_TYPED, Field
from camera_registry.editing.selection import MOST_THINGS, EditError, OutOfScope, Selection
from camera_registry.i18n import NN_
from camera_registry.imports.difference import Kind
from camera_registry.imports.values import MAX_CODE
from dashboards.pages.eyes import ChoiceOfAddress, unmanaged
from dashboards.rendering import Reader, page, reader_of

LONGEST_CODES = MOST_THINGS * (MAX_CODE + 2)  # characters of one form, a code in each line
SHOWN = 1_000  # things of a preview: a page has 300 kB
MOST_VALUES = 3  # said of a field that the chosen things hold differently

COUNTS: Mapping[Kind, tuple[str, str]] = {
    Kind.POINT: NN_("{count} point", "{count} points"),
    Kind.DEVICE: NN_("{count} device", "{count} devices"),
    Kind.EYE: NN_("{count} eye", "{count} eyes"),
}

router = APIRouter(prefix="/registry/edit", include_in_schema=False, dependencies=[may(Permission.REGISTER)])


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wants changed: of which things, which fields, to what, and why.

    ``wished`` has what was typed, by the field's slug; ``seen`` what he has been shown (see ``Preview``).
    """

    kind: Kind
    codes: Sequence[str]
    wished: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Stand:
    """A field of the form: what it holds, whether it is ticked, what is refused.

    ``now`` is what the things hold; empty where the field itself says so.
    """

    field: Field
    typed: str
    ticked: bool
    now: str
    faults: Sequence[str]


async def _asked(
    request: Request,
    kind: Annotated[Kind, Form()],
    codes: Annotated[str, Form(max_length=LONGEST_CODES)],
    change: Annotated[list[str] | None, Form(max_length=len(fields.FIELDS))] = None,
    reason: Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)] = "",
    seen: Annotated[str, Form(max_length=64)] = "",
) -> Asked:
    form = await request.form()  # the same that was read for the names above
    wished = {slug: str(form.get(f"to-{slug}", ""))[:LONGEST_TYPED] for slug in change or ()}
    return Asked(kind, codes.splitlines(), wished, reason, seen)


AskedByForm = Annotated[Asked, Depends(_asked)]


@router.get("")
def choose(
    desk: AtDesk,
    request: Request,
    choice: ChoiceOfAddress,
    eye: Annotated[list[str] | None, Query(max_length=MOST_THINGS)] = None,
    point: Annotated[list[str] | None, Query(max_length=MOST_THINGS)] = None,
    all_: Annotated[bool, Query(alias="all")] = False,
) -> HTMLResponse:
    """The form for these eyes or points, or for ``all`` eyes that the choice shows."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        if all_:
            rows = queries.eyes(session, desk.scope, reader.now, reader.zone)
            shown = eye_list.choose(rows, choice, unmanaged(session, desk, reader, choice))
            eye = [row.code for row in shown]
        asked = Asked(Kind.POINT, point) if point else Asked(Kind.EYE, eye or ())
        return _form(session, request, desk, reader, asked)


@router.post("", dependencies=[FromOwnPage])
def look(
    desk: AtDesk, request: Request, asked: AskedByForm, step: Annotated[Literal["look", "mend"], Form()]
) -> HTMLResponse:
    """What would change, thing by thing; or the form again, to ``mend`` what was typed."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        if step == "mend":
            return _form(session, request, desk, reader, asked)
        return _preview(session, request, desk, reader, asked)


@router.post("/apply", dependencies=[FromOwnPage])
def apply(desk: AtDesk, request: Request, asked: AskedByForm) -> HTMLResponse:
    """Change what was seen; if something has changed in between, it is shown anew."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            chosen = _select(session, desk, asked, reader.now, lock=True)
            done = changing.apply(
                *(session, desk.actor, chosen, asked.wished, asked.seen, asked.reason),
                *(reader.now, reader.zone),
            )
    except (EditError, ReasonError) as refused:
        with desk.database.reading() as session:
            return _preview(session, request, desk, reader, asked, refused=refused.text(reader.language))
    return page(request, desk, "edit_done.html", reader=reader, done=done, kinds=_counts(done, reader))


def _select(session: Session, desk: Desk, asked: Asked, now: datetime, *, lock: bool = False) -> Selection:
    pick = selection.select_points if asked.kind is Kind.POINT else selection.select_eyes
    try:
        return pick(session, desk.scope, asked.codes, now, desk.settings.zone, lock=lock)
    except OutOfScope:
        raise HTTPException(404) from None


def _form(
    session: Session,
    request: Request,
    desk: Desk,
    reader: Reader,
    asked: Asked,
    preview: Preview | None = None,
    refused: str = "",
) -> HTMLResponse:
    try:
        chosen = _select(session, desk, asked, reader.now)
    except EditError as nothing:
        return page(request, desk, "edit_nothing.html", reader=reader, refused=nothing.text(reader.language))
    stands = [_stand(reader, chosen, each, asked, preview) for each in chosen.fields()]
    return page(
        request,
        desk,
        "edit.html",
        reader=reader,
        status=409 if refused or (preview and preview.refused) else 200,
        asked=asked,
        chosen=chosen,
        groups={kind: [stand for stand in stands if stand.field.kind is kind] for kind in reversed(Kind)},
        refused=refused,
        most=LONGEST_TYPED,
    )


def _preview(
    session: Session, request: Request, desk: Desk, reader: Reader, asked: Asked, refused: str = ""
) -> HTMLResponse:
    try:
        chosen = _select(session, desk, asked, reader.now)
        found = changing.preview(session, chosen, asked.wished, reader.now, reader.zone)
    except EditError as wrong:
        return _form(session, request, desk, reader, asked, refused=wrong.text(reader.language))
    if found.refused:
        return _form(session, request, desk, reader, asked, found, refused)
    return page(
        request,
        desk,
        "edit_preview.html",
        reader=reader,
        status=409 if refused else 200,
        asked=asked,
        found=found,
        kinds=_counts(found, reader),
        shown=SHOWN,
        cautions=[CAUTIONS[each] for each in found.cautions],
        refused=refused,
    )


def _counts(found: Preview, reader: Reader) -> str:
    """``3 points, 12 eyes``."""
    return ", ".join(reader.many(*COUNTS[kind], n) for kind, n in found.counts.items())


def _stand(reader: Reader, chosen: Selection, each: Field, asked: Asked, preview: Preview | None) -> Stand:
    held = Counter(thing.values[each.slug] for thing in chosen.things[each.kind])
    common = next(iter(held)) if len(held) == 1 else None
    faults = [refused for refused in preview.refused if refused.slug == each.slug] if preview else []
    ticked = each.slug in asked.wished
    return Stand(
        each,
        asked.wished.get(each.slug, fields.typed(common)),
        ticked,
        _now(reader, each, held) if ticked or len(held) > 1 else "",
        [f"{f.code}: {text}" if f.code else text for f in faults for text in [f.fault.text(reader.language)]],
    )


def _now(reader: Reader, each: Field, held: Counter[Any]) -> str:
    """What the things hold, and how many of them where they differ."""
    if len(held) == 1:
        return reader.value(each.slug, next(iter(held)))
    most = held.most_common(MOST_VALUES)
    said = [f"{reader.value(each.slug, value)} ({reader.number(n)})" for value, n in most]
    return ", ".join(said) + (", …" if len(held) > MOST_VALUES else "")
