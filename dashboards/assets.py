"""What pages load: style, scripts, typefaces. Addresses change with the contents, so browsers keep them.

The address of every asset begins with one mark made of all of them: what a style sheet or a script names
beside itself is found under the same mark, and is as new as what named it.
"""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Response
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"


def address(name: str) -> str:
    """Where browsers find the asset ``name``, such as ``vendor/htmx.min.js``. Raises if there is none."""
    if not (STATIC / name).is_file():
        raise FileNotFoundError(name)
    return f"/static/{mark()}/{name}"


@cache
def mark() -> str:
    """Of all assets together: another one after an upgrade."""
    digest = sha256()
    for path in sorted(path for path in STATIC.rglob("*") if path.is_file()):
        digest.update(path.relative_to(STATIC).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


class Assets(StaticFiles):
    """Serves ``STATIC`` under the present mark; under any other there is nothing."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    def get_path(self, scope: Scope) -> str:
        asked, _, name = super().get_path(scope).partition("/")
        return name if asked == mark() else "of/another/mark"

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = FOR_EVER
        return response
