"""Private networks: a namespace with a loopback of its own, and work done inside it."""

import ctypes
import itertools
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

CLONE_NEWNET = 0x40000000  # setns(2); os.setns comes with Python 3.12

T = TypeVar("T")
_numbers = itertools.count()


@contextmanager
def namespace(rules: str = "", routes: tuple[str, ...] = ()) -> Iterator[str]:
    """A network namespace with loopback only; yields its name. Needs root.

    ``rules`` is a file for nftables, ``routes`` are arguments of ``ip route add``.
    """
    name = f"registry-test-{os.getpid()}-{next(_numbers)}"
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "-n", name, "link", "set", "lo", "up")
        for route in routes:
            _run("ip", "-n", name, "route", "add", *route.split())
        if rules:
            _run("ip", "netns", "exec", name, "nft", "-f", "-", stdin=rules)
        yield name
    finally:
        _run("ip", "netns", "del", name)


def inside(name: str, work: Callable[[], T]) -> T:
    """Do ``work`` in a thread of its own whose sockets are the namespace's."""
    result: list[T] = []
    failure: list[BaseException] = []

    def enter() -> None:
        try:
            with Path("/run/netns", name).open("rb") as file:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            result.append(work())
        except BaseException as exc:  # carried over to the caller
            failure.append(exc)

    thread = threading.Thread(target=enter, name=name)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


def _run(*argv: str, stdin: str | None = None) -> None:
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr.strip()} (namespaces need root)"
