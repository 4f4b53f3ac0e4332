#!/usr/bin/env bash
# Makes sure that the Debian packages named in a list are there: installs what is missing when it may,
# otherwise names it and fails. usage: tools/debian_packages.sh LIST
set -euo pipefail

list=${1:?usage: tools/debian_packages.sh LIST}

if ! command -v dpkg-query >/dev/null; then
  echo "This is no Debian. The tests need what these packages hold:" >&2
  sed -E 's/ *#.*//; /^$/d; s/^/  /' "$list" >&2
  exit 1
fi

installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]
}

missing=()
while IFS= read -r line; do
  found=
  for name in ${line//|/ }; do
    if installed "$name"; then found=yes; break; fi
  done
  [ -n "$found" ] || missing+=("${line%% *}")
done < <(sed -E 's/ *#.*//; /^$/d' "$list")

[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "The tests need Debian packages that are not installed. As root:" >&2
  echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi

# Tests start their servers themselves: those that come in packages stay stopped, where nobody has decided on it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  install -m 755 /dev/stdin "$policy" <<<$'#!/bin/sh\nexit 101'
fi

echo "Installing Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q </dev/null
apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null
