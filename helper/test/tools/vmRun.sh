#!/bin/bash
# vmRun.sh KERNEL_DIR 'command'
#
# Boots the kernel unpacked in KERNEL_DIR (dpkg -x of Debian's linux-image, or of
# linux-base + linux-binary + linux-modules from 6.19 on) in QEMU, with the host's own
# root file system as a throw-away copy (read-only share + tmpfs overlay), runs the
# command there in the current directory and exits with the command's status.
# stdout and stderr are the command's own; the kernel's console goes to VM_LOG.
#   125  the guest gave no status (no boot, kernel panic): end of the console log is shown
#   124  VM_TIMEOUT passed
# Environment:
#   VM_ACCEL=tcg|kvm (tcg)  VM_CPU  VM_SMP=1  VM_MEM=2048 (MiB)  VM_TIMEOUT=600 (s)
#   VM_FS=virtiofs|9p (virtiofs where kernel and host have it)  VM_MACHINE=q35
#   VM_RW=DIR   host folder mounted read-write at the same path
#   VM_ENV='A B' variables to pass in       VM_LOG=FILE console log
#   VM_LSM      value of lsm= (lockdown,yama,bpf; empty: the kernel's default)
#   VM_APPEND   more kernel parameters
set -u
KDIR=$(readlink -f "${1:?KERNEL_DIR}"); CMD=${2:?command}
HERE=$(dirname "$(readlink -f "$0")")
: "${VM_ACCEL:=tcg}" "${VM_CPU:=}" "${VM_SMP:=1}" "${VM_MEM:=2048}" "${VM_TIMEOUT:=600}" "${VM_FS:=}"
: "${VM_RW:=}" "${VM_ENV:=}" "${VM_LOG:=}" "${VM_LSM=lockdown,yama,bpf}" "${VM_APPEND:=}" "${VM_MACHINE:=q35}"
VIRTIOFSD=${VIRTIOFSD:-/usr/lib/qemu/virtiofsd}
die() { echo "vmrun: $*" >&2; exit 125; }
BB=${BUSYBOX:-$(command -v busybox || echo "$HERE/kernels/bb/bin/busybox")}   # busybox-static
KMOD=${KMOD:-$(command -v kmod || echo "$HERE/kernels/kmod/bin/kmod")}        # kmod

# --- what is in KERNEL_DIR
MODDIR=$(ls -d "$KDIR"/lib/modules/*/ "$KDIR"/usr/lib/modules/*/ 2>/dev/null | head -1); MODDIR=${MODDIR%/}
[ -n "$MODDIR" ] || die "no modules in $KDIR"
KVER=${MODDIR##*/} BASE=${MODDIR%/lib/modules/*}
VMLINUZ=$KDIR/boot/vmlinuz-$KVER; [ -f "$VMLINUZ" ] || VMLINUZ=$MODDIR/vmlinuz
CONFIG=$KDIR/boot/config-$KVER;   [ -f "$CONFIG" ]  || CONFIG=$MODDIR/config
[ -f "$VMLINUZ" ] || die "no vmlinuz in $KDIR"
if [ -z "$VM_FS" ]; then
  if grep -q '^CONFIG_VIRTIO_FS=[ym]' "$CONFIG" && [ -x "$VIRTIOFSD" ]; then VM_FS=virtiofs; else VM_FS=9p; fi
fi

# --- initramfs: made once per kernel and kind of share
INITRD=$KDIR/.vmrun/initrd-$VM_FS
if [ ! -s "$INITRD" ] || [ "$0" -nt "$INITRD" ]; then
  mkdir -p "$KDIR/.vmrun"; T=$(mktemp -d "$KDIR/.vmrun/tmp.XXXXXX"); R=$T/root
  ln -s "$KMOD" "$T/depmod"; ln -s "$KMOD" "$T/modprobe"
  [ -s "$MODDIR/modules.dep.bin" ] || "$T/depmod" -b "$BASE" "$KVER" || die depmod
  mkdir -p "$R"/{bin,dev,proc,sys,m,lower,rw,root}
  cp "$BB" "$R/bin/busybox"; ln -s busybox "$R/bin/sh"
  case $VM_FS in 9p) MODS="9pnet_virtio 9p";; *) MODS=$VM_FS;; esac
  for m in virtio_pci virtio_mmio virtio_console overlay $MODS; do
    "$T/modprobe" -d "$BASE" -S "$KVER" --show-depends --ignore-install "$m" || die "module $m"
  done | awk '$1=="insmod" && !s[$2]++ {print $2}' > "$T/list"
  n=100
  while read -r f; do
    n=$((n+1)); o=$R/m/$n-$(basename "${f%%.ko*}").ko
    case $f in *.xz) xz -dc "$f" >"$o";; *.zst) zstd -qdc "$f" >"$o";; *) cp "$f" "$o";; esac || die "$f"
  done < "$T/list"
  cat > "$R/init" <<'INIT'
#!/bin/sh
b=/bin/busybox
$b mount -t proc proc /proc; $b mount -t sysfs sysfs /sys; $b mount -t devtmpfs dev /dev
for m in /m/*.ko; do [ -f "$m" ] && $b insmod $m; done
. /vm/conf
o9=trans=virtio,version=9p2000.L,msize=512000,cache=loose
case $FS in 9p) o=$o9,ro;; *) o=ro;; esac
$b mount -t $FS -o $o host0 /lower || echo "vmrun: root share failed"
$b mount -t tmpfs tmpfs /rw; $b mkdir -p /rw/u /rw/w
$b mount -t overlay -o lowerdir=/lower,upperdir=/rw/u,workdir=/rw/w overlay /root || echo "vmrun: overlay failed"
$b mount -t tmpfs -o mode=755 tmpfs /root/run; $b chmod 1777 /root/tmp
for d in proc sys dev; do $b mount --move /$d /root/$d; done
cd /root
if [ -n "$RW" ]; then
  case $FS in 9p) o=${o9%loose}mmap;; *) o=rw;; esac
  $b mkdir -p "/root$RW"; $b mount -t $FS -o $o host1 "/root$RW" || echo "vmrun: rw share failed"
fi
$b mkdir -p dev/pts dev/shm lib/modules/$KVER
$b mount -t devpts devpts dev/pts; $b mount -t tmpfs -o mode=1777 tmpfs dev/shm
$b ln -s /proc/self/fd dev/fd; $b ln -s fd/0 dev/stdin; $b ln -s fd/1 dev/stdout; $b ln -s fd/2 dev/stderr
$b mount -t cgroup2 cgroup2 sys/fs/cgroup; $b mount -t bpf bpf sys/fs/bpf
$b mount -t debugfs debugfs sys/kernel/debug; $b mount -t tracefs tracefs sys/kernel/tracing
$b mount -t securityfs securityfs sys/kernel/security
# the guest kernel's own modules under their usual name
$b mount --bind ".$MODDIR" lib/modules/$KVER || echo "vmrun: no modules"
[ -e sbin/modprobe ] || for i in modprobe lsmod insmod rmmod modinfo; do $b ln -sf "$KMOD" usr/sbin/$i; done
$b ifconfig lo 127.0.0.1 up
$b cp -r /vm run/vmrun
echo 1 >/root/proc/sys/kernel/printk
exec $b switch_root /root /bin/bash /run/vmrun/stage2
INIT
  chmod +x "$R/init"
  mkdir -p "$R/vm"
  cat > "$R/vm/stage2" <<'INIT'
. /run/vmrun/conf
ulimit -l unlimited
for p in /sys/class/virtio-ports/*; do read -r name < $p/name; [ -e /dev/${p##*/} ] && eval "P_$name=/dev/${p##*/}"; done
exec 3>$P_out 4>$P_err 5>$P_rc
read -r up _ </proc/uptime; echo "<0>vmrun: command starts at $up s" >/dev/kmsg
. /run/vmrun/env
cd "$DIR" 2>/dev/null || cd /
mkfifo /run/vmrun/o /run/vmrun/e
cat </run/vmrun/o >&3 3>&- 4>&- 5>&- & O=$!
cat </run/vmrun/e >&4 3>&- 4>&- 5>&- & E=$!
bash /run/vmrun/cmd </dev/null >/run/vmrun/o 2>/run/vmrun/e 3>&- 4>&- 5>&-
rc=$?
for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 $O 2>/dev/null || kill -0 $E 2>/dev/null || break; sleep 0.1; done
echo $rc >&5
[ -z "$RW" ] || sync
echo o >/proc/sysrq-trigger; sleep 60
INIT
  ( cd "$R" && find . | "$BB" cpio -o -H newc 2>/dev/null ) > "$INITRD.$$" || die cpio
  mv "$INITRD.$$" "$INITRD"; rm -rf "$T"
fi

# --- this run: command and settings travel as a second, concatenated initramfs
RUN=$(mktemp -d /tmp/vmrun.XXXXXX); PIDS=
cleanup() { for p in $PIDS; do kill "$p" 2>/dev/null; done; rm -rf "$RUN"; }
trap cleanup EXIT; trap 'exit 130' INT; trap 'exit 143' TERM
[ -n "$VM_LOG" ] || VM_LOG=$RUN/console
mkdir -p "$RUN/i/vm"
printf '%s\n' "$CMD" > "$RUN/i/vm/cmd"
printf '%s=%q\n' FS "$VM_FS" RW "$VM_RW" KVER "$KVER" MODDIR "$MODDIR" KMOD "$KMOD" > "$RUN/i/vm/conf"
{ printf 'export PATH=%q HOME=%q LANG=C.UTF-8 VMRUN=1\nDIR=%q\n' "$PATH" "${HOME:-/root}" "$PWD"
  for v in $VM_ENV; do [ -z "${!v+x}" ] || printf 'export %s=%q\n' "$v" "${!v}"; done; } > "$RUN/i/vm/env"
( cd "$RUN/i" && find vm | "$BB" cpio -o -H newc 2>/dev/null ) > "$RUN/initrd2"
{ cat "$INITRD" "$RUN/initrd2"; } > "$RUN/initrd"

case $VM_MACHINE in microvm*) BUS=device;; *) BUS=pci;; esac
SHARE=(); i=0
for d in / $VM_RW; do
  if [ $VM_FS = virtiofs ]; then
    case $i in 0) c=always;; *) c=auto;; esac
    "$VIRTIOFSD" --socket-path="$RUN/fs$i" -o source="$d" -o cache=$c -o sandbox=chroot -o log_level=err --thread-pool-size=4 >"$RUN/vfsd$i.log" 2>&1 &
    PIDS="$PIDS $!"
    SHARE+=(-chardev socket,id=fs$i,path="$RUN/fs$i" -device vhost-user-fs-$BUS,chardev=fs$i,tag=host$i,queue-size=1024)
    for _ in $(seq 100); do [ -S "$RUN/fs$i" ] && break; sleep 0.02; done
  else
    case $i in 0) ro=,readonly=on;; *) ro=;; esac
    SHARE+=(-fsdev local,id=fs$i,path="$d",security_model=none,multidevs=remap$ro -device virtio-9p-$BUS,fsdev=fs$i,mount_tag=host$i)
  fi
  i=$((i+1))
done
case $VM_ACCEL in tcg) A=tcg,thread=multi,tb-size=512; : "${VM_CPU:=max,la57=off}";; tcg,*) A=$VM_ACCEL,tb-size=512; : "${VM_CPU:=max,la57=off}";; *) A=$VM_ACCEL; : "${VM_CPU:=host,-arch-capabilities}";; esac
: > "$RUN/rc"; exec 7>&1 8>&2
timeout -k 5 "$VM_TIMEOUT" qemu-system-x86_64 -accel $A -machine $VM_MACHINE,memory-backend=mem -cpu "$VM_CPU" -smp "$VM_SMP" -m "$VM_MEM" \
  -object memory-backend-memfd,id=mem,size="${VM_MEM}M",share=on \
  -nodefaults -no-user-config -display none -vga none -net none -no-reboot -rtc base=utc \
  -kernel "$VMLINUZ" -initrd "$RUN/initrd" \
  -append "console=ttyS0 loglevel=6 panic=-1 oops=panic mitigations=off nokaslr tsc=reliable no_timer_check edd=off rcupdate.rcu_expedited=1 random.trust_cpu=on audit=0 ${VM_LSM:+lsm=$VM_LSM} $VM_APPEND" \
  -serial file:"$VM_LOG" -device virtio-rng-$BUS "${SHARE[@]}" \
  -add-fd fd=7,set=7 -add-fd fd=8,set=8 -device virtio-serial-$BUS \
  -chardev file,id=out,path=/dev/fdset/7,append=on -device virtserialport,nr=1,chardev=out,name=out \
  -chardev file,id=err,path=/dev/fdset/8,append=on -device virtserialport,nr=2,chardev=err,name=err \
  -chardev file,id=rc,path="$RUN/rc" -device virtserialport,nr=3,chardev=rc,name=rc </dev/null 2>"$RUN/qemu.log" &
Q=$!; PIDS="$Q $PIDS"
wait $Q; q=$?
read -r rc < "$RUN/rc" 2>/dev/null || rc=
[ -n "$rc" ] && exit "$rc"
[ $q = 124 ] && { echo "vmrun: no end within $VM_TIMEOUT s" >&2; tail -n 5 "$VM_LOG" >&2; exit 124; }
{ echo "vmrun: the guest gave no status (qemu: $q)"; cat "$RUN"/qemu.log "$RUN"/vfsd*.log; tail -n 30 "$VM_LOG"; } >&2 2>/dev/null
exit 125
