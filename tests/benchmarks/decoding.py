"""A look that decodes and does no more: the other programs are asked for a decoded keyframe, too."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from probes.reasons import Reason
from probes.result import Mode, Seen, Sight, Target
from probes.rtsp.keyframe import Keyframe
from probes.senses import Here, Looked, Senses

_UNMEASURED = Sight(
    width=0,
    height=0,
    mode=Mode.GREY,
    brightness=0.0,
    contrast=0.0,
    sharpness=0.0,
    chroma=0.0,
    flat=0.0,
    broken=0.0,
    dhash=0,
)


class Decoding(Senses):
    """Decodes in a thread of this process, one picture after another as ``serve`` does; measures nothing."""

    def __init__(self) -> None:
        super().__init__(Here())
        self._thread = ThreadPoolExecutor(1)

    async def look(self, target: Target, keyframe: Keyframe, limit_s: float, now: datetime) -> Looked:
        from probes.decode import decode_keyframe  # a program that decodes nothing opens no FFmpeg

        loop = asyncio.get_running_loop()
        picture = await loop.run_in_executor(self._thread, decode_keyframe, keyframe.codec, keyframe.data)
        assert picture.width > 0
        return Looked(Reason.OK, _UNMEASURED, None, Seen(b"", b"", now, now, Mode.GREY))
