// attack: all memory, mapped and locked
// stopped by: the memory limit; the program dies before the agent
// expect: out_of_memory, error
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
    for (;;) {
        size_t size = 16 << 20;
        void *more = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (more == MAP_FAILED) pause();
        mlock(more, size);
        memset(more, 1, size);
    }
}
