#!/usr/bin/env bash
# Builds the LIVE555 test server into .venv from its pinned source.
# Its setup.py does not notice a failed compilation: hence no cache (it would keep an empty wheel) and the check at the end.
set -euo pipefail
cd "$(dirname "$0")"

python=$(cd ../../.venv/bin && pwd)/python
export PEER_PYTHON=$python CMAKE_TOOLCHAIN_FILE=$PWD/live555.cmake CMAKE_BUILD_PARALLEL_LEVEL=2
flags=(--no-cache-dir --require-hashes --no-deps --no-build-isolation --force-reinstall -r requirements.lock)

echo "Building the LIVE555 test server (20 to 40 s)"
if command -v uv >/dev/null; then
  uv pip install --python "$python" "${flags[@]}"
else
  "$python" -m pip install --disable-pip-version-check "${flags[@]}"
fi
"$python" -c 'import liblivemedia; liblivemedia.ProxyServer' ||
  { echo "LIVE555 was not compiled: are g++ and cmake there?" >&2; exit 1; }
