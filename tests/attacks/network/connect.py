# attack: connections to the internet, private networks and clouds' metadata
# stopped by: no network interface but loopback, and no route
# expect: ok
# like: Piston network
# like: SandboxEval external communication: hosts
# runsc: gVisor's network has an interface, and no way out of it
# runsc allows: No route to host
import errno, socket

hosts = ("1.1.1.1", "93.184.216.34", "10.0.0.1", "172.17.0.1", "172.17.0.2", "172.18.0.1", "192.168.0.1", "192.168.65.2",
         "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "255.255.255.255", "224.0.0.1")
for host in hosts:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for port in (53, 80, 443):
            try:
                with socket.socket(socket.AF_INET, kind) as it:
                    it.settimeout(2)
                    it.connect((host, port))
                    print("ESCAPED:", host, port)
            except OSError as error:
                if error.errno not in (errno.ENETUNREACH, errno.EACCES):
                    print("ESCAPED: something is there:", host, port, error)
print("HELD: nothing of", len(hosts), "hosts")
