#!/bin/bash
# kernelMatrix.sh [KERNEL...]   runs the root tests on other kernels in QEMU: 5.10 6.1 6.12 7.x, or those named. Kernels are
# unpacked from Debian's packages into a cache outside the work tree; the guest sees this machine's own root file system as a
# throw-away copy. CPU-bound code is 10-25 times slower there: hence a fixed choice.
# VM_TESTS=FILE  full titles of the tests to run (helper/test/root/vmTests.txt); VM_TESTS=all: every one, for hours.
set -uo pipefail
cd "$(dirname "$0")/../../.."
tools=$PWD/helper/test/tools
cache=${EBPF_TRACER_KERNELS:-/var/tmp/ebpf-tracer-kernels}
declare -A suite=([5.10]=bullseye-security [6.1]=bookworm-security [6.12]=bookworm-security [7.x]=trixie-backports)
declare -A meta=([5.10]=linux-image-cloud-amd64 [6.1]=linux-image-cloud-amd64 [6.12]=linux-image-6.12-cloud-amd64 [7.x]=linux-image-cloud-amd64)
mkdir -p "$cache" .artifacts/vm
[ "$(id -u)" = 0 ] && root=() || root=(sudo)
results=.artifacts/vm
list=${VM_TESTS:-helper/test/root/vmTests.txt}
titles= wanted=
if [ "$list" != all ]; then
  [ -r "$list" ] || { echo "There is no list of tests $list" >&2; exit 2; }
  # One pattern of all titles, each taken literally.
  titles=^\($(grep -v '^#' "$list" | grep . | sed 's/[][\.*^$+?(){}|/]/\\&/g' | paste -sd'|')\)\$
  wanted=$(grep -v '^#' "$list" | grep -c .)
fi
total_passed=0 total_failed=0 total_skipped=0
declare -a rows
[ "$list" = all ] && limit=14400 || limit=2400

for kernel in "${@:-5.10 6.1 6.12 7.x}"; do for k in $kernel; do
  dir=$cache/$k
  if [ ! -e "$dir/complete" ]; then
    rm -rf "$dir"
    "$tools/getKernel.sh" "${suite[$k]}" "${meta[$k]}" "$dir" >&2 && touch "$dir/complete"
  fi
  if [ ! -e "$dir/complete" ]; then rows+=("$k: the kernel could not be fetched"); total_failed=$((total_failed + 1)); continue; fi
  echo "==== kernel $k"
  rm -f "$results/$k.json"
  # VMRUN=1 tells the tests that they run under emulation: they take more time and judge no rates.
  files=$(cd out/js && find helper/test/root -name '*.test.js' | sort | sed 's|^|out/js/|' | tr '\n' ' ')
  command="uname -r; env HANDLES_GRACE_MS=60000 EBPF_TRACER_TEST_RESULTS=$PWD/$results/$k.json $(command -v node) node_modules/mocha/bin/mocha.js \
    --reporter ./helper/test/tools/suiteReporter.mjs --timeout 600000 ${titles:+--grep $(printf %q "$titles")} $files"
  "${root[@]}" env VM_RW="$PWD/$results" VM_TIMEOUT="${VM_TIMEOUT:-$limit}" VM_LOG="$PWD/$results/$k.console" VM_MEM="${VM_MEM:-3072}" \
    "$tools/vmRun.sh" "$dir" "$command" 2>&1 | tee "$results/$k.log"
  status=${PIPESTATUS[0]}
  if ! read -r passed failed skipped < <(node -e '
    const r = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    console.log(r.passed, r.failures.length, r.skipped.length)' "$results/$k.json" 2>/dev/null); then
    rows+=("$k: crashed before its end (status $status)"); total_failed=$((total_failed + 1)); continue
  fi
  [ "$failed" != 0 ] || [ "$status" = 0 ] || { rows+=("$k: ended with $status"); failed=1; }
  [ $((passed + failed)) != 0 ] || { rows+=("$k: ran nothing"); failed=1; }
  # A title that no test bears any more must not fall away in silence.
  if [ -n "$wanted" ] && [ $((passed + failed + skipped)) != "$wanted" ]; then
    rows+=("$k: $((passed + failed + skipped)) of the $wanted tests in $list ran"); failed=$((failed + 1))
  fi
  rows+=("$k ($(head -1 "$results/$k.log")): $passed passed, $failed failed, $skipped skipped")
  total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed)) total_skipped=$((total_skipped + skipped))
done; done

echo "==== all kernels"
printf '%s\n' "${rows[@]}"
echo "$total_passed passed, $total_failed failed, $total_skipped skipped"
[ $total_failed = 0 ]
