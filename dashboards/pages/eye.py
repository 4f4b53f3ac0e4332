"""The page of one eye: how it is, how far the newest probe climbed, and what has changed."""

from datetime import timedelta

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from camera_registry import outages, queries
from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.uptime import Span
from dashboards.rendering import page, reader_of

LATELY = timedelta(days=30)

router = APIRouter(include_in_schema=False)


@router.get("/eyes/{code:path}", dependencies=[may(Permission.VIEW)])
def eye(desk: AtDesk, request: Request, code: str) -> HTMLResponse:
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        detail = queries.eye(session, desk.scope, reader.now, reader.zone, code)
        lately = Span(reader.now - LATELY, reader.now)
        causes = outages.causes(session, desk.scope, reader.now, reader.zone, code, lately)
    if detail is None:
        raise HTTPException(404)
    return page(
        request,
        desk,
        "eye.html",
        reader=reader,
        revision=revision,
        detail=detail,
        eye=detail.eye,
        causes=causes,
    )
