#!/usr/bin/env bash
# Builds .venv from requirements.lock: by uv where it is found, otherwise by venv and pip.
# usage: tools/venv.sh PYTHON   (an interpreter of 3.11 or newer)
set -euo pipefail

python=${1:?usage: tools/venv.sh PYTHON}
lock=requirements.lock

if command -v uv >/dev/null; then
  echo "Setting up .venv by uv ($("$python" -V)); some 200 MB are downloaded the first time."
  [ -x .venv/bin/python ] || uv venv --quiet --python "$python" .venv
  install() { uv pip install --python .venv/bin/python "$@"; }
else
  echo "Setting up .venv by pip ($("$python" -V)); some 200 MB are downloaded the first time."
  if [ ! -x .venv/bin/python ] && ! "$python" -m venv .venv; then
    rm -rf .venv
    echo "$python cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2
    exit 1
  fi
  # Without bytecode: Python writes it for the modules that are used, when they are used.
  install() { .venv/bin/python -m pip install --disable-pip-version-check --no-compile "$@"; }
fi

# Wheels only: set-up runs no stranger's build script.
install --require-hashes --only-binary :all: -r "$lock"
install --no-deps --no-build-isolation --editable .
