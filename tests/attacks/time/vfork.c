// attack: a parent that waits where no signal reaches it, for a child that ignores them
// stopped by: a kill of all, the child too
// expect: timeout
// timeout: 3
// within: 20
#include <signal.h>
#include <unistd.h>

int main(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    if (vfork() == 0) for (;;) pause();
}
