"""The cookie of a session: no script reads it, and no other site has it sent with a deed.

Over TLS its name begins with ``__Host-``, which browsers take only from this very host, for all of its paths,
and never over an open line (RFC 6265bis, 4.1.3.2). On this machine itself there is no TLS.
"""

from fastapi import Request, Response

NAME = "session"


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _name(request: Request) -> str:
    return f"__Host-{NAME}" if _secure(request) else NAME


def session_token(request: Request) -> str | None:
    return request.cookies.get(_name(request))


def keep(request: Request, response: Response, token: str, days: int) -> None:
    """Have the browser keep it for as long as a session may last; the server ends it sooner."""
    response.set_cookie(
        _name(request),
        token,
        max_age=days * 24 * 3600,
        secure=_secure(request),
        httponly=True,
        samesite="lax",
    )


def forget(request: Request, response: Response) -> None:
    response.delete_cookie(_name(request), secure=_secure(request), httponly=True, samesite="lax")
