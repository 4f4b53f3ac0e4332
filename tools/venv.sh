#!/usr/bin/env bash
# Builds .venv from requirements.lock: by uv where it is found, otherwise by venv and pip.
# usage: tools/venv.sh PYTHON   (an interpreter of 3.11 or newer)
set -euo pipefail

python=${1:?usage: tools/venv.sh PYTHON}
lock=requirements.lock

# Of the hundreds of lines of pip: one for each package, and everything from an error on.
essence() {
  local line failed=
  while IFS= read -r line; do
    case $line in
      ERROR*) failed=yes ;;
      Collecting\ *) line=${line#Collecting } && echo "  ${line%% *}" ;;
      *Retrying*) [ -n "$failed" ] || echo "$line" ;;
    esac
    [ -z "$failed" ] || echo "$line" >&2
  done
}

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
  install() {
    .venv/bin/python -m pip install --disable-pip-version-check --no-compile --no-color --progress-bar off \
      "$@" 2>&1 | essence
  }
fi

# Wheels only: set-up runs no stranger's build script.
install --require-hashes --only-binary :all: -r "$lock"
install --no-deps --no-build-isolation --editable .
