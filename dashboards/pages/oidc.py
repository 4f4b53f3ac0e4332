"""``/sign-in/oidc``: to the provider of sign-ins, and back from it."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import RedirectResponse

from camera_registry.api.desk import AtDesk
from camera_registry.auth import oidc, signing_in
from camera_registry.auth.oidc import BEGUN_FOR, OidcError, Provider
from dashboards.pages import sign_in

PATH = f"{sign_in.PATH}/oidc"
BACK = f"{PATH}/back"
COOKIE = "oidc"
LONGEST = 4_000  # characters of what the provider sends back

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Query(max_length=LONGEST)]


@router.get(PATH)
def begin(desk: AtDesk, request: Request, next: sign_in.Next = "/") -> Response:
    """Send the browser to the provider, with a cookie by which it is known when it comes back."""
    provider = _provider(request)
    try:
        origin = sign_in.asker_of(request).origin
        address, key = provider.begin(_back(request), sign_in.own(next), origin, desk.now())
    except OidcError as refused:
        return sign_in.form(desk, request, next, refused=refused)
    response = RedirectResponse(address, HTTPStatus.SEE_OTHER)
    response.set_cookie(
        COOKIE,
        key,
        max_age=int(BEGUN_FOR.total_seconds()),
        path=PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",  # the browser comes back from another site
    )
    return response


@router.get(BACK)
def back(
    desk: AtDesk,
    request: Request,
    code: Text | None = None,
    state: Text = "",
    error: Text = "",
) -> Response:
    """Begin a session for whom the provider says it is, if somebody here is meant."""
    provider = _provider(request)
    told = {"state": state, "error": error} | ({"code": code} if code else {})
    asker, now = sign_in.asker_of(request), desk.now()
    try:
        claims, next = provider.finish(request.cookies.get(COOKIE, ""), told, now)
        with desk.database.transaction() as session:
            user = oidc.user_of(session, claims, asker.origin, asker.request_id, now)
            token = signing_in.begin(session, desk.settings, user, asker, now, by="oidc")
    except OidcError as refused:
        response = sign_in.form(desk, request, "/", refused=refused)
    else:
        response = sign_in.signed_in(desk, request, token, next)
    response.delete_cookie(COOKIE, path=PATH)
    return response


def _provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.oidc
    if provider is None:
        raise HTTPException(404)
    return provider


def _back(request: Request) -> str:
    """The address of ``back`` as the browser knows it; ``Guard`` has seen to the name."""
    return f"{request.url.scheme}://{request.headers['host']}{BACK}"
