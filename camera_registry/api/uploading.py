"""A file that a browser sends, read into memory: it may hold passwords, and must not touch the disk."""

from collections.abc import AsyncGenerator

from fastapi import HTTPException, Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

MOST_READ = 8  # times what is taken: a browser that is cut off shows no answer, so more is read, and dropped


class _InMemory(MultiPartParser):
    """Starlette's, without its way out to a temporary file."""

    spool_max_size = 1 << 40


async def form_of(request: Request, most_bytes: int) -> FormData:
    """The fields and the file of a multipart form. Raises 400, or 413 beyond ``most_bytes`` in all."""
    taken = 0

    async def within() -> AsyncGenerator[bytes, None]:
        nonlocal taken
        async for chunk in request.stream():
            taken += len(chunk)
            if taken > MOST_READ * most_bytes:
                raise HTTPException(413)
            if taken <= most_bytes:
                yield chunk

    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HTTPException(400)
    try:
        form = await _InMemory(request.headers, within(), max_files=1, max_fields=20).parse()
    except MultiPartException:
        raise HTTPException(413 if taken > most_bytes else 400) from None
    if taken > most_bytes:
        raise HTTPException(413)
    return form


async def file_of(form: FormData, name: str) -> tuple[str, bytes]:
    """The name and the bytes of the file in the field ``name``; both empty where none was chosen."""
    sent = form.get(name)
    if not isinstance(sent, UploadFile):
        return "", b""
    return (sent.filename or "").replace("\\", "/").rpartition("/")[2][:200], await sent.read()
