// attack: more processes than allowed
// stopped by: the limit of processes
// expect: ok
// runsc: gVisor's own threads count as processes: at the limit all of the sandbox ends
// runsc expect: ok, killed
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    static pid_t children[512];
    int count = 0;
    while (count < 512 && (children[count] = fork()) >= 0)
        if (children[count++] == 0) { pause(); _exit(0); }
    int refused = count < 512 ? errno : 0;
    for (int i = 0; i < count; i++) kill(children[i], SIGKILL);
    while (wait(NULL) > 0) ;
    if (count >= 256 || refused != EAGAIN) printf("ESCAPED: %d processes\n", count);
    else puts("HELD: no more processes");
}
