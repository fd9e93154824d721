#!/bin/sh
# Makes `configure` from configure.ac; run it once after a clone.
set -e
cd "$(dirname "$0")"
mkdir -p m4 build-aux
autoreconf --install --force --warnings=all
