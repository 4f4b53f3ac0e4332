"""OpenCV as this project loads it: with a limit on what an image may claim, and one thread.

Whoever needs ``cv2`` takes it from here: OpenCV reads the limit once, while it is being loaded.
"""

import os
from typing import Final

MAX_PIXELS: Final = 40_000_000

# A 320 kB JPEG that claims 30000x30000 took OpenCV 5.1 GB and 9 s; this wall stands behind our own look at
# the header.
os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(MAX_PIXELS)

import cv2  # noqa: E402 – its limits are set first

cv2.setNumThreads(1)  # pictures are judged side by side by several processes: threads would only add cost

__all__ = ["MAX_PIXELS", "cv2"]
