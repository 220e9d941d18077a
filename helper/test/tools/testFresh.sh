#!/bin/bash
# testFresh.sh   runs `make demo` and `make test` of the committed HEAD on machines that have nothing but what the README names, and
# closes with a line a machine. Needs root (or sudo) and Debian's mmdebstrap.
#   FRESH=12|13   that Debian only, as root and as a user with sudo     FRESH=all   both Debians, both ways
#   AS=root|sudo  that way only                                         neither     12 as root, and 13 as a user with sudo
# A machine is a folder with a root file system of its own (makeFreshRoot.sh), entered by enterRoot.sh; it is removed however
# this ends. Packages that were downloaded are kept in /var/tmp/ebpf-tracer-fresh (or $EBPF_TRACER_FRESH), logs in .artifacts.
set -uo pipefail
cd "$(dirname "$0")/../../.."
tools=$PWD/helper/test/tools
[ "$(id -u)" = 0 ] || exec sudo -E env "HOME=$HOME" "PATH=$PATH" "$tools/testFresh.sh"
LIMIT=${FRESH_LIMIT:-40m}
cache=${EBPF_TRACER_FRESH:-/var/tmp/ebpf-tracer-fresh}
logs=$PWD/.artifacts/fresh

case ${FRESH:-}/${AS:-} in
  /) pairs=('12 root' '13 sudo') ;;
  all/) pairs=('12 root' '12 sudo' '13 root' '13 sudo') ;;
  all/root | all/sudo) pairs=("12 $AS" "13 $AS") ;;
  /root) pairs=('12 root') ;;
  /sudo) pairs=('13 sudo') ;;
  12/ | 13/) pairs=("$FRESH root" "$FRESH sudo") ;;
  12/root | 12/sudo | 13/root | 13/sudo) pairs=("$FRESH $AS") ;;
  *) echo "FRESH is 12, 13 or all, and AS is root or sudo." >&2; exit 2 ;;
esac
command -v mmdebstrap >/dev/null || "$tools/installSystemDeps.sh" fresh || exit 1
command -v mmdebstrap >/dev/null || { echo "Fresh machines need Debian's mmdebstrap." >&2; exit 1; }
[ -z "$(git -c safe.directory='*' status --porcelain 2>/dev/null)" ] || echo "Note: what is not committed is not tested." >&2

mkdir -p "$cache" "$logs"
exec 9>"$cache/lock"
flock -n 9 || { echo "Another run waits or works in $cache: waiting for it." >&2; flock 9; }
# What a run left that was killed outright, and packages that nobody wanted for a month.
rm -rf --one-file-system "$cache"/machine.*
find "$cache" -name '*.deb' -ctime +30 -delete

machine='' inside=''
remove() {
  # Ends whoever makes the machine, or all that runs on it (enterRoot.sh: --kill-child), and with that every mount.
  [ -z "$inside" ] || { kill -KILL -- "-$inside" 2>/dev/null; wait "$inside" 2>/dev/null; inside=''; }
  # What was just killed may take a moment to be gone.
  for pause in 1 2 5 0; do
    [ -z "$machine" ] || rm -rf --one-file-system "$machine" || { sleep $pause; continue; }
    break
  done
  machine=''
}
trap remove EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# What runs on the machine: both commands, then a look at what they left running.
commands='cd ebpf-tracer
for command in demo test; do
  SECONDS=0
  make $command; status=$?
  echo "$status $SECONDS" >../$command.status
  [ $status = 0 ] || break
done
left() {
  for folder in /proc/[1-9]*; do
    case ${folder#/proc/} in 1 | $$ | $PPID | $BASHPID) continue ;; esac
    name=$(tr "\0" " " <$folder/cmdline) 2>/dev/null && [ -n "$name" ] && echo "$name"
  done
}
for wait in 1 2 3 4 5; do left >../left; [ -s ../left ] || break; sleep 2; done'

# In a group of its own, so that Ctrl-C ends it by remove(), and without a terminal.
set -m
# test_pair RELEASE AS   prints nothing but what the machine says; leaves its line in $line.
test_pair() {
  local release=$1 as=$2 user=root home=/root name="Debian $1 as root" demo='' test='' summary
  local log=$logs/$release-$as.log
  [ "$as" = root ] || { user=dev home=/home/dev name="Debian $release as a user with sudo"; }
  line="$name: the machine could not be made"
  machine=$(mktemp -d "$cache/machine.XXXXXX")
  chmod 755 "$machine"
  "$tools/makeFreshRoot.sh" "$release" "$as" "$machine/root" "$cache" </dev/null & inside=$!
  wait "$inside" || { inside=''; return 1; }
  inside=''
  # Reused downloads: apt's by makeFreshRoot.sh, npm's here (it checks what it takes against the lock file).
  mkdir -p "$cache/npm" "$machine/root$home/.npm"
  cp -a "$cache/npm" "$machine/root$home/.npm/_cacache"
  git -c safe.directory='*' clone --quiet --no-hardlinks "$PWD" "$machine/root$home/ebpf-tracer" || return 1
  chroot "$machine/root" chown -R "$user:" "$home"
  "$tools/enterRoot.sh" "$machine/root" "$user" timeout --kill-after=10 "$LIMIT" bash -c "$commands" > >(tee "$log") 2>&1 & inside=$!
  wait "$inside"
  inside=''
  cp -n "$machine/root"/var/cache/apt/archives/*.deb "$cache/$([ "$release" = 12 ] && echo bookworm || echo trixie)/"
  if [ -d "$machine/root$home/.npm/_cacache" ]; then
    rm -rf "$cache/npm" && cp -a "$machine/root$home/.npm/_cacache" "$cache/npm"
  fi
  read -r demo demo_s <"$machine/root$home/demo.status" || line="$name: make demo did not end within $LIMIT"
  read -r test test_s <"$machine/root$home/test.status" || true
  summary=$(cat "$machine/root$home/ebpf-tracer/.artifacts/summary.txt" 2>/dev/null || echo "no closing line")
  rm -rf "$logs/$release-$as" && cp -r "$machine/root$home/ebpf-tracer/.artifacts" "$logs/$release-$as" 2>/dev/null
  if [ "$demo" = 0 ]; then
    line="$name: make demo 0 ($demo_s s), make test ${test:-not ended} (${test_s:-?} s): $summary"
  elif [ -n "$demo" ]; then
    line="$name: make demo ended with $demo"
  fi
  local left=''
  left=$(paste -sd';' "$machine/root$home/left" 2>/dev/null)
  [ -z "$left" ] || line+="; left running: $left"
  remove
  [ "$demo" = 0 ] && [ "$test" = 0 ] && [ -z "$left" ]
}

status=0
lines=()
for pair in "${pairs[@]}"; do
  # shellcheck disable=SC2086 # two words
  test_pair $pair || status=1
  remove
  lines+=("$line")
done
[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:$SUDO_GID" "$PWD/.artifacts"
echo
echo "==== fresh machines ($(git -c safe.directory='*' rev-parse --short HEAD))"
printf '%s\n' "${lines[@]}"
exit $status
