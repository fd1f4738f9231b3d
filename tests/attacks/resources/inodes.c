// attack: millions of empty files
// stopped by: the memory limit, which counts the system's entries for them
// expect: out_of_memory, error, timeout
// timeout: 8
// within: 40
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    char path[64];
    for (long i = 0; i < 100000000; i++) {
        snprintf(path, sizeof path, "/tmp/%ld", i);
        int file = open(path, O_CREAT | O_WRONLY, 0600);
        if (file < 0) return 1;
        close(file);
    }
    puts("ESCAPED: a hundred million files");
}
