"""The tokens of whoever has signed in: what each may do and until when; a new one, shown once; ending one."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from camera_registry import deeds
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth import tokens
from camera_registry.auth.identity import Identity
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from dashboards.rendering import page, reader_of

LASTING_DAYS = (30, 90, tokens.USUAL_DAYS, tokens.MOST_DAYS)

router = APIRouter(include_in_schema=False)


@router.get("/account/tokens", dependencies=[may(Permission.VIEW)])
def show(desk: AtDesk, request: Request) -> HTMLResponse:
    return _page(desk, request)


@router.post("/account/tokens", dependencies=[may(Permission.VIEW), FromOwnPage])
def make(
    desk: AtDesk,
    request: Request,
    name: Annotated[str, Form(max_length=tokens.LONGEST_NAME)] = "",
    days: Annotated[int, Form(ge=1, le=tokens.MOST_DAYS)] = tokens.USUAL_DAYS,
    permissions: Annotated[list[Permission] | None, Form()] = None,
    site: Annotated[str, Form(max_length=64)] = "",
) -> HTMLResponse:
    """Make a token of one's own, or of a site; the page shows it, and never again."""
    may_do = () if site else permissions or ()
    try:
        with desk.database.transaction() as session:
            made = tokens.make(
                session, desk.actor, desk.actor.name, name, may_do, desk.now(), days, site=site
            )
    except RegistryError as refused:
        return _page(desk, request, refused=refused.text(reader_of(request, desk).language), name=name)
    return _page(desk, request, made=made)


@router.post("/account/tokens/revoke", dependencies=[may(Permission.VIEW), FromOwnPage])
def revoke(desk: AtDesk, request: Request, token: Annotated[Number, Form()]) -> HTMLResponse:
    """End one of one's own tokens at once."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            ended = tokens.revoke(session, desk.actor, desk.actor.name, token, reader.now)
    except RegistryError as refused:
        return _page(desk, request, refused=refused.text(reader.language))
    return _page(desk, request, done=reader.say(N_('The token "{name}" is revoked.'), name=ended.name))


def _page(
    desk: Desk, request: Request, *, made: str = "", done: str = "", refused: str = "", name: str = ""
) -> HTMLResponse:
    assert isinstance(desk.identity, Identity)  # the route asks a permission
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        rows = tokens.of_owner(session, desk.actor.name)
        whole = desk.scope.unit_ids is None
        sites = tokens.deliverable(session) if tokens.may_have_site(desk.identity.role, whole) else []
    return page(
        request,
        desk,
        "tokens.html",
        reader=reader,
        status=409 if refused else 200,
        living=[row for row in rows if row.living(reader.now)],
        over=[row for row in rows if not row.living(reader.now)],
        grantable=tokens.grantable(desk.identity.role, whole),
        words=deeds.PERMISSIONS,
        sites=sites,
        lasting=LASTING_DAYS,
        usual=tokens.USUAL_DAYS,
        longest_name=tokens.LONGEST_NAME,
        made=made,
        done=[done] if done else [],
        refused=refused,
        name=name,
    )
