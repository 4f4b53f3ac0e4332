"""An eye of the registry asked at somebody's wish."""

import uvloop

from camera_registry import errands
from camera_registry.commands.common import Refused, now
from camera_registry.commands.storage import open_credentials, open_database
from camera_registry.counters import Counters
from camera_registry.i18n import N_
from camera_registry.monitor import Monitor, prepare
from camera_registry.settings import Settings
from probes.result import Depth, ProbeResult


def ask(code: str, depth: Depth, record: bool, settings: Settings) -> ProbeResult:
    """Have an eye of the registry probed, by whoever asks eyes: by this process where no other does.

    Raises ``InventoryError``, ``NoAnswer``, and ``Refused`` where it may not be asked.
    """
    with open_database(settings) as database:
        credentials = open_credentials(settings, database)
        request = errands.request_probe(database, code, depth, record, now())

        def monitor() -> Monitor:
            return prepare(database, settings, credentials, Counters.new(), now, lambda _: None)

        def look() -> errands.Answer | None:
            return errands.read_answer(database, request, now())

        try:
            result = uvloop.run(errands.wait_for(database, monitor, look)).result
        finally:
            errands.forget_request(database, request)
        if result is None:
            raise Refused(N_('The eye "{code}" may not be asked over the network.'), code=code)
        return result
