// attack: what is counted for the whole host or for the user number, used up for all: queues' bytes, contexts
// stopped by: seccomp: message queues and asynchronous contexts are not to be had; where queues are files, nothing can be made
// expect: ok
// runsc: it is gVisor's own kernel that answers, and none of the host's: the engine's seccomp profile is not applied in it
// runsc allows: queue 0
// runsc allows: context 0
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void) {
    struct mq_attr large = {.mq_maxmsg = 10, .mq_msgsize = 8192};
    unsigned long context = 0;
    for (int i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof name, "/own%d", i);
        if (mq_open(name, O_CREAT | O_RDWR, 0600, &large) != (mqd_t)-1 || errno != EPERM) { printf("ESCAPED: queue %d\n", i); break; }
        context = 0;
        if (syscall(SYS_io_setup, 128, &context) >= 0 || errno != EPERM) { printf("ESCAPED: context %d\n", i); break; }
    }
    if (open("/dev/mqueue/own", O_CREAT | O_RDWR, 0600) >= 0) puts("ESCAPED: a queue, by its file");
    puts("HELD: none");
}
