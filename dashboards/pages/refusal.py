"""The page shown when a page cannot be: what happened, and what to do next."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError

from camera_registry.api.desk import Desk, desk_of, identify
from camera_registry.auth.identity import Identity
from camera_registry.i18n import N_
from dashboards.rendering import page, reader_of

AGAIN = N_("Try again in a minute. If it fails again, tell an administrator the number below.")

# What it is called, what happened, what to do next.
WORDS: Mapping[int, tuple[str, str, str]] = {
    HTTPStatus.FORBIDDEN: (
        N_("Not allowed"),
        N_("Your role may not do this."),
        N_("Whoever administers this system can give you the right to."),
    ),
    HTTPStatus.NOT_FOUND: (
        N_("Not found"),
        N_("There is nothing at this address, or it lies outside of what you may see."),
        N_("Look whether the address is complete, or search among the eyes."),
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        N_("Not possible here"),
        N_("This page cannot do that."),
        N_("Go back and try again from the page you came from."),
    ),
    HTTPStatus.CONFLICT: (
        N_("Changed meanwhile"),
        N_("Somebody changed this while you looked at it."),
        N_("Go back, load the page again and look at it once more."),
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        N_("Too large"),
        N_("What was sent is larger than what is taken here. Nothing of it was kept."),
        N_("Send less at a time, or a smaller file."),
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        N_("Too often"),
        N_("This was asked too often in a short time."),
        N_("Wait a minute and try again."),
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        N_("Something failed"),
        N_("The monitor could not answer this. The fault is not yours."),
        AGAIN,
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        N_("Not available now"),
        N_("The database of the monitor does not answer."),
        AGAIN,
    ),
}
OTHERWISE = (
    N_("Not understood"),
    N_("The request cannot be understood."),
    N_("Go back and check what was typed."),
)


async def refusal(request: Request, status: int, detail: str = "") -> Response:
    """A page that says in words why there is none. ``detail`` is a msgid, said where this is forbidden.

    Who has signed in keeps the menu, whichever address was asked for.
    """
    return await run_in_threadpool(_refusal, await desk_of(request), request, status, detail)


def _refusal(desk: Desk, request: Request, status: int, detail: str) -> Response:
    title, happened, advice = WORDS.get(status, OTHERWISE)
    if status == HTTPStatus.FORBIDDEN and detail:
        happened = detail
    if desk.identity is None:
        desk = replace(desk, identity=_known(request))
    reader = reader_of(request, desk)
    return page(
        request,
        desk,
        "refusal.html",
        reader=reader,
        status=status,
        address="/",
        code=status,
        title=title,
        happened=happened,
        advice=advice,
        number=request.state.request_id if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "",
    )


def _known(request: Request) -> Identity | None:
    """Who asks, of an address that asked for no permission; nobody, where the database cannot tell."""
    try:
        return identify(request, touch=False)
    except SQLAlchemyError:
        return None
