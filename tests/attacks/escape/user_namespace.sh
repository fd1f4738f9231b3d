# attack: root of a user namespace, then mounts in it
# stopped by: seccomp
# expect: ok
# runsc: it is gVisor's own kernel that answers, and none of the host's: the engine's seccomp profile is not applied in it
# runsc allows: unshare --user
for command in 'unshare --user --map-root-user' 'unshare --user --map-root-user --mount --pid --fork' 'unshare --mount' \
    'unshare --net' 'nsenter --target 1 --all' 'nsenter --target 1 --mount'; do
    if $command true 2>/dev/null; then echo "ESCAPED: $command"; else echo "HELD: $command"; fi
done
