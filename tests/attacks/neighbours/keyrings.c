// attack: the keyrings of its user number, which all sandboxes share: find keys, leave some, use up the quota
// stopped by: seccomp
// expect: ok
// runsc: it is gVisor's own kernel that answers, and none of the host's: the engine's seccomp profile is not applied in it
// runsc allows: keyring -
// runsc allows: a key in -
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void) {
    for (int ring = -1; ring >= -5; ring--) {
        long found = syscall(SYS_keyctl, 0, ring, 1);
        if (found >= 0 || errno != EPERM) printf("ESCAPED: keyring %d\n", ring);
        long added = syscall(SYS_add_key, "user", "own", "attack", 6, ring);
        if (added >= 0 || errno != EPERM) printf("ESCAPED: a key in %d\n", ring);
        else printf("HELD: keyring %d\n", ring);
    }
    FILE *keys = fopen("/proc/keys", "r");
    if (keys && fgetc(keys) != EOF) puts("ESCAPED: /proc/keys");
}
