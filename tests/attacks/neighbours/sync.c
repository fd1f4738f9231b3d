// attack: the host's disks, by asking for all that is unwritten to be written, again and again
// stopped by: seccomp: sync and syncfs say that it is done
// expect: ok
// runsc: a sync takes gVisor long; the processor quota holds
// runsc expect: ok, timeout
// runsc allows: it wrote for
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void) {
    struct timespec begin, end;
    int root = open("/", O_RDONLY);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < 20000; i++) { sync(); syncfs(root); }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double took = end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9;
    printf(took > 2 ? "ESCAPED: it wrote for %.1f s\n" : "HELD: forty thousand took %.2f s\n", took);
}
