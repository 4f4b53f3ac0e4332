"""``/account``: one's own browsers that are signed in, and one's password."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from camera_registry.api import cookies
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth import passwords, sessions, signing_in, tokens, users
from camera_registry.auth.identity import Identity
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from dashboards.pages import sign_in
from dashboards.rendering import page, reader_of

Secret = Annotated[str, Form(max_length=1_000)]

router = APIRouter(prefix="/account", include_in_schema=False)


@router.get("", dependencies=[may(Permission.VIEW)])
def show(desk: AtDesk, request: Request) -> HTMLResponse:
    return _page(desk, request)


@router.post("/password", dependencies=[may(Permission.VIEW), FromOwnPage])
async def choose_password(
    desk: AtDesk, request: Request, chosen: Secret = "", again: Secret = "", current: Secret = ""
) -> HTMLResponse:
    """Set one's password; the other browsers are signed out."""
    refused: RegistryError | None = None
    if chosen != again:
        refused = passwords.PasswordError(N_("The two passwords differ."))
    else:
        try:
            identity, now = _identity(desk), desk.now()
            await passwords.in_turn(
                lambda: signing_in.choose_password(desk.database, identity, current, chosen, now)
            )
        except RegistryError as error:
            refused = error
    done = "" if refused else N_("The password is set; other browsers are signed out.")
    return await run_in_threadpool(_page, desk, request, done=done, refused=refused)


@router.post("/sessions/end", dependencies=[may(Permission.VIEW), FromOwnPage])
def end_session(desk: AtDesk, request: Request, session_id: Annotated[Number, Form()]) -> HTMLResponse:
    """Sign out another browser of one's own."""
    with desk.database.transaction() as session:
        sessions.end(session, _identity(desk).user_id, session_id)
    return _page(desk, request, done=N_("That browser is signed out."))


@router.post("/sessions/end-others", dependencies=[may(Permission.VIEW), FromOwnPage])
def end_others(desk: AtDesk, request: Request) -> HTMLResponse:
    """Sign out everywhere but here."""
    identity = _identity(desk)
    with desk.database.transaction() as session:
        users.sign_out(session, desk.actor, identity.user_id, desk.now(), but=identity.session_id)
    return _page(desk, request, done=N_("All other browsers are signed out."))


@router.post("/sessions/end-all", dependencies=[may(Permission.VIEW), FromOwnPage])
def end_all(desk: AtDesk, request: Request) -> Response:
    """Sign out everywhere, and here."""
    with desk.database.transaction() as session:
        users.sign_out(session, desk.actor, _identity(desk).user_id, desk.now())
    response = RedirectResponse(sign_in.PATH, 303)
    cookies.forget(request, response)
    return response


def _identity(desk: Desk) -> Identity:
    assert desk.identity is not None  # the routes ask a permission
    return desk.identity


def _page(
    desk: Desk, request: Request, *, done: str = "", refused: RegistryError | None = None
) -> HTMLResponse:
    reader, identity = reader_of(request, desk), _identity(desk)
    with desk.database.reading() as session:
        rows = sessions.of_user(session, identity.user_id, reader.now)
        asks_for_current = signing_in.asks_for_current(session, identity, reader.now)
        by_link = signing_in.came_by_link(session, identity)
        living = tokens.living_of(session, identity.name, reader.now) if by_link else []
    return page(
        request,
        desk,
        "account.html",
        reader=reader,
        status=409 if refused else 200,
        address="/account",
        rows=rows,
        asks_for_current=asks_for_current,
        tokens_to_end=len(living),
        least=passwords.LEAST,
        most=passwords.MOST,
        done=[reader.say(done)] if done else [],
        refused=refused.text(reader.language) if refused else "",
    )
