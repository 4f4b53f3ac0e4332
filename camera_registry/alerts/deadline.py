"""An exchange ends as a whole: a server that gives one byte at a time keeps nobody."""

import os
import socket
from contextlib import suppress
from threading import Lock, Timer
from types import TracebackType


class Deadline:
    """While the block lasts, sockets that are watched are shut after so many seconds, or by ``end``."""

    def __init__(self, seconds: float) -> None:
        self._timer = Timer(seconds, self.end)
        self._timer.daemon = True
        self._lock = Lock()
        self._watched: list[socket.socket] = []
        self._over = False

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for connection in self._watched:
                connection.close()
            self._watched.clear()

    def watch(self, connection: socket.socket) -> None:
        """Also while TLS, in whose name the socket is taken away, is still being agreed upon."""
        with suppress(OSError):  # closed already
            own = socket.socket(fileno=os.dup(connection.fileno()))
            with self._lock:
                self._watched.append(own)
        if self._over:
            self.end()

    def end(self) -> None:
        """Whoever reads from a watched socket hears that it is closed."""
        self._over = True
        with self._lock:
            for connection in self._watched:
                with suppress(OSError):  # closed already
                    connection.shutdown(socket.SHUT_RDWR)
