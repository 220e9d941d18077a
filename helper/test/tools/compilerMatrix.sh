#!/bin/bash
# compilerMatrix.sh   compiles every eBPF object with the oldest clang that is supported (11, Debian bullseye's) and with the newest
# one (22, Debian sid's). The compilers run in unpacked root file systems, kept in a cache outside the work tree; the objects go to
# .artifacts/clang and are loaded here where this kernel allows it.
set -uo pipefail
cd "$(dirname "$0")/../../.."
cache=${EBPF_TRACER_ROOTS:-/var/tmp/ebpf-tracer-roots}
[ "$(id -u)" = 0 ] && root=() || root=(sudo)
mkdir -p "$cache"
passed=0 failed=0

# SUITE PACKAGE COMMAND
while read -r suite package clang; do
  dir=$cache/$suite-$package
  if [ ! -e "$dir/complete" ]; then
    "${root[@]}" rm -rf "$dir"
    "${root[@]}" helper/test/tools/getRoot.sh "$suite" "$dir" "$package" libbpf-dev && "${root[@]}" touch "$dir/complete"
  fi
  if [ ! -e "$dir/complete" ]; then echo "$suite: the compiler could not be fetched"; failed=$((failed + 1)); continue; fi
  "${root[@]}" rm -rf "$dir/bpf"; "${root[@]}" cp -r bpf "$dir/bpf"
  version=$("${root[@]}" chroot "$dir" "$clang" --version | head -1)
  out=.artifacts/clang/$package; mkdir -p "$out"
  for source in bpf/*.bpf.c; do
    name=$(basename "$source" .bpf.c)
    # The very flags of the Makefile, told by make itself.
    flags=$(make --no-print-directory print-bpf-cflags)
    if "${root[@]}" chroot "$dir" "$clang" $flags -c "bpf/$name.bpf.c" -o "bpf/$name.o" && cp "$dir/bpf/$name.o" "$out/"; then
      # In a mount namespace of its own, so that the pins vanish with it.
      if "${root[@]}" unshare --mount sh -c 'mount -t bpf bpf /sys/fs/bpf && bpftool prog load "$1" /sys/fs/bpf/matrix' \
        sh "$out/$name.o" >"$out/$name.log" 2>&1; then
        echo "ok      $name.o by $version: compiled, loaded here"; passed=$((passed + 1))
      else
        echo "FAILED  $name.o by $version: does not load here: $(tail -1 "$out/$name.log")"; failed=$((failed + 1))
      fi
    else echo "FAILED  $name.o by $version: does not compile"; failed=$((failed + 1)); fi
  done
done <<'COMPILERS'
bullseye clang-11 clang-11
sid clang-22 clang-22
COMPILERS
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
