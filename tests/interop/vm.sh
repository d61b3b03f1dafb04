#!/bin/bash
# vm.sh - runs a command as root in a throw-away VM with Debian's kernel, for tests that need more than ours has
#
# usage: vm.sh SECONDS COMMAND...
#
# The VM sees this file system read-only below a RAM disk that takes what is
# written; nothing of it stays.  It has no network.  Exit status: the
# command's; 77 with a reason if something is missing; 124 if time is up.
# Emulated, as nested KVM is often broken; VM_ACCEL=kvm where it works.
set -u
skip() { echo "skipped: $*"; exit 77; }
seconds=$1; shift

[ "$(id -u)" = 0 ] || skip "needs root (to read the whole file system)"
for p in qemu-system-x86_64 busybox cpio modprobe; do
	command -v $p >/dev/null || skip "no $p (apt-get install qemu-system-x86 busybox-static cpio kmod)"
done
for k in $(printf '%s\n' /boot/vmlinuz-* | sort -rV); do
	kernel=${k#/boot/vmlinuz-}
	[ -d "/lib/modules/$kernel" ] && break
	kernel=
done
[ -n "${kernel-}" ] || skip "no kernel with modules in /boot (apt-get install linux-image-amd64)"
file -L "$(command -v busybox)" 2>/dev/null | grep -q 'dynamically' && skip "busybox is not static (apt-get install busybox-static)"

d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$d/root/bin" "$d/root/modules" "$d/share"
cp "$(command -v busybox)" "$d/root/bin/"
# What it takes to reach this file system; everything else is loaded from there.
for m in virtio_pci virtio_console virtio_rng 9pnet_virtio 9p overlay; do
	modprobe -S "$kernel" --show-depends $m
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r m; do
	cp "$m" "$d/root/modules/"; echo "${m##*/}"
done > "$d/root/modules/order"
cat > "$d/root/init" <<'END'
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /below /above /all /sbin /usr/bin /usr/sbin
/bin/busybox --install -s
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
while read -r m; do insmod /modules/$m; done < /modules/order
mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=524288,cache=loose below /below
mount -t tmpfs t /above; mkdir /above/files /above/work
mount -t overlay -o lowerdir=/below,upperdir=/above/files,workdir=/above/work all /all
for m in proc sys dev; do mount --move /$m /all/$m; done
mount -t tmpfs run /all/run
mkdir -p /all/run/share /all/run/netns /all/run/lock /all/dev/pts /all/dev/shm
mount -t devpts pts /all/dev/pts; mount -t tmpfs shm /all/dev/shm
mount -t 9p -o trans=virtio,version=9p2000.L share /all/run/share
ln -sf /proc/self/fd /all/dev/fd
exec switch_root /all /bin/bash /run/share/inside
END
chmod +x "$d/root/init"
cat > "$d/share/inside" <<END
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
stty -F /dev/hvc0 raw -echo
ip link set lo up
cd $(printf %q "$PWD")
$(printf '%q ' "$@") </dev/null >/dev/hvc0 2>&1
echo \$? > /run/share/status
sync; echo o > /proc/sysrq-trigger; sleep 60
END
(cd "$d/root" && find . | cpio -o -H newc --quiet) > "$d/initrd"
virtfs() { echo "local,path=$2,mount_tag=$1,security_model=none,multidevs=remap$3"; }
timeout "$seconds" qemu-system-x86_64 -accel "${VM_ACCEL:-tcg,thread=multi}" -cpu "${VM_CPU:-max}" -machine q35 \
	-smp "$(nproc)" -m 2048 -nodefaults -no-user-config -display none -no-reboot \
	-kernel "/boot/vmlinuz-$kernel" -initrd "$d/initrd" \
	-append "console=ttyS0 panic=-1 nokaslr mitigations=off no_timer_check random.trust_cpu=on quiet" \
	-serial "file:$d/console" \
	-device virtio-serial-pci -chardev stdio,id=out,signal=off -device virtconsole,chardev=out \
	-device virtio-rng-pci \
	-virtfs "$(virtfs below / ,readonly=on)" -virtfs "$(virtfs share "$d/share" '')" </dev/null
rc=$?
[ $rc != 124 ] || { echo "vm.sh: $seconds seconds are over"; exit 124; }
[ -s "$d/share/status" ] || { tail -n 20 "$d/console"; echo "vm.sh: the VM died"; exit 1; }
exit "$(cat "$d/share/status")"
