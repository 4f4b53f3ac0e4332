"""The page shown when a page cannot be."""

from http import HTTPStatus

from fastapi import Request, Response

from camera_registry.api.desk import Desk
from camera_registry.i18n import N_
from dashboards.rendering import page, reader_of

SENTENCES = {
    HTTPStatus.NOT_FOUND: N_("There is no page at this address."),
    HTTPStatus.METHOD_NOT_ALLOWED: N_("This page cannot do that."),
}
OTHERWISE = N_("The request cannot be understood.")


def refusal(desk: Desk, request: Request, status: int, detail: str = OTHERWISE) -> Response:
    """A page that says in words why there is none. ``detail`` is a msgid, said where this is forbidden."""
    sentence = detail if status == HTTPStatus.FORBIDDEN else SENTENCES.get(HTTPStatus(status), OTHERWISE)
    reader = reader_of(request, desk)
    return page(request, desk, "refusal.html", reader=reader, status=status, code=status, sentence=sentence)
