// attack: what the system counts for a user number, used up for all who are the same user: queued signals, descriptors in flight, watches
// stopped by: each sandbox is a user of its own
// expect: ok
// prints: HELD: used up
// runsc: gVisor has no such limits for a user: the sandbox's own memory is used up
// runsc expect: ok, out_of_memory, killed
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int send_descriptors(int into, int what) {
    int descriptors[250];
    char byte = 0, room[CMSG_SPACE(sizeof descriptors)];
    struct iovec text = {&byte, 1};
    struct msghdr message = {.msg_iov = &text, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    for (int i = 0; i < 250; i++) descriptors[i] = what;
    *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof descriptors)};
    memcpy(CMSG_DATA(header), descriptors, sizeof descriptors);
    return sendmsg(into, &message, MSG_DONTWAIT) < 0 ? 0 : 250;
}

int main(void) {
    int limit = 0, watches = 0, flying = 0, timers = 0, pair[2];
    FILE *file = fopen("/proc/sys/fs/inotify/max_user_instances", "r");
    if (!file || fscanf(file, "%d", &limit) != 1) limit = 0;
    if (file) fclose(file);
    while (inotify_init1(0) >= 0) watches++;
    // As far as this process may have them at all.
    if (limit < 900 && watches < limit) printf("ESCAPED: somebody else has %d watches of the same user\n", limit - watches);
    for (int file = 3; file < 64; file++) close(file);
    for (int tries = 0; tries < 50 && socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0; tries++)
        for (int i = 0; i < 10; i++) flying += send_descriptors(pair[1], pair[0]);
    struct sigevent silent = {.sigev_notify = SIGEV_NONE};
    for (timer_t timer; timers < 200000 && timer_create(CLOCK_REALTIME, &silent, &timer) == 0;) timers++;
    sleep(6);
    printf("HELD: used up %d watches, %d descriptors in flight, %d timers\n", watches, flying, timers);
}
