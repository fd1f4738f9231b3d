# attack: a word to everybody: broadcast and multicast
# stopped by: no network interface but loopback
# expect: ok
use Socket;

for my $host ("255.255.255.255", "224.0.0.1", "239.255.255.250", "172.17.255.255") {
    socket(my $it, AF_INET, SOCK_DGRAM, 17) or die;
    setsockopt $it, SOL_SOCKET, SO_BROADCAST, 1;
    print send($it, "word", 0, sockaddr_in(1900, inet_aton($host))) ? "ESCAPED: $host\n" : "HELD: $host: $!\n";
}
