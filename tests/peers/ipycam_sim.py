"""ipycam, a virtual ONVIF and RTSP camera from PyPI, with a generated picture.

usage: ipycam_sim.py HTTP_PORT RTSP_PORT WEB_PORT USER PASSWORD

It binds every address and answers WS-Discovery: run it in a network namespace.
"""

import signal
import sys
import threading

import numpy as np
from ipycam import CameraConfig, IPCamera

WIDTH, HEIGHT, FPS = 320, 180, 5


def main() -> None:
    http, rtsp, web = (int(word) for word in sys.argv[1:4])
    user, password = sys.argv[4:6]
    config = CameraConfig(
        local_ip="127.0.0.1",
        onvif_port=http,
        rtsp_port=rtsp,
        web_port=web,
        main_width=WIDTH,
        main_height=HEIGHT,
        main_fps=FPS,
        sub_width=WIDTH,
        sub_height=HEIGHT,
    )
    config.set_credentials(user, password)
    camera = IPCamera(config=config)
    camera.start()
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    print("READY", flush=True)
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    while not over.is_set():
        frame = np.roll(frame, 8, axis=1)
        frame[60:120, :40] = 255
        camera.stream(frame)
        over.wait(1 / FPS)
    camera.stop()


if __name__ == "__main__":
    main()
