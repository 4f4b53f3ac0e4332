"""``python -m probes.simulator FLEET.toml``: the simulator without the rest of the project."""

import argparse
import sys
from pathlib import Path

from probes.simulator.fleet import FleetError
from probes.simulator.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m probes.simulator", description=__doc__)
    parser.add_argument("fleet", type=Path, metavar="FLEET.toml")
    parser.add_argument("--port", type=int, help="RTSP port of every camera, in place of its own")
    parser.add_argument("--control-port", type=int, default=0, help="port of the counters on 127.0.0.1")
    given = parser.parse_args()
    try:
        run(given.fleet, port=given.port, control_port=given.control_port)
    except (FleetError, OSError) as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
