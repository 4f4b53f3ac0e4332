"""``/i/…``: the one incident that a message is about, to who got it and has not signed in."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse

from camera_registry import handling, incident_story, queries
from camera_registry.alerts import links
from camera_registry.alerts.links import LinkOver
from camera_registry.api.desk import AtDesk, Desk
from camera_registry.api.same_origin import FromOwnPage
from dashboards.rendering import page, reader_of

COOKIE = "incident"  # on the path of its link alone
MOST_EYES = 40  # shown one by one
MOST_EVENTS = 12  # of its story, the newest

Token = Annotated[str, Path(max_length=100)]

router = APIRouter(prefix=links.PATH, include_in_schema=False)


@router.get("/{token}")
def look(desk: AtDesk, request: Request, token: Token) -> Response:
    """The incident; or a button, before the link belongs to a browser: chats look at addresses, too."""
    now, zone, reader = desk.now(), desk.settings.zone, reader_of(request, desk)
    try:
        with desk.database.reading() as session:
            if links.waits(session, token, now):
                return _unlisted(page(request, desk, "message_link_waits.html", reader=reader))
            opened = links.show(session, token, request.cookies.get(COOKIE, ""), now, zone)
            row = opened.incident
            codes = {away.eye for away in row.away}
            eyes = [eye for eye in queries.eyes(session, opened.scope, now, zone) if eye.code in codes]
            taken = handling.acknowledgements(session, [row]).get(row.id)
    except LinkOver as refused:
        return _over(desk, request, refused)
    shown = page(
        request,
        desk,
        "message_link.html",
        reader=reader,
        token=token,
        opened=opened,
        incident=row,
        eyes=eyes[:MOST_EYES],
        more=max(0, len(eyes) - MOST_EYES),
        taken=taken,
        # What people wrote stays with those who have signed in.
        events=incident_story.story(row, [], now)[-MOST_EVENTS:],
    )
    return _unlisted(shown)


@router.post("/{token}", dependencies=[FromOwnPage])
def open_(desk: AtDesk, request: Request, token: Token) -> Response:
    """The button: from now on the link is this browser's."""
    try:
        with desk.database.transaction() as session:
            secret = links.open_(session, token, desk.now(), *_asker(request))
    except LinkOver as refused:
        return _over(desk, request, refused)
    path = f"{links.PATH}/{token}"
    response = RedirectResponse(path, HTTPStatus.SEE_OTHER)
    response.set_cookie(
        COOKIE,
        secret,
        max_age=links.HOURS * 3600,
        path=path,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


@router.post("/{token}/acknowledge", dependencies=[FromOwnPage])
def acknowledge(desk: AtDesk, request: Request, token: Token) -> Response:
    """Whoever has the message takes the incident in hand."""
    now, secret = desk.now(), request.cookies.get(COOKIE, "")
    try:
        with desk.database.transaction() as session:
            opened = links.show(session, token, secret, now, desk.settings.zone)
            links.acknowledge(session, opened, opened.actor(*_asker(request)), now)
    except LinkOver as refused:
        return _over(desk, request, refused)
    return RedirectResponse(f"{links.PATH}/{token}", HTTPStatus.SEE_OTHER)


def _over(desk: Desk, request: Request, refused: LinkOver) -> Response:
    reader = reader_of(request, desk)
    said = refused.text(reader.language)
    return _unlisted(
        page(
            request,
            desk,
            "message_link_over.html",
            reader=reader,
            status=HTTPStatus.GONE,
            refused=said,
        )
    )


def _unlisted(response: Response) -> Response:
    """For no search engine."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _asker(request: Request) -> tuple[str, str]:
    """Where the request came from, and its number, for the audit."""
    return request.client.host if request.client else "", getattr(request.state, "request_id", "")
