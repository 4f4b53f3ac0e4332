"""``/money/documents/{number}``: the kept copy of a paper or photo; how a form of any page sends one."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.datastructures import UploadFile

from camera_registry.api.desk import AtDesk, may
from camera_registry.api.numbers import Number
from camera_registry.api.uploading import MOST_READ, file_of, form_of
from camera_registry.auth.roles import Permission
from camera_registry.credentials import CredentialError, CredentialStore
from camera_registry.funding import documents
from camera_registry.funding.checks import FundingError
from camera_registry.funding.documents import MOST_BYTES, Filled
from camera_registry.funding.kinds import Paper
from dashboards.dates import day_of

MOST_MB = MOST_BYTES >> 20
MOST_SENT = MOST_BYTES + 64 * 1024  # the copy, and the fields beside it
BODY = MOST_READ * MOST_SENT  # of a route that takes one; what is more is read, and refused
LONGEST_FIELD = 1_000  # characters
ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}

router = APIRouter(prefix="/money/documents", include_in_schema=False)


@router.get("/{number}", dependencies=[may(Permission.FUNDING)])
def show(desk: AtDesk, number: Number) -> Response:
    """The copy; that somebody opened it is written down. A picture is shown, a PDF is taken home."""
    try:
        with desk.database.transaction() as session:
            media_type, content = documents.opened(
                *(session, CredentialStore(desk.settings), desk.actor, desk.scope, number),
                *(desk.now(), desk.settings.zone),
            )
    except FundingError:
        raise HTTPException(404) from None
    except CredentialError as sealed:
        raise HTTPException(503, sealed.message) from None
    how = "inline" if media_type.startswith("image/") else "attachment"
    name = f"{how}; filename=document-{number}.{ENDINGS[media_type]}"
    return Response(content, media_type=media_type, headers={"Content-Disposition": name})


@dataclass(frozen=True, slots=True)
class Sent:
    """What the form of a paper said: ``typed`` by field, and the bytes of its file, if there was one."""

    typed: Mapping[str, str]
    content: bytes

    def filled(self) -> Filled:
        """As it is kept. Raises ``RegistryError`` for a day that is none, and 422 for a kind that is none."""
        kind = self.typed.get("kind", "")
        if kind not in set(Paper):
            raise HTTPException(422)
        return Filled(
            Paper(kind),
            number=self.typed.get("number", ""),
            dated=day_of(self.typed.get("dated", "")),
            issuer=self.typed.get("issuer", ""),
            title=self.typed.get("title", ""),
            content=self.content or None,
        )


async def sent(request: Request) -> Sent:
    """The form of a paper, read into memory. Raises 413 for a file beyond ``MOST_BYTES``."""
    form = await form_of(request, MOST_SENT)
    try:
        _, content = await file_of(form, "file")
        typed = {
            name: value.strip()[:LONGEST_FIELD]
            for name, value in form.items()
            if not isinstance(value, UploadFile)
        }
    finally:
        await form.close()
    return Sent(typed, content)
