# attack: an interface, an address, a route of its own, by Netlink and by ioctl
# stopped by: no capability
# expect: ok
# runsc: it is gVisor's own kernel that answers, and none of the host's: the engine's seccomp profile is not applied in it
# runsc allows: EACCES
import fcntl, errno, socket, struct

def ask(what, kind, body):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.settimeout(2)
        link.send(struct.pack("IHHII", 16 + len(body), kind, 0x5 | 0x400 | 0x200, 1, 0) + body)
        answer = link.recv(4096)
        code = -struct.unpack("i", answer[16:20])[0]
        print("HELD:" if code in (errno.EPERM, errno.EOPNOTSUPP) else "ESCAPED:", what, errno.errorcode.get(code, code))

def attribute(kind, value):
    return struct.pack("HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)

link = struct.pack("BxHiII", 0, 0, 0, 0, 0)
ask("dummy", 16, link + attribute(3, b"own\0") + attribute(18, attribute(1, b"dummy")))
ask("veth", 16, link + attribute(3, b"own\0") + attribute(18, attribute(1, b"veth")))
ask("tun", 16, link + attribute(3, b"own\0") + attribute(18, attribute(1, b"tun")))
ask("address", 20, struct.pack("BBBBI", 2, 24, 0, 0, 1) + attribute(2, bytes([10, 0, 0, 9])))
ask("route", 24, struct.pack("BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0) + attribute(4, struct.pack("I", 1)))
ask("loopback down", 16, struct.pack("BxHiII", 0, 0, 1, 0, 1))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
    for name in (b"lo", b"eth0"):
        try:
            fcntl.ioctl(it, 0x8916, struct.pack("16sH2s4s8x", name, 2, b"", bytes([10, 0, 0, 9])))
            print("ESCAPED: an address for", name)
        except OSError as error:
            print("HELD:", name, error.strerror)
