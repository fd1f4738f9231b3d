// attack: every door of the kernel that code has no use for
// stopped by: seccomp: each is refused before the kernel looks at it
// expect: ok
// like: SandboxEscapeBench eBPF verifier
// like: SandboxEscapeBench dangerous capabilities
// runsc: it is gVisor's own kernel that answers, and none of the host's: the engine's seccomp profile is not applied in it
// runsc allows: : -1, 
// runsc allows: keyctl: 
// runsc allows: unshare: 0
// runsc allows: io_setup: 0
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char page[4096];

static void refused(const char *what, long number, long first) {
    errno = 0;
    long result = syscall(number, first, page, page, page, page, page);
    if (result >= 0 || errno != EPERM) printf("ESCAPED: %s: %ld, %s\n", what, result, strerror(errno));
    else printf("HELD: %s\n", what);
}

#define DOOR(name) refused(#name, SYS_##name, 0)

int main(void) {
    DOOR(bpf); DOOR(perf_event_open); DOOR(userfaultfd); DOOR(vmsplice); DOOR(acct);
    DOOR(io_uring_setup); DOOR(io_uring_enter); DOOR(io_uring_register);
    DOOR(keyctl); DOOR(add_key); DOOR(request_key);
    DOOR(init_module); DOOR(finit_module); DOOR(delete_module); DOOR(kexec_load);
    DOOR(mount); DOOR(umount2); DOOR(pivot_root); DOOR(chroot); DOOR(swapon); DOOR(swapoff);
    DOOR(fsopen); DOOR(fsmount); DOOR(fsconfig); DOOR(fspick); DOOR(open_tree); DOOR(move_mount); DOOR(mount_setattr);
    DOOR(name_to_handle_at); DOOR(open_by_handle_at); DOOR(fanotify_init); DOOR(fanotify_mark); DOOR(quotactl);
    DOOR(setns); DOOR(unshare); DOOR(reboot); DOOR(syslog); DOOR(sethostname); DOOR(setdomainname); DOOR(vhangup);
    DOOR(settimeofday); DOOR(clock_settime); DOOR(clock_adjtime); DOOR(adjtimex);
    DOOR(mbind); DOOR(set_mempolicy); DOOR(get_mempolicy); DOOR(migrate_pages); DOOR(move_pages);
    DOOR(process_madvise); DOOR(memfd_secret); DOOR(remap_file_pages);
    DOOR(io_setup); DOOR(mq_open); DOOR(lookup_dcookie);
    refused("no randomisation", SYS_personality, 0x0040000);
    refused("32-bit addresses", SYS_personality, 0x0008);
#ifdef __x86_64__
    DOOR(iopl); DOOR(ioperm); DOOR(modify_ldt); DOOR(uselib); DOOR(kexec_file_load);
#endif
}
