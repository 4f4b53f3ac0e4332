"""How we count: the rules of every figure, in words that people use."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.health import RULES_VERSION
from dashboards.rendering import page, reader_of

router = APIRouter(include_in_schema=False)


@router.get("/counting", dependencies=[may(Permission.VIEW)])
def counting(desk: AtDesk, request: Request) -> HTMLResponse:
    reader = reader_of(request, desk)
    settings = desk.settings
    return page(
        request,
        desk,
        "counting.html",
        reader=reader,
        rules_version=RULES_VERSION,
        confirm_after=settings.confirm_after,
        silence_factor=settings.silence_factor,
        lateness_days=settings.lateness_days,
        zone=settings.timezone,
    )
