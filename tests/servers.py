"""Real servers for tests: free ports, and processes that are awaited by deadline and ended by pid."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

POLL_S = 0.05


def free_port(address: str = "127.0.0.1") -> int:
    """A TCP port of ``address`` that nobody listens on, for servers that cannot take port 0."""
    with socket.create_server((address, 0)) as held:
        port: int = held.getsockname()[1]
    return port


@contextmanager
def started(
    argv: Sequence[str | Path],
    *,
    log: Path,
    ready: Callable[[str], bool],
    deadline_s: float = 60.0,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server while the block lasts; it is entered when ``ready(log so far)`` holds.

    Both outputs go to ``log``, which stays. Raises ``AssertionError`` with the end of the log when
    the server ends or is not ready in time. It gets SIGTERM at the end, then, after 5 s, SIGKILL.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
        )
    try:
        give_up = time.monotonic() + deadline_s
        while not ready(log.read_text(errors="replace")):
            if process.poll() is not None or time.monotonic() > give_up:
                tail = log.read_text(errors="replace")[-2000:]
                raise AssertionError(f"{argv[0]} is not ready (exit code {process.poll()}):\n{tail}")
            time.sleep(POLL_S)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def says_ready(log: str) -> bool:
    """The sign our own starters give: a line that begins with READY."""
    return any(line.startswith("READY") for line in log.splitlines())


def describes(port: int, path: str) -> Callable[[str], bool]:
    """For RTSP servers that give no sign: ready when they describe a stream."""

    def ready(_log: str) -> bool:
        url = f"rtsp://127.0.0.1:{port}{path}"
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
                client.sendall(
                    f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n".encode()
                )
                return client.recv(4096).startswith(b"RTSP/1.0 200")
        except OSError:
            return False

    return ready
