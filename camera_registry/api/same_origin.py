"""Deeds only from our own pages, or programs: another site can have a browser send a form, or load a picture.

The browser says where a request comes from (W3C Fetch Metadata; RFC 6454). Ours tell no referrer, so a form's
``Origin`` is ``null`` even from them: ``Sec-Fetch-Site`` goes first.
"""

from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request

from camera_registry.api.desk import by_token
from camera_registry.i18n import N_

FROM_ELSEWHERE = N_("This is done from our own pages only.")


def _from_own_page(request: Request) -> None:
    if by_token(request):  # which no browser sends by itself
        return
    site = request.headers.get("sec-fetch-site")
    origin = urlsplit(request.headers.get("origin", ""))
    own = site == "same-origin" if site is not None else origin.netloc == request.headers.get("host")
    if not own:
        raise HTTPException(403, FROM_ELSEWHERE)


FromOwnPage = Depends(_from_own_page)


def _not_from_elsewhere(request: Request) -> None:
    """A program says nothing of where it is: every browser does (``Origin`` goes with each POST)."""
    if "sec-fetch-site" in request.headers or "origin" in request.headers:
        _from_own_page(request)


NotFromElsewhere = Depends(_not_from_elsewhere)
