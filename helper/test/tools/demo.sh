#!/bin/bash
# demo.sh   starts the sample programs, a web service in TypeScript and one in Python (where python3 is there) under load and a native
# program, records each for some seconds and says where to look. As a user the recording's front end asks sudo itself.
set -euo pipefail
cd "$(dirname "$0")/../../.."
node=${NODE:-node}
seconds=${DEMO_SECONDS:-5}
output=${DEMO_OUTPUT:-$PWD/demo.speedscope.json}
programs=helper/test/workloads/demo
logs=$(mktemp -d)
started=()
trap 'kill "${started[@]}" 2>/dev/null || true; rm -rf "$logs"' EXIT

# start NAME COMMAND…: in the background; its output in a file of that name.
start() {
  local name=$1
  shift
  "$@" >"$logs/$name" 2>&1 &
  started+=($!)
}

# port NAME: that a service says it listens on.
port() {
  local found
  for _ in $(seq 100); do
    found=$(sed -n 's/^ready \([0-9]*\)$/\1/p' "$logs/$1")
    [ -z "$found" ] || { echo "$found"; return; }
    sleep 0.1
  done
  echo "The sample service did not start:" >&2
  cat "$logs/$1" >&2
  return 1
}

# record PID OUTPUT WHAT
record() {
  echo
  echo "$3 runs as process $1. Recording it for $seconds s …"
  "$node" dist/cli.js record --pid "$1" --duration "${seconds}s" --output "$2"
  recordings+=("$2")
}

# service NAME WHAT COMMAND…: under load for as long as it is recorded.
service() {
  local name=$1 what=$2
  shift 2
  start "$name" "$@"
  local pid=${started[-1]} at
  at=$(port "$name")
  start "load-$name" "$node" "$programs/load.mjs" "$((seconds + 60))" "$at"
  local load=${started[-1]}
  record "$pid" "${output%.speedscope.json}-$name.speedscope.json" "$what"
  kill "$pid" "$load" 2>/dev/null || true
}

recordings=()
service typescript "A web service in TypeScript ($programs/shop.ts)" "$node" out/workloads/shop.js 600
if command -v python3 >/dev/null; then
  service python "A web service in Python ($programs/shop.py)" python3 "$programs/shop.py" 600
else
  echo "No python3 here: no service in Python is recorded."
fi
start native out/workloads/demo 600
record "${started[-1]}" "$output" "A native program (helper/test/workloads/demo.cpp)"

cat <<TEXT

The recordings are:
$(printf '  %s\n' "${recordings[@]}")
To see one as a flame graph, with its lines:
  - in VS Code: make vsix, "Extensions: Install from VSIX…" with the file it made, then open it;
  - or on any machine with a browser: npx speedscope $(basename "${recordings[0]}")
To record a program of your own:  node dist/cli.js record -- YOUR COMMAND
TEXT
