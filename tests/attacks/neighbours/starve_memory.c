// attack: memory at its limit, taken and given back for ever, so that the host is busy with it
// stopped by: the memory limit, the processor quota, the deadline
// expect: timeout
// timeout: 6
// within: 30
#include <string.h>
#include <sys/mman.h>

int main(void) {
    for (;;) {
        size_t size = 300 << 20;
        char *held = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(held, 1, size);
        munmap(held, size);
    }
}
