// attack: all memory, in System V segments that outlive their process
// stopped by: the memory limit, which counts them; they end with the sandbox's own IPC namespace
// expect: out_of_memory, error
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

int main(void) {
    for (;;) {
        size_t size = 16 << 20;
        int segment = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
        void *more = segment < 0 ? (void *)-1 : shmat(segment, NULL, 0);
        if (more == (void *)-1) abort();
        memset(more, 1, size);
        shmdt(more);
    }
}
