#!/bin/bash
# compilerMatrix.sh   compiles every eBPF object with the oldest clang that is supported (11, Debian bullseye) and with
# the newest one in Debian sid. Called by `make test-matrix`. The compilers run in unpacked root file systems, kept in a
# cache outside the work tree; the objects go to .artifacts/clang and are loaded here where this kernel allows it.
set -uo pipefail
cd "$(dirname "$0")/../../.."
cache=${EBPF_TRACER_ROOTS:-/var/tmp/ebpf-tracer-roots}
[ "$(id -u)" = 0 ] && root=() || root=(sudo)
mkdir -p "$cache"
passed=0 failed=0

for suite in bullseye sid; do
  dir=$cache/$suite-clang
  # sid moves: what is kept for longer than a week is fetched again.
  [ $suite != sid ] || "${root[@]}" find "$cache" -maxdepth 1 -name sid-clang -mtime +7 -exec rm -rf {} +
  if [ ! -e "$dir/complete" ]; then
    "${root[@]}" rm -rf "$dir"
    "${root[@]}" helper/test/tools/getRoot.sh $suite "$dir" clang libbpf-dev && "${root[@]}" touch "$dir/complete"
  fi
  if [ ! -e "$dir/complete" ]; then echo "$suite: the compiler could not be fetched"; failed=$((failed + 1)); continue; fi
  "${root[@]}" rm -rf "$dir/src"; "${root[@]}" mkdir -p "$dir/src"; "${root[@]}" cp -r bpf "$dir/src/bpf"
  version=$("${root[@]}" chroot "$dir" clang --version | head -1)
  out=.artifacts/clang/$suite; mkdir -p "$out"
  for source in bpf/*.bpf.c; do
    name=$(basename "$source" .bpf.c)
    # The very flags of the Makefile, told by make itself.
    flags=$(make --no-print-directory print-bpf-cflags)
    if "${root[@]}" chroot "$dir" sh -c "cd /src && clang $flags -c bpf/$name.bpf.c -o $name.o" && cp "$dir/src/$name.o" "$out/"; then
      # In a mount namespace of its own, so that the pins vanish with it.
      if "${root[@]}" unshare --mount sh -c 'mount -t bpf bpf /sys/fs/bpf && bpftool prog loadall "$1" /sys/fs/bpf/matrix' \
        sh "$out/$name.o" >"$out/$name.log" 2>&1; then
        echo "ok      $name.o by $version: compiled, loaded here"; passed=$((passed + 1))
      else
        echo "FAILED  $name.o by $version: does not load here: $(tail -1 "$out/$name.log")"; failed=$((failed + 1))
      fi
    else echo "FAILED  $name.o by $version: does not compile"; failed=$((failed + 1)); fi
  done
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
