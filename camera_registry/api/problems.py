"""Refusals and failures as problem details (RFC 9457), so that a program can read them."""

from http import HTTPStatus

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

FOR_PROGRAMS = ("/api/", "/metrics", "/healthz")  # refusals there are problem details, elsewhere pages


def for_program(request: Request) -> bool:
    return request.url.path.startswith(FOR_PROGRAMS)


def problem(status: int, detail: str = "", **more: object) -> Response:
    """``application/problem+json``; its title is the status phrase."""
    body = {"status": status, "title": HTTPStatus(status).phrase, **more}
    if detail and detail != body["title"]:
        body["detail"] = detail
    return Response(orjson.dumps(body), status, media_type="application/problem+json")


def refused(error: HTTPException) -> Response:
    answer = problem(error.status_code, error.detail)
    answer.headers.update(error.headers or {})
    return answer


def malformed(error: RequestValidationError) -> Response:
    """What was sent is named by place and reason; its value is not repeated."""
    wrong = [{"place": list(each["loc"]), "reason": each["msg"]} for each in error.errors()]
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, "A part of the request cannot be understood.", errors=wrong
    )
