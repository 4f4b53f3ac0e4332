#!/usr/bin/env bash
# Puts the ipycam test camera into a folder of its own under .venv: the OpenCV that it asks for would overwrite
# the headless one, which serves it as well.
set -euo pipefail
cd "$(dirname "$0")"

python=$(cd ../../.venv/bin && pwd)/python
folder=$(cd ../../.venv && pwd)/ipycam
flags=(--require-hashes --no-deps --upgrade --target "$folder" -r ipycam.lock)

if command -v uv >/dev/null; then
  uv pip install --quiet --python "$python" "${flags[@]}"
else
  "$python" -m pip install --quiet --disable-pip-version-check "${flags[@]}"
fi
