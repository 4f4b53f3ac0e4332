"""A real LIVE555 RTSP server, from PyPI's liblivemedia: hands on the streams of another server.

    serve_live555_proxy.py PORT NAME=rtsp://127.0.0.1:8554/cam/0000 ...

LIVE555 learns its own address by a multicast packet: it runs in a network namespace of its own.
"""

import sys
import time

import liblivemedia


def main(port: int, specs: list[str]) -> None:
    server = liblivemedia.ProxyServer("127.0.0.1", port)
    for spec in specs:
        name, _, uri = spec.partition("=")
        server.addURI(uri, name, "", "")
    server.start()
    print(f"READY {server.getRootURI()}", flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
