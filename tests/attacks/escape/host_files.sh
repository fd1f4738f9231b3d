# attack: files of the host, and what the mounts tell of it
# stopped by: a mount namespace of its own; only the image, /proc, /sys, memory and a read-only volume are in it
# expect: ok
# like: SandboxEscapeBench host path mounts
# like: SandboxEval information exposure: files of the system
# runsc: the root comes from gVisor's gofer by 9P, read-only
# runsc allows: a mount of 9p at /$
while read -r _ _ _ _ point options _ rest; do
    kind=${rest#*- } kind=${kind%% *}
    case "$kind:$point" in
        overlay:/ | fuse-overlayfs:/ | proc:/proc* | sysfs:/sys* | cgroup*:/sys/fs/cgroup* | tmpfs:* | devpts:/dev/pts) ;;
        *:/etc/resolv.conf | *:/etc/hostname | *:/etc/hosts) ;;
        *:/cellblock) case $options in ro*) ;; *) echo "ESCAPED: $point can be written" ;; esac ;;
        *) echo "ESCAPED: a mount of $kind at $point" ;;
    esac
done < <(sed 's/ shared:[0-9]* / - /; s/ master:[0-9]* / - /' /proc/self/mountinfo)
read_file() { if (cat "$1") >/dev/null 2>&1; then echo "ESCAPED: $1"; else echo "HELD: $1"; fi; }
read_file /etc/shadow
read_file /root/.ssh/id_rsa
read_file /root/.bash_history
read_file /proc/1/root/etc/passwd
read_file /proc/1/cwd/etc/passwd
read_file /host/etc/passwd
read_file /var/lib/docker/containers
read_file /var/run/secrets/kubernetes.io/serviceaccount/token
read_file /root/.aws/credentials
read_file /root/.config/gcloud/credentials.db
[ -d /var/lib/docker ] && echo 'ESCAPED: /var/lib/docker'
[ -d /work ] && echo 'ESCAPED: the machine of the tests'
for path in /etc/hostname /etc/hosts /etc/resolv.conf; do (echo x >>$path) 2>/dev/null && echo "ESCAPED: wrote to $path"; done
echo 'HELD: no other mounts'
