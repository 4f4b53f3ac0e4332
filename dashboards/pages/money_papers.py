"""``/money/documents``: a paper, or a picture of one, put to an entry, a point or a programme."""

from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.credentials import CredentialStore
from camera_registry.errors import RegistryError
from camera_registry.funding import documents
from camera_registry.funding.documents import About
from dashboards.pages import money_entry, money_point, money_programmes, papers
from dashboards.pages.money_forms import whole
from dashboards.rendering import reader_of

PAGES = {
    "entry": "/money/entries/",
    "point": "/points/",
    "programme": "/money/programmes/enter?code=",
}
BEHIND = {"point": "/money"}

router = APIRouter(prefix="/money/documents", include_in_schema=False)


@router.post("", dependencies=[may(Permission.MONEY), FromOwnPage], max_body_size=papers.BODY)
async def add(desk: AtDesk, request: Request) -> Response:
    """Add it, and back to the page of what it is about; the field ``about`` names that: ``point:YB-1``."""
    return await run_in_threadpool(_add, desk, request, await papers.sent(request))


def _add(desk: Desk, request: Request, sent: papers.Sent) -> Response:
    reader = reader_of(request, desk)
    kind, _, name = sent.typed.get("about", "").partition(":")
    try:
        about = _about(kind, name)
        with desk.database.transaction() as session:
            documents.add(
                *(session, CredentialStore(desk.settings), desk.actor, desk.scope, sent.filled()),
                *(about, reader.now, reader.zone),
            )
    except RegistryError as refused:
        said = refused.text(reader.language)
        match kind:
            case "entry":
                return money_entry.shown(desk, request, whole(name) or 0, refused=said)
            case "point":
                return money_point.shown(desk, request, name, refused=said)
            case _:
                return money_programmes.shown(desk, request, name, refused=said)
    return RedirectResponse(f"{PAGES[kind]}{quote(name, safe='')}{BEHIND.get(kind, '')}#papers", 303)


def _about(kind: str, name: str) -> About:
    """What the paper is about; 422 for what no form of ours says."""
    if kind == "entry":
        return About(entry=whole(name))
    if kind == "point":
        return About(point=name)
    if kind == "programme":
        return About(programme=name)
    raise HTTPException(422)
