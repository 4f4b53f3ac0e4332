#!/usr/bin/python3
"""A farm of cameras on GStreamer's RTSP server; run by Debian's Python, which has the bindings.

    farm_gst.py --clips CLIPS --port 8554 --auth-port 8555 --tls-port 8322 --cert C --key K

Cameras stand at /cam/0000 ..., and every kind of fault at /fault/KIND. A clip is an Annex B file with access
unit delimiters (make_clips.sh); its access units stay in memory and are pushed while somebody watches, so an
idle camera costs nothing.

Stream faults:  nokey (key pictures without their picture), stall (the same, and after 4 of them silence on an
                open connection), loss (10 % of the RTP packets), h265 (no fault, the other codec)
Answers:        400 403 404 453 500 503 at DESCRIBE, setup453, play453, play503, udponly (461 to TCP)
--auth-port is a second port with the same cameras that asks for a password (Digest), --tls-port is rtsps.
Prints a line that begins with READY when it listens; SIGTERM or SIGINT ends it.
"""

import argparse
import re
import signal
import sys
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402 - versions come first

FPS = 2
STREAM_FAULTS = ("stall", "nokey", "loss", "h265")
STATUS = {
    "400": GstRtsp.RTSPStatusCode.BAD_REQUEST,
    "403": GstRtsp.RTSPStatusCode.FORBIDDEN,
    "404": GstRtsp.RTSPStatusCode.NOT_FOUND,
    "453": GstRtsp.RTSPStatusCode.NOT_ENOUGH_BANDWIDTH,
    "500": GstRtsp.RTSPStatusCode.INTERNAL_SERVER_ERROR,
    "503": GstRtsp.RTSPStatusCode.SERVICE_UNAVAILABLE,
}
# kind of fault -> (request that is refused, status)
REFUSALS = {kind: ("describe", kind) for kind in STATUS} | {
    "setup453": ("setup", "453"),
    "play453": ("play", "453"),
    "play503": ("play", "503"),
}
KINDS = (*STREAM_FAULTS, *REFUSALS, "udponly")


class Clip:
    """The access units of one Annex B file."""

    def __init__(self, path: Path, *, keys: bool = True) -> None:
        data = path.read_bytes()
        delimiter = rb"\x00\x00\x00?\x01\x46" if path.suffix == ".h265" else rb"\x00\x00\x00?\x01\x09"
        starts = [m.start() for m in re.finditer(delimiter, data)]
        if len(starts) < 2:
            sys.exit(f"{path}: no access unit delimiters (use make_clips.sh)")
        units = [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]
        self.units = units if keys else [self._without_idr(unit) for unit in units]

    @staticmethod
    def _without_idr(unit: bytes) -> bytes:
        """An H.264 access unit with its parameter sets and without its picture (NAL type 5, table 7-1)."""
        nals = re.split(rb"\x00\x00\x00?\x01", unit)[1:]
        return b"".join(b"\x00\x00\x00\x01" + nal for nal in nals if nal[0] & 31 != 5)


class Pusher:
    """Feeds the appsrc of one media while it is watched."""

    def __init__(self, clip: Clip, source: Any, kind: str) -> None:
        self.clip, self.source, self.kind = clip, source, kind
        self.pushed = 0
        self.timer: int | None = None
        source.connect("need-data", self._start)

    def _start(self, *_: Any) -> None:
        if self.timer is None:
            self.timer = 0
            GLib.timeout_add(0, self._first)

    def _first(self) -> bool:
        self._push()
        self.timer = GLib.timeout_add(1000 // FPS, self._push)
        return False

    def _push(self) -> bool:
        n, units = self.pushed, self.clip.units
        self.pushed += 1
        if n >= 4 and self.kind == "stall":
            return False
        buffer = Gst.Buffer.new_wrapped(units[n % len(units)])
        return bool(self.source.emit("push-buffer", buffer) == Gst.FlowReturn.OK)

    def stop(self) -> None:
        timer = GLib.MainContext.default().find_source_by_id(self.timer) if self.timer else None
        if timer:
            timer.destroy()
        self.timer = 0


class Camera(GstRtspServer.RTSPMediaFactory):  # type: ignore[misc] # GObject bindings have no types
    """One path of the farm."""

    def __init__(self, clip: Clip, kind: str) -> None:
        super().__init__()
        self.clip, self.kind = clip, kind
        self.set_shared(True)
        if kind == "udponly":
            self.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
        permissions = GstRtspServer.RTSPPermissions()
        for permission in ("media.factory.access", "media.factory.construct"):
            permissions.add_permission_for_role("user", permission, True)
        self.set_permissions(permissions)
        # Overriding do_configure would lose shared and protocols: the signal does not.
        self.connect("media-configure", self._on_media)

    def do_create_element(self, _url: Any) -> Any:
        codec = "h265" if self.kind == "h265" else "h264"
        caps = f"video/x-{codec},stream-format=byte-stream,alignment=au,framerate={FPS}/1"
        payloader = f"rtp{codec}pay name=pay0 pt=96 mtu=1400"
        if self.kind == "loss":
            payloader = f"rtp{codec}pay pt=96 mtu=1400 ! identity name=pay0 drop-probability=0.1"
        return Gst.parse_launch(
            f'( appsrc name=src is-live=true format=time do-timestamp=true max-bytes=0 caps="{caps}" '
            f"! {codec}parse config-interval=-1 ! {payloader} )"
        )

    def _on_media(self, _factory: Any, media: Any) -> None:
        pusher = Pusher(self.clip, media.get_element().get_by_name("src"), self.kind)
        media.connect("unprepared", lambda _media: pusher.stop())


class Farm:
    """All cameras, on up to three ports."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.refusals: dict[tuple[str, str], Any] = {}
        clips = args.clips
        self.normal, self.h265 = Clip(clips / "normal.h264"), Clip(clips / "normal.h265")
        self.keyless = Clip(clips / "normal.h264", keys=False)
        self.mounts = GstRtspServer.RTSPMountPoints()
        for number in range(args.count):
            self._mount(f"/cam/{number:04d}", "normal")
        for kind in KINDS:
            self._mount(f"/fault/{kind}", kind)
        self.servers = [self._server(args.port)]
        if args.max_sessions:
            self.servers[0].get_session_pool().set_max_sessions(args.max_sessions)
        if args.auth_port:
            self.servers.append(self._server(args.auth_port, auth=self._digest()))
        if args.tls_port:
            self.servers.append(self._server(args.tls_port, auth=self._tls()))
        GLib.timeout_add_seconds(10, self._clean_up)
        if not all(server.attach(None) for server in self.servers):
            sys.exit("cannot listen")

    def _mount(self, path: str, kind: str) -> None:
        clips = {"h265": self.h265, "nokey": self.keyless, "stall": self.keyless}
        self.mounts.add_factory(path, Camera(clips.get(kind, self.normal), kind))
        if kind in REFUSALS:
            method, status = REFUSALS[kind]
            self.refusals[method, path] = STATUS[status]

    def _server(self, port: int, auth: Any = None) -> Any:
        server = GstRtspServer.RTSPServer()
        server.set_address(self.args.address)
        server.set_service(str(port))
        server.set_backlog(1024)  # the default of 5 drops a sweep's connections
        server.set_mount_points(self.mounts)
        server.set_auth(auth)
        server.connect("client-connected", self._on_client)
        return server

    def _digest(self) -> Any:
        auth, token = GstRtspServer.RTSPAuth(), self._token()
        auth.add_digest(self.args.user, self.args.password, token)
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        return auth

    def _tls(self) -> Any:
        auth = GstRtspServer.RTSPAuth()
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(self.args.cert, self.args.key))
        auth.set_default_token(self._token())  # everybody may come in
        return auth

    @staticmethod
    def _token() -> Any:
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "user")
        return token

    def _clean_up(self) -> bool:
        for server in self.servers:
            server.get_session_pool().cleanup()
        return True

    def _on_client(self, _server: Any, client: Any) -> None:
        for method in ("describe", "setup", "play"):
            client.connect(f"pre-{method}-request", self._before, method)

    def _before(self, _client: Any, context: Any, method: str) -> Any:
        path = context.uri.abspath if context.uri else ""
        for (refused, root), status in self.refusals.items():
            if refused == method and (path == root or path.startswith(root + "/")):
                return status
        return GstRtsp.RTSPStatusCode.OK


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, default=4)
    parser.add_argument("--auth-port", type=int, default=0)
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", default="secret")
    parser.add_argument("--tls-port", type=int, default=0)
    parser.add_argument("--cert", default="cert.pem")
    parser.add_argument("--key", default="key.pem")
    parser.add_argument("--max-sessions", type=int, default=0, help="one more gets 503 at SETUP")
    args = parser.parse_args()
    Gst.init(None)
    farm = Farm(args)
    loop = GLib.MainLoop()
    for number in (signal.SIGINT, signal.SIGTERM):
        GLib.unix_signal_add(GLib.PRIORITY_HIGH, number, loop.quit)
    print(f"READY port={args.port} cameras={args.count}", flush=True)
    loop.run()
    del farm  # not earlier: its servers live as long as it does


if __name__ == "__main__":
    main()
