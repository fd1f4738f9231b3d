// attack: a signal for every process number there is
// stopped by: a PID namespace of the sandbox's own: numbers of others mean nobody
// expect: ok
// runsc: a call takes gVisor longer, and here are many: the deadline may come first
// runsc expect: ok, timeout
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void) {
    int found = 0;
    for (pid_t other = 2; other < 200000; other++) {
        if (other == getpid() || other == getppid()) continue;
        if (kill(other, SIGURG) == 0) found++;
        int pidfd = syscall(SYS_pidfd_open, other, 0);
        if (pidfd >= 0) close(pidfd);
    }
    printf(found > 40 ? "ESCAPED: %d processes\n" : "HELD: %d processes, all its own\n", found);
}
