#!/bin/bash
# installSystemDeps.sh [build|test|vm|matrix]...   installs from the distribution what is missing on this machine.
#   build   compile the eBPF objects and the workloads, run the helper          (`make demo`, `make install-system-deps`)
#   test    what `make test` needs besides: browser, servers under load, llvm-symbolizer, go where it is absent
#   vm      QEMU for `make test-vm`                     matrix   mmdebstrap for `make test-matrix`
# Called by the Makefile and .ci/run. Does nothing, quickly and without a password, where nothing is missing.
# Knows apt, dnf, zypper, pacman and apk; uses sudo unless it is root. NEED_SUDO=0 only says what is missing (exit 3).
set -euo pipefail

if command -v apt-get >/dev/null; then MANAGER=apt
elif command -v dnf >/dev/null; then MANAGER=dnf
elif command -v zypper >/dev/null; then MANAGER=zypper
elif command -v pacman >/dev/null; then MANAGER=pacman
elif command -v apk >/dev/null; then MANAGER=apk
else MANAGER=none; fi

# have WHAT: is it there already? A library, a header or file below /usr, else a command.
have() {
  case $1 in
    lib*.so*) compgen -G "/usr/lib*/$1" >/dev/null || compgen -G "/usr/lib/*/$1" >/dev/null || compgen -G "/lib/*/$1" >/dev/null ;;
    include/*) compgen -G "/usr/$1" >/dev/null || compgen -G "/usr/include/*/${1#include/}" >/dev/null ;;
    */*) compgen -G "/usr/$1" >/dev/null ;;
    *) PATH=$PATH:/usr/sbin:/sbin:/usr/local/go/bin:$HOME/.cargo/bin command -v "$1" >/dev/null ;;
  esac
}

# One line a need: LEVEL  WHAT  apt  dnf  zypper  pacman  apk   ("-": the distribution has none, or it is not needed there)
NEEDS="
build  clang                      clang              clang            clang           clang      clang
build  llvm-strip                 llvm               llvm             llvm            llvm       llvm
build  include/bpf/bpf_helpers.h  libbpf-dev         libbpf-devel     libbpf-devel    libbpf     libbpf-dev
build  libbpf.so.?                libbpf1            libbpf           libbpf1         libbpf     libbpf
build  bpftool                    bpftool            bpftool          bpftool         bpf        bpftool
build  make                       make               make             make            make       make
build  gcc                        gcc                gcc              gcc             gcc        gcc
build  g++                        g++                gcc-c++          gcc-c++         gcc        g++
build  include/linux/perf_event.h linux-libc-dev     kernel-headers   linux-glibc-devel linux-api-headers linux-headers
build  include/stdio.h            libc6-dev          glibc-devel      glibc-devel     glibc      musl-dev
test   git                        git                git              git             git        git
test   chromium                   chromium           chromium         chromium        chromium   chromium
test   share/fonts/truetype/dejavu fonts-dejavu-core -                -               -          -
test   addr2line                  binutils           binutils         binutils        binutils   binutils
test   llvm-symbolizer            llvm               llvm             llvm            llvm       llvm
test   go                         golang-go          golang           go              go         go
test   rustc                      rustc              rust             rust            rust       rust
test   nginx                      nginx-light        nginx            nginx           nginx      nginx
test   redis-server               redis-server       redis            redis           redis      redis
test   sudo                       sudo               sudo             sudo            sudo       sudo
test   setpriv                    util-linux         util-linux       util-linux      util-linux util-linux
test   setfacl                    acl                acl              acl             acl        acl
test   gdb                        gdb                gdb              gdb             gdb        gdb
test   xz                         xz-utils           xz               xz              xz         xz
test   python3                    python3            python3          python3         python     python3
bench  wrk                        wrk                -                -               -          -
bench  perf                       linux-perf         perf             perf            perf       perf
bench  bpftrace                   bpftrace           bpftrace         bpftrace        bpftrace   bpftrace
vm     qemu-system-x86_64         qemu-system-x86    qemu-system-x86  qemu-x86        qemu-system-x86 qemu-system-x86_64
vm     busybox                    busybox-static     busybox          busybox-static  busybox    busybox-static
vm     kmod                       kmod               kmod             kmod            kmod       kmod
vm     zstd                       zstd               zstd             zstd            zstd       zstd
matrix mmdebstrap                 mmdebstrap         -                -               -          -
"

missing=()
for level in "${@:-build}"; do
  while read -r l what apt dnf zypper pacman apk; do
    [ "$l" = "$level" ] || continue
    have "$what" && continue
    case $MANAGER in
      apt) package=$apt ;; dnf) package=$dnf ;; zypper) package=$zypper ;; pacman) package=$pacman ;; apk) package=$apk ;;
      none) package=$apt ;;
    esac
    [ "$package" = - ] || missing+=("$package")
  done <<<"$NEEDS"
done
[ ${#missing[@]} -gt 0 ] || exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

[ $MANAGER != none ] || { echo "No package manager that I know: install ${missing[*]} (Debian's names) by hand." >&2; exit 1; }
if [ "${NEED_SUDO:-1}" = 0 ]; then echo "missing: ${missing[*]}"; exit 3; fi
root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "Missing ${missing[*]}: run this as root, or install sudo." >&2; exit 1; }
  root=(sudo)
fi
echo "Installing ${missing[*]} ($MANAGER)" >&2

# A mirror may hiccup: three tries.
attempt() { for pause in 5 20 0; do "$@" && return; [ $pause = 0 ] || sleep $pause; done; return 1; }

install() {
  case $MANAGER in
    apt) "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" ;;
    dnf) "${root[@]}" dnf install -y -q "$@" ;;
    zypper) "${root[@]}" zypper --non-interactive install "$@" ;;
    pacman) "${root[@]}" pacman -S --noconfirm --needed "$@" ;;
    apk) "${root[@]}" apk add "$@" ;;
  esac
}
# A package that this release does not have (bpftool in older Ubuntus) must not keep the others away.
refresh() { case $MANAGER in apt) "${root[@]}" apt-get update -q ;; pacman) "${root[@]}" pacman -Sy ;; *) true ;; esac; }
attempt refresh >&2 || echo "The package lists could not be refreshed; going on with those at hand." >&2
# Services that a package brings are not to be started here: tests start their own.
if [ $MANAGER = apt ] && [ "$(id -u)" = 0 ] && [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
if ! attempt install "${missing[@]}" >&2; then
  for package in "${missing[@]}"; do install "$package" >&2 || echo "Could not install $package." >&2; done
fi

# What is still not there? Tests that need it skip and say so; a build cannot go on without.
for level in "${@:-build}"; do
  while read -r l what _; do
    [ "$l" = build ] && [ "$level" = build ] || continue
    [ "$what" = bpftool ] || have "$what" || { echo "Still missing: $what" >&2; exit 1; }
  done <<<"$NEEDS"
done
