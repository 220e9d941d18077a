#!/bin/bash
# enterRoot.sh ROOT USER COMMAND…   runs COMMAND as USER (a login's environment, its home folder) in the root file system ROOT as on
# a machine of its own: ROOT is really "/" (pivot_root: a mere chroot may not make user namespaces), with its own /dev, /proc, /run
# and /tmp, all that the kernel offers below /sys, and process ids of its own. What COMMAND started ends with it; the mounts go with
# the last process.
set -euo pipefail
if [ "${ENTER_ROOT_INSIDE:-}" != 1 ]; then
  export ENTER_ROOT_INSIDE=1
  exec unshare --mount --uts --ipc --pid --fork --kill-child --propagation private "$(realpath "$0")" "$@"
fi
unset ENTER_ROOT_INSIDE
root=$1 user=$2; shift 2
hostname "$(cat "$root/etc/hostname")"
mount --bind "$root" "$root"
cd "$root"

# As udev-less machines have it: /dev/fuse is root's alone.
mount -t tmpfs -o mode=755,size=1m dev dev
for node in 'null 666 c 1 3' 'zero 666 c 1 5' 'full 666 c 1 7' 'random 666 c 1 8' 'urandom 666 c 1 9' 'tty 666 c 5 0' \
  'kmsg 644 c 1 11' 'fuse 600 c 10 229'; do
  read -r name mode type major minor <<<"$node"
  mknod -m "$mode" "dev/$name" "$type" "$major" "$minor"
done
mkdir -m 755 dev/pts dev/shm dev/mqueue dev/net
mknod -m 666 dev/net/tun c 10 200
ln -s pts/ptmx dev/ptmx
for link in 'fd /proc/self/fd' 'stdin /proc/self/fd/0' 'stdout /proc/self/fd/1' 'stderr /proc/self/fd/2'; do
  ln -s "${link#* }" "dev/${link% *}"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t tmpfs -o mode=755 run run
mkdir -m 1777 run/lock
# Debian's /tmp is in memory from 13 on.
[ "$(. etc/os-release && echo "$VERSION_ID")" -lt 13 ] || mount -t tmpfs -o mode=1777 tmp tmp
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o nosuid,nodev,noexec sys sys
# A kernel that lacks one of these lacks it on a machine of its own, too.
for mounted in 'bpf fs/bpf' 'tracefs kernel/tracing' 'debugfs kernel/debug' 'securityfs kernel/security' 'cgroup2 fs/cgroup'; do
  [ ! -d "sys/${mounted#* }" ] || mount -t "${mounted% *}" "${mounted% *}" "sys/${mounted#* }" 2>/dev/null || true
done

# The old root lies on top of the new one until it goes.
pivot_root . .
umount -l .
cd /

home=$(getent passwd "$user" | cut -d: -f6)
environment=(HOME="$home" USER="$user" LOGNAME="$user" SHELL=/bin/bash TERM=dumb
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
# Where this machine's proxies and further certificates are, in the variables that the clients read.
while IFS= read -r name; do
  case ${!name} in /*) [ -e "${!name}" ] || continue ;; esac
  environment+=("$name=${!name}")
done < <(compgen -e | grep -xE 'https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|PIP_CERT|GOPROXY' || true)
cd "$home"
# Not exec: this shell stays process 1, which collects the orphans.
status=0
setpriv --reuid "$user" --regid "$user" --init-groups env -i "${environment[@]}" "$@" </dev/null || status=$?
exit $status
