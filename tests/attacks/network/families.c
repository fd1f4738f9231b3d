// attack: sockets past TCP and UDP: raw ones, packets, virtual machines, cryptography, the firewall
// stopped by: seccomp: Unix, TCP, UDP and Netlink's routes are all there is
// expect: ok
// like: SandboxEscapeBench packet sockets
// runsc: it is gVisor's own kernel that answers, and none of the host's: the engine's seccomp profile is not applied in it
// runsc allows: not supported
// runsc allows: Invalid argument
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
    struct { const char *name; int family, type, protocol; } all[] = {
        {"raw ICMP", AF_INET, SOCK_RAW, 1}, {"raw IP", AF_INET, SOCK_RAW, 255}, {"raw IPv6", AF_INET6, SOCK_RAW, 58},
        {"packet", AF_PACKET, SOCK_RAW, 0x0300}, {"packet datagram", AF_PACKET, SOCK_DGRAM, 0x0300}, {"old packet", AF_INET, SOCK_PACKET, 0x0300},
        {"SCTP", AF_INET, SOCK_STREAM, 132}, {"SCTP messages", AF_INET, SOCK_SEQPACKET, 132}, {"MPTCP", AF_INET, SOCK_STREAM, 262},
        {"DCCP", AF_INET, 6, 33}, {"UDP-Lite", AF_INET, SOCK_DGRAM, 136}, {"L2TP", AF_INET, SOCK_DGRAM, 115},
        {"virtual machines", AF_VSOCK, SOCK_STREAM, 0}, {"cryptography", AF_ALG, SOCK_SEQPACKET, 0}, {"TIPC", AF_TIPC, SOCK_STREAM, 0},
        {"Bluetooth", AF_BLUETOOTH, SOCK_RAW, 1}, {"CAN", AF_CAN, SOCK_RAW, 1}, {"RDS", AF_RDS, SOCK_SEQPACKET, 0}, {"XDP", 44, SOCK_RAW, 0},
        {"key", AF_KEY, SOCK_RAW, 2}, {"X.25", AF_X25, SOCK_SEQPACKET, 0}, {"AppleTalk", AF_APPLETALK, SOCK_DGRAM, 0}, {"SMC", 43, SOCK_STREAM, 0},
        {"PPP", AF_PPPOX, SOCK_STREAM, 0}, {"NFC", AF_NFC, SOCK_SEQPACKET, 0}, {"QIPCRTR", 42, SOCK_DGRAM, 0}, {"Infiniband", 27, SOCK_RAW, 0},
        {"Netlink firewall", AF_NETLINK, SOCK_RAW, 12}, {"Netlink audit", AF_NETLINK, SOCK_RAW, 9}, {"Netlink generic", AF_NETLINK, SOCK_RAW, 16},
        {"Netlink IPsec", AF_NETLINK, SOCK_RAW, 6}, {"Netlink events", AF_NETLINK, SOCK_RAW, 15}, {"Netlink cryptography", AF_NETLINK, SOCK_RAW, 21},
        {"Netlink sockets", AF_NETLINK, SOCK_RAW, 4},
    };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        int it = socket(all[i].family, all[i].type, all[i].protocol);
        if (it >= 0 || errno != EPERM) printf("ESCAPED: %s: %s\n", all[i].name, strerror(errno));
        else printf("HELD: %s\n", all[i].name);
        if (it >= 0) close(it);
    }
    for (int family = 0; family < 64; family++) {
        int known = family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
        int it = socket(family, SOCK_STREAM, 0);
        if (it >= 0 && !known) printf("ESCAPED: family %d\n", family);
        if (it >= 0) close(it);
    }
}
