#!/bin/bash
# installSystemDeps.sh [build|test|vm|matrix]...   installs from the distribution what is missing on this machine.
#   build   compile the eBPF objects and the workloads, run the helper          (`make demo`, `make install-system-deps`)
#   test    what `make test` needs besides: a browser, a server under load, and what the answers are compared with
#   bench   `make benchmark`      vm   QEMU for `make test-vm`      matrix   what `make test-matrix` needs besides
#   fresh   `make test-fresh`
# A package that a distribution lacks keeps nothing else away: tests that need it say so and skip. Does nothing, quickly and without
# a password, where nothing is missing. Knows apt, dnf, zypper, pacman and apk; uses sudo unless it is root. NEED_SUDO=0 only says
# what is missing (exit 3).
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
test   llvm-symbolizer-19         llvm-19            -                -               -          -
test   clang-19                   clang-19           -                -               -          -
test   llvm-dwarfdump             llvm               llvm             llvm            llvm       llvm
test   ld.lld                     lld                lld              lld             lld        lld
test   ld.mold                    mold               mold             mold            mold       mold
test   dwz                        dwz                dwz              dwz             dwz        -
test   debuginfod                 debuginfod         elfutils-debuginfod elfutils-debuginfod debuginfod -
test   lib/debug/.build-id        libc6-dbg          -                -               -          musl-dbg
test   gdb                        gdb                gdb              gdb             gdb        gdb
test   xz                         xz-utils           xz               xz              xz         xz
test   ip                         iproute2           iproute          iproute2        iproute2   iproute2
test   go                         golang-go          golang           go              go         go
test   rustc                      rustc              rust             rust            rust       rust
test   nginx                      nginx-light        nginx            nginx           nginx      nginx
test   wrk                        wrk                -                -               -          wrk
test   h2load                     nghttp2-client     nghttp2          nghttp2         nghttp2    nghttp2
test   sudo                       sudo               sudo             sudo            sudo       sudo
test   useradd                    passwd             shadow-utils     shadow          shadow     shadow
test   ps                         procps             procps-ng        procps          procps-ng  procps
test   setpriv                    util-linux         util-linux       util-linux      util-linux setpriv
test   setfacl                    acl                acl              acl             acl        acl
test   bindfs                     bindfs             bindfs           bindfs          -          -
test   fusermount3                fuse3              fuse3            fuse3           fuse3      fuse3
test   tshark                     tshark             wireshark-cli    wireshark       wireshark-cli tshark
test   tcpreplay                  tcpreplay          tcpreplay        -               tcpreplay  tcpreplay
test   iperf3                     iperf3             iperf3           iperf           iperf3     iperf3
test   curl                       curl               curl             curl            curl       curl
test   python3                    python3            python3          python3         python     python3
test   mmdebstrap                 mmdebstrap         -                -               -          -
bench  wrk                        wrk                -                -               -          wrk
bench  redis-server               redis-server       redis            redis           redis      redis
bench  perf                       linux-perf         perf             perf            perf       perf
bench  bpftrace                   bpftrace           bpftrace         bpftrace        bpftrace   bpftrace
vm     qemu-system-x86_64         qemu-system-x86    qemu-system-x86  qemu-x86        qemu-system-x86 qemu-system-x86_64
vm     busybox                    busybox-static     busybox          busybox-static  busybox    busybox-static
vm     kmod                       kmod               kmod             kmod            kmod       kmod
vm     zstd                       zstd               zstd             zstd            zstd       zstd
fresh  mmdebstrap                 mmdebstrap         -                -               -          -
matrix gdc                        gdc                -                -               -          -
matrix redis-server               redis-server       redis            redis           redis      redis
matrix redis-benchmark            redis-tools        redis            redis           redis      redis
matrix pgbench                    postgresql         postgresql-contrib postgresql-contrib postgresql postgresql-contrib
matrix cargo                      cargo              cargo            cargo           rust       cargo
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
refresh() { case $MANAGER in apt) "${root[@]}" apt-get update -q ;; pacman) "${root[@]}" pacman -Sy ;; *) true ;; esac; }
attempt refresh >&2 || echo "The package lists could not be refreshed; going on with those at hand." >&2
# A package that this release does not have (bpftool in older Ubuntus) must not keep the others away.
if [ $MANAGER = apt ]; then
  asked=("${missing[@]}") missing=()
  for package in "${asked[@]}"; do
    if apt-cache show --no-all-versions "$package" >/dev/null 2>&1; then missing+=("$package"); else echo "There is no package $package here." >&2; fi
  done
fi
# Services that a package brings are not to be started here: tests start their own.
if [ $MANAGER = apt ] && [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee /usr/sbin/policy-rc.d >/dev/null
  "${root[@]}" chmod +x /usr/sbin/policy-rc.d
  trap '"${root[@]}" rm -f /usr/sbin/policy-rc.d' EXIT
fi
if [ ${#missing[@]} -gt 0 ] && ! attempt install "${missing[@]}" >&2; then
  for package in "${missing[@]}"; do install "$package" >&2 || echo "Could not install $package." >&2; done
fi

# What is still not there? Tests that need it skip and say so; a build cannot go on without.
for level in "${@:-build}"; do
  while read -r l what _; do
    [ "$l" = "$level" ] && ! have "$what" || continue
    echo "Still missing: $what" >&2
    [ "$l" != build ] || [ "$what" = bpftool ] || exit 1
  done <<<"$NEEDS"
done
