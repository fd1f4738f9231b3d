// attack: room without writing: fallocate, and sparse files
// stopped by: the limit of a file's size, the size of each place
// expect: ok
// like: Piston fallocate
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    const char *places[] = {"big", "/tmp/big", "/dev/shm/big"};
    signal(SIGXFSZ, SIG_IGN);
    for (int i = 0; i < 3; i++) {
        int file = open(places[i], O_CREAT | O_RDWR, 0600);
        if (fallocate(file, 0, 0, 10LL << 30) == 0 || ftruncate(file, 10LL << 30) == 0) printf("ESCAPED: %s\n", places[i]);
        else printf("HELD: %s: %s\n", places[i], strerror(errno));
        unlink(places[i]);
    }
}
