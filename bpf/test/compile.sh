#!/bin/sh
# compile.sh   compiles every object with every clang from 11 to 22 that this machine has (clang-11 … clang-22, clang), by
# the Makefile's own flags and more warnings, and loads each result where the kernel and our rights allow it: every
# compiler orders code in its own way, and where one compiler's object passes the verifier another's may not.
# `make test-matrix` does the same with compilers that it fetches.
set -eu
cd "$(dirname "$0")/../.."
flags=$(make --no-print-directory print-bpf-cflags)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
tried=0 failed=0
for clang in clang clang-11 clang-12 clang-13 clang-14 clang-15 clang-16 clang-17 clang-18 clang-19 clang-20 clang-21 clang-22; do
	command -v "$clang" >/dev/null || continue
	for source in bpf/*.bpf.c; do
		name=$(basename "$source" .bpf.c)
		tried=$((tried + 1))
		# shellcheck disable=SC2086
		if ! "$clang" $flags -Wextra -Wno-unused-parameter -c "$source" -o "$out/$name.o"; then
			echo "FAILED  $name by $clang: does not compile"
			failed=$((failed + 1))
		elif [ "$(id -u)" = 0 ] && command -v bpftool >/dev/null &&
			! unshare --mount sh -c 'mount -t bpf bpf /sys/fs/bpf && bpftool prog load "$1" /sys/fs/bpf/compiled' \
				sh "$out/$name.o" >"$out/log" 2>&1; then
			echo "FAILED  $name by $clang: does not load: $(tail -1 "$out/log")"
			failed=$((failed + 1))
		else
			echo "ok      $name by $clang"
		fi
	done
done
echo "$((tried - failed)) passed, $failed failed"
[ "$tried" -gt 0 ] && [ "$failed" = 0 ]
