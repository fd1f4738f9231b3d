// attack: a look into other processes, and a hand in them
// stopped by: seccomp; the agent is not dumpable either
// expect: ok
// runsc: it is gVisor's own kernel that answers, and none of the host's: the engine's seccomp profile is not applied in it
// runsc expect: ok, error
// runsc allows: take a file of 
// runsc allows: attach to 
// runsc allows: seize 
// runsc allows: read 
// runsc allows: write 
// runsc allows: compare 
// runsc allows: be traced by 
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static void refused(const char *what, pid_t whom, long result) {
    if (result >= 0 || errno != EPERM) printf("ESCAPED: %s %d: %s\n", what, whom, strerror(errno));
    else printf("HELD: %s %d\n", what, whom);
}

int main(void) {
    pid_t child = fork();
    if (child == 0) { pause(); _exit(0); }
    pid_t others[] = {1, getppid(), child};
    char bytes[8];
    struct iovec here = {bytes, sizeof bytes}, there = {(void *)main, sizeof bytes};
    for (int i = 0; i < 3; i++) {
        pid_t other = others[i];
        refused("attach to", other, ptrace(PTRACE_ATTACH, other, 0, 0));
        refused("seize", other, ptrace(PTRACE_SEIZE, other, 0, 0));
        refused("read", other, syscall(SYS_process_vm_readv, other, &here, 1, &there, 1, 0));
        refused("write", other, syscall(SYS_process_vm_writev, other, &here, 1, &there, 1, 0));
        refused("compare", other, syscall(SYS_kcmp, getpid(), other, 0, 0, 0));
        int pidfd = syscall(SYS_pidfd_open, other, 0);
        refused("take a file of", other, syscall(SYS_pidfd_getfd, pidfd, 1, 0));
    }
    refused("be traced by", getppid(), ptrace(PTRACE_TRACEME, 0, 0, 0));
    kill(child, SIGKILL);
}
