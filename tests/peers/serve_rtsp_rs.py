"""A UDP-only camera by PyPI's rtsp-rs (461 to a SETUP over TCP), at rtsp://127.0.0.1:PORT.

serve_rtsp_rs.py CLIP.h264 PORT
"""

import re
import sys
import time
from pathlib import Path

import rtsp

FPS = 2
CLOCK = 90_000  # RTP clock of H.264 (RFC 6184, 8.2.1)


def main(clip: Path, port: int) -> None:
    data = clip.read_bytes()
    starts = [m.start() for m in re.finditer(rb"\x00\x00\x00\x01\x09", data)]
    units = [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]
    server = rtsp.Server(f"127.0.0.1:{port}")
    server.start()
    print(f"READY port={port}", flush=True)
    number = 0
    while True:
        server.send_frame(units[number % len(units)], CLOCK // FPS)
        number += 1
        time.sleep(1 / FPS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
