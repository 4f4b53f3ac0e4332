"""onvif-zeep as it comes, in a venv of its own: it and onvif-zeep-async install one and the same package.

usage: onvif_zeep.py JSON   (see ``onvif_methods.Asked``; prints one JSON object)
"""

import json
import resource
import sys
import time


def main() -> None:
    asked = json.loads(sys.argv[1])
    from onvif import ONVIFCamera

    kept, cpu_ms, rss_kb = [], [], []
    for host in asked["hosts"]:
        began, before = time.process_time(), rss()
        camera = ONVIFCamera(host, asked["port"], asked["user"], asked["password"], adjust_time=True)
        media = camera.create_media_service()
        camera.devicemgmt.GetDeviceInformation()
        media.GetSnapshotUri({"ProfileToken": asked["profile"]})
        kept.append((camera, media))
        cpu_ms.append(1000 * (time.process_time() - began))
        rss_kb.append(rss() - before)
    print(json.dumps({"cpu_ms": cpu_ms, "rss_kb": rss_kb, "peak_kb": peak()}))


def rss() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1024


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
