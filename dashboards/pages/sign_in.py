"""``/sign-in``: by name and password, or by a link that signs somebody in once."""

from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

PATH = "/sign-in"

router = APIRouter(include_in_schema=False)


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


def _address_of(asked: str) -> str:
    """The address of signing in that leads on to the path of ``asked``, an address of ours."""
    parts = urlsplit(asked)
    on = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return PATH if on in ("", "/") else f"{PATH}?{urlencode({'next': on})}"
