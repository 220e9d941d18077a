#!/bin/bash
# demo.sh   starts the embedded sample program, records it for some seconds and says where to look. As a user the recording's front
# end asks sudo itself.
set -euo pipefail
cd "$(dirname "$0")/../../.."
output=${DEMO_OUTPUT:-$PWD/demo.speedscope.json}
seconds=${DEMO_SECONDS:-5}
out/workloads/demo 600 >/dev/null &
demo=$!
trap 'kill $demo 2>/dev/null || true' EXIT
echo "The sample program runs as process $demo (helper/test/workloads/demo.cpp). Recording it for $seconds s …"
"${NODE:-node}" dist/cli.js record --pid "$demo" --duration "${seconds}s" --output "$output"
cat <<TEXT

The recording is $output
To see it as a flame graph, with its lines:
  - in VS Code: make vsix, "Extensions: Install from VSIX…" with the file it made, then open $(basename "$output");
  - or on any machine with a browser: npx speedscope $(basename "$output")
To record a program of your own:  node dist/cli.js record -- YOUR COMMAND
TEXT
