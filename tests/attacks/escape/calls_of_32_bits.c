// attack: system calls by the door of 32-bit programs, past a filter that knows only the others
// stopped by: seccomp, which knows the machine's own architecture only
// expect: ok
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
#ifdef __x86_64__
    pid_t child = fork();
    if (child == 0) {
        long result;
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory"); // getpid of 32 bits
        _exit(result == getpid() ? 1 : 0);
    }
    int status;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1) puts("ESCAPED: int 0x80");
    else printf("HELD: int 0x80, signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    child = fork();
    if (child == 0) {
        long result;
        __asm__ volatile("syscall" : "=a"(result) : "a"(0x40000000L + 39) : "rcx", "r11", "memory"); // getpid of x32
        _exit(result == getpid() ? 1 : 0);
    }
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1) puts("ESCAPED: x32");
    else printf("HELD: x32, signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
#else
    puts("HELD: this machine has no such door");
#endif
}
