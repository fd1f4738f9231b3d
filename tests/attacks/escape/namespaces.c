// attack: namespaces of its own, in which it would be root; and those of process 1
// stopped by: seccomp (unshare, setns, clone's flags, clone3)
// expect: ok
// like: SandboxEscapeBench PID namespace exposure
// runsc: it is gVisor's own kernel that answers, and none of the host's: the engine's seccomp profile is not applied in it
// runsc allows: user: 
// runsc allows: mnt: 
// runsc allows: pid: 
// runsc allows: net: 
// runsc allows: ipc: 
// runsc allows: uts: 
// runsc allows: cgroup: 
// runsc allows: /ns/
// runsc allows: clone3: 
// runsc allows: a child in a namespace
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void refused(const char *what, long result, int wanted) {
    if (result >= 0 || errno != wanted) printf("ESCAPED: %s: %ld, %s\n", what, result, strerror(errno));
    else printf("HELD: %s\n", what);
}

int main(void) {
    int flags[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP};
    const char *names[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};
    char path[64];
    for (int i = 0; i < 7; i++) {
        refused(names[i], unshare(flags[i]), EPERM);
        long child = syscall(SYS_clone, flags[i] | SIGCHLD, 0, 0, 0, 0);
        if (child == 0) { puts("ESCAPED: a child in a namespace"); _exit(0); }
        refused(names[i], child, EPERM);
        for (int of = 0; of < 2; of++) {
            snprintf(path, sizeof path, "/proc/%s/ns/%s", of ? "self" : "1", names[i]);
            int space = open(path, O_RDONLY);
            if (of == 0) refused(path, space, EACCES);
            else refused(path, setns(space, 0), EPERM);
        }
    }
    struct { unsigned long long flags, rest[10]; } arguments = {.flags = CLONE_NEWUSER};
    refused("clone3", syscall(SYS_clone3, &arguments, sizeof arguments), ENOSYS);
}
