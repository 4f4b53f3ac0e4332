"""Serves a folder of .mp4 files over RTSP/TCP by PyPI's aio-rtsp-toolkit, from rtsp://127.0.0.1:PORT/NAME.mp4.

serve_aio_rtsp_toolkit.py FOLDER PORT
"""

import asyncio
import logging
import sys

import aio_rtsp_toolkit.server as server
import aio_sockets.aio_sockets as core

logging.basicConfig(level=logging.WARNING)
server.logger = core.logger = logging.getLogger("rtsp")  # its own logs each session


async def main(folder: str, port: int) -> None:
    rtsp = server.RtspServer(folder, "127.0.0.1", port)
    await rtsp.start()
    print(f"READY port={port}", flush=True)
    await rtsp.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
