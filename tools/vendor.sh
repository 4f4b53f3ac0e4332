#!/usr/bin/env bash
# Fetches anew what tools/vendored.csv lists, and keeps it only if every file is what is written there.
# Another version: change its rows, leave sha256 empty, run this, and it prints what came.
set -euo pipefail
cd "$(dirname "$0")/.."

list=tools/vendored.csv
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

while IFS=, read -r file package version licence source sha256; do
  unpacked="$room/$package-$version"
  if [ ! -d "$unpacked" ]; then
    mkdir -p "$unpacked"
    archive=$(cd "$room" && npm pack --silent "$package@$version")
    tar -xzf "$room/$archive" -C "$unpacked" --strip-components=1
  fi
  came=$(sha256sum "$unpacked/$source" | cut -d' ' -f1)
  if [ -z "$sha256" ]; then
    echo "$file,$package,$version,$licence,$source,$came"
  elif [ "$sha256" != "$came" ]; then
    echo "vendor: $package $version: $source is not what $list says; nothing more is copied" >&2
    exit 1
  fi
  mkdir -p "$(dirname "$file")"
  install -m 644 "$unpacked/$source" "$file"
done < <(tail -n +2 "$list")
