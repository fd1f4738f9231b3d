// attack: thousands of orphans that nobody waits for
// stopped by: the agent, which collects what has ended
// expect: ok
// within: 60
// runsc: gVisor makes processes slowly: the deadline comes first
// runsc expect: ok, timeout
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t fork_patiently(void) {
    struct timespec pause = {.tv_nsec = 5000000};
    for (int tries = 0; tries < 400; tries++) {
        pid_t child = fork();
        if (child >= 0 || errno != EAGAIN) return child;
        nanosleep(&pause, NULL);
    }
    return -1;
}

int main(void) {
    for (int i = 0; i < 1500; i++) {
        pid_t child = fork_patiently();
        if (child < 0) { printf("ESCAPED: %d zombies keep all from starting\n", i); return 0; }
        if (child == 0) { if (fork() == 0) _exit(0); _exit(0); }
        waitpid(child, NULL, 0);
    }
    puts("HELD: all were collected");
}
