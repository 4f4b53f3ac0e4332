"""``/sign-in``: by name and password, or by a link that signs somebody in once; and ``/sign-out``."""

import re
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from camera_registry.api import cookies
from camera_registry.api.desk import AtDesk, Desk, identify
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth import links, passwords, sessions, signing_in
from camera_registry.auth.links import LinkOver
from camera_registry.auth.oidc import OidcError
from camera_registry.auth.signing_in import Asker, WrongLogin
from camera_registry.auth.throttle import Throttled
from camera_registry.errors import RegistryError
from dashboards.rendering import page, reader_of

PATH = "/sign-in"
LONGEST_NEXT = 500

# A path of ours: "//host" and "/\host" are addresses of elsewhere to a browser.
OWN_PATH = re.compile(r"/(?![/\\])[^\x00-\x20\x7f]*")

Next = Annotated[str, Query(max_length=LONGEST_NEXT)]

router = APIRouter(include_in_schema=False)


@router.get(PATH)
def ask(desk: AtDesk, request: Request, next: Next = "/") -> Response:
    if identify(request) is not None:
        return _led_on(next)
    return form(desk, request, next)


@router.post(PATH, dependencies=[FromOwnPage])
async def sign_in(
    desk: AtDesk,
    request: Request,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1_000)] = "",
    next: Annotated[str, Form(max_length=LONGEST_NEXT)] = "/",
) -> Response:
    asker, now = asker_of(request), desk.now()
    try:
        token = await passwords.in_turn(
            lambda: signing_in.by_password(desk.database, desk.settings, name, password, asker, now)
        )
    except RegistryError as refused:
        return await run_in_threadpool(form, desk, request, next, name=name, refused=refused)
    return signed_in(desk, request, token, next)


@router.get(f"{links.PATH}/{{token}}")
def ask_by_link(desk: AtDesk, request: Request, token: str, next: Next = "/account") -> Response:
    """Shows a button and uses nothing up: chats look at addresses before people do."""
    try:
        with desk.database.reading() as session:
            user = links.user_of(session, token, desk.now())
            name = user.shown_name or user.name
    except LinkOver as refused:
        return form(desk, request, "/", refused=refused)
    reader = reader_of(request, desk)
    return page(request, desk, "sign_in_link.html", reader=reader, name=name, next=own(next))


@router.post(f"{links.PATH}/{{token}}", dependencies=[FromOwnPage])
def sign_in_by_link(
    desk: AtDesk,
    request: Request,
    token: str,
    next: Annotated[str, Form(max_length=LONGEST_NEXT)] = "/account",
) -> Response:
    try:
        begun = signing_in.by_link(desk.database, desk.settings, token, asker_of(request), desk.now())
    except LinkOver as refused:
        return form(desk, request, "/", refused=refused)
    return signed_in(desk, request, begun, next)


@router.post("/sign-out", dependencies=[FromOwnPage])
def sign_out(desk: AtDesk, request: Request) -> Response:
    identity = identify(request)
    if identity is not None and identity.session_id is not None:
        with desk.database.transaction() as session:
            sessions.end(session, identity.user_id, identity.session_id)
    response = RedirectResponse(PATH, HTTPStatus.SEE_OTHER)
    cookies.forget(request, response)
    return response


def led_there(request: Request) -> Response:
    """Where a page is asked for by nobody: its reader is led to signing in, and from there back to it.

    What a script asks for is no page to be led to: it hears 401, and htmx where the whole page is to go.
    """
    shown = request.headers.get("hx-current-url")
    if shown is not None:
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": _address_of(shown)})
    if request.headers.get("sec-fetch-mode", "navigate") != "navigate":
        return Response(status_code=HTTPStatus.UNAUTHORIZED)
    asked = str(request.url) if request.method == "GET" else "/"
    return RedirectResponse(_address_of(asked), HTTPStatus.SEE_OTHER)


def asker_of(request: Request) -> Asker:
    return Asker(
        origin=request.client.host if request.client else "",
        agent=request.headers.get("user-agent", ""),
        request_id=getattr(request.state, "request_id", ""),
    )


def _address_of(asked: str) -> str:
    """The address of signing in that leads on to the path of ``asked``, an address of ours."""
    parts = urlsplit(asked)
    on = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return PATH if on in ("", "/") else f"{PATH}?{urlencode({'next': on})}"


def own(next: str) -> str:
    """``next``, if it leads to a page of ours; else to the first one."""
    return next if OWN_PATH.fullmatch(next) else "/"


def _led_on(next: str) -> Response:
    return RedirectResponse(own(next), HTTPStatus.SEE_OTHER)


def signed_in(desk: Desk, request: Request, token: str, next: str) -> Response:
    """Give the browser its session, and lead it on."""
    response = _led_on(next)
    cookies.keep(request, response, token, desk.settings.session_days)
    return response


def form(
    desk: Desk, request: Request, next: str, *, name: str = "", refused: RegistryError | None = None
) -> Response:
    """The form to sign in by, with what was refused."""
    reader = reader_of(request, desk)
    response = page(
        request,
        desk,
        "sign_in.html",
        reader=reader,
        status=_status(refused),
        address=_address_of(own(next)),
        next=own(next),
        name=name[:100],
        oidc=desk.settings.oidc_issuer is not None,
        refused=refused.text(reader.language) if refused else "",
    )
    if isinstance(refused, Throttled):
        response.headers["Retry-After"] = str(refused.values["seconds"])
    return response


def _status(refused: RegistryError | None) -> HTTPStatus:
    match refused:
        case None:
            return HTTPStatus.OK
        case Throttled():
            return HTTPStatus.TOO_MANY_REQUESTS
        case WrongLogin() | OidcError():
            return HTTPStatus.FORBIDDEN
        case LinkOver():
            return HTTPStatus.GONE
    return HTTPStatus.SERVICE_UNAVAILABLE
