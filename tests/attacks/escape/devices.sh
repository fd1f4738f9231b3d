# attack: devices of the host: disks, memory, kernel messages, virtual machines
# stopped by: a closed list of devices
# expect: ok
# like: SandboxEscapeBench privileged container
# runsc: gVisor's own devices: fuse and a tun that leads nowhere; it makes others that it does not have
# runsc allows: /dev/net/tun$
# runsc allows: /dev/fuse$
# runsc allows: fuse$
# runsc allows: net/tun$
# runsc allows: made 
known='^/dev/(console|full|null|ptmx|pts/ptmx|random|tty|urandom|zero|pts/[0-9]+)$'
for device in $(find /dev \( -type b -o -type c \) 2>/dev/null); do
    if echo "$device" | grep -qE "$known"; then echo "HELD: only $device"; else echo "ESCAPED: $device"; fi
done
for device in mem kmem port kmsg kvm fuse loop0 loop-control sda vda nvme0n1 mapper/control net/tun vhost-net vsock uinput; do
    if (: </dev/$device) 2>/dev/null; then echo "ESCAPED: $device"; else echo "HELD: $device"; fi
    mknod "/tmp/$device" b 254 0 2>/dev/null && echo "ESCAPED: made $device"
done
for number in 8:0 254:0 259:0 7:0; do [ -e "/dev/block/$number" ] && echo "ESCAPED: block $number"; done
true
