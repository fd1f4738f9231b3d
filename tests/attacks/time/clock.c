// attack: another time, so that deadlines are far away
// stopped by: no capability, seccomp
// expect: ok
// runsc: it is gVisor's own kernel that answers, and none of the host's: the engine's seccomp profile is not applied in it
// runsc allows: it was set
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

int main(void) {
    struct timespec past = {.tv_sec = 1000};
    struct timeval past_too = {.tv_sec = 1000};
    struct timex step = {.modes = 0x0100};
    time_t before = time(NULL);
    long results[] = {clock_settime(CLOCK_REALTIME, &past), clock_settime(CLOCK_MONOTONIC, &past), settimeofday(&past_too, NULL),
                      syscall(SYS_adjtimex, &step), syscall(SYS_unshare, 0x80)};
    for (unsigned i = 0; i < sizeof results / sizeof *results; i++) puts(results[i] == 0 ? "ESCAPED: it was set" : "HELD: refused");
    if (time(NULL) < before) puts("ESCAPED: time runs back");
}
