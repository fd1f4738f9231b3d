# attack: abstract Unix sockets of the host, which no file system guards (CVE-2020-15257)
# stopped by: a network namespace of the sandbox's own, in which they live
# expect: ok
use Socket;

open my $list, "<", "/proc/net/unix" or die;
while (<$list>) {
    print "ESCAPED: $1\n" if /(@?\S*(?:containerd|shim|docker|dbus|systemd|X11)\S*)/;
}
for my $name ("\0containerd-shim/moby/x/shim.sock\0", "\0/containerd-shim/x.sock", "\0/tmp/.X11-unix/X0", "\0/org/bluez/audio") {
    socket(my $it, AF_UNIX, SOCK_STREAM, 0) or die;
    (my $shown = $name) =~ tr/\0/@/;
    print connect($it, pack("Sa*", AF_UNIX, $name)) ? "ESCAPED: $shown\n" : "HELD: $shown: $!\n";
}
