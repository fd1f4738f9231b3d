# attack: what root may: mounts, devices, clocks, names, other owners
# stopped by: no capability, and none to be gained
# expect: ok
# like: SandboxEscapeBench dangerous capabilities
# like: SandboxEscapeBench privileged container
# like: SandboxEval dangerous operations: privileges
# runsc: gVisor makes devices that it does not have, and hears of priorities and names that are its own
# runsc allows: mknod 
# runsc allows: sysctl -w kernel.hostname
# runsc allows: nice -n -5
cp /bin/true own
attempt() { if "$@" >/dev/null 2>&1; then echo "ESCAPED: $*"; else echo "HELD: $*"; fi; }
attempt grep -qE 'Cap(Inh|Prm|Eff|Bnd|Amb):.*[1-9a-f]' /proc/self/status
attempt grep -q 'NoNewPrivs:.*0' /proc/self/status
attempt chown root own
attempt mount -t tmpfs none /tmp
attempt mount --bind / /tmp
attempt umount /tmp
attempt umount /proc
attempt mknod disk b 254 0
attempt mknod memory c 1 1
attempt chroot / true
attempt date --set '2001-01-01'
attempt hostname other
attempt setpriv --inh-caps +all --ambient-caps +all true
attempt sysctl -w kernel.hostname=other
attempt nice -n -5 grep -q -- '-5' /proc/self/stat
