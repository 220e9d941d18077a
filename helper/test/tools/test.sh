#!/bin/bash
# test.sh [SUITE...]   installs and builds what the suites need (none named: all of them), then runs them.
set -euo pipefail
cd "$(dirname "$0")/../../.."
tools=helper/test/tools
wants() { [ ${#suites[@]} = 0 ] || [[ " ${suites[*]} " == *" $1 "* ]]; }
suites=("$@")

if wants golden || wants root || wants e2e; then $tools/installSystemDeps.sh build test; else $tools/installSystemDeps.sh build; fi
# One password at the start, instead of one in the middle of a run that nobody watches any more.
if { wants root || wants e2e; } && [ "$(id -u)" != 0 ]; then sudo -v; fi
make all workloads out/js/.built
if wants e2e; then
  make vsix
  $tools/getVsCodeServer.sh >/dev/null
fi
exec "${NODE:-node}" $tools/runSuites.mjs "$@"
