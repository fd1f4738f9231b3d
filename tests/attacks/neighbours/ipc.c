// attack: shared memory, semaphores and queues of other sandboxes
// stopped by: an IPC namespace of the sandbox's own
// expect: ok
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

int main(void) {
    struct shmid_ds segment;
    struct msqid_ds queue;
    struct shm_info total;
    for (int i = 0; i < 4096; i++) {
        if (shmctl(i, SHM_STAT, &segment) >= 0) printf("ESCAPED: segment %d\n", i);
        if (msgctl(i, MSG_STAT, &queue) >= 0) printf("ESCAPED: queue %d\n", i);
        if (semget(i + 1, 0, 0) >= 0) printf("ESCAPED: semaphores %d\n", i);
        if (shmget(0x7000 + i, 0, 0) >= 0) printf("ESCAPED: key %x\n", 0x7000 + i);
    }
    shmctl(0, SHM_INFO, (void *)&total);
    printf(total.used_ids ? "ESCAPED: %d segments\n" : "HELD: %d segments\n", total.used_ids);
    DIR *queues = opendir("/dev/mqueue");
    for (struct dirent *entry; queues && (entry = readdir(queues));)
        if (entry->d_name[0] != '.') printf("ESCAPED: %s\n", entry->d_name);
}
