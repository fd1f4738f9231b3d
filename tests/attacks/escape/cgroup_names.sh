# attack: the container's id, and the host's layout, by the names of its cgroups
# stopped by: a cgroup namespace of the sandbox's own
# expect: ok
# runsc: gVisor's own cgroups are named after the container
# runsc allows: is at /
# runsc allows: a mount of /
while IFS=: read -r _ controllers path; do
    if [ "$path" = / ]; then echo "HELD: $controllers"; else echo "ESCAPED: $controllers is at ${path:0:8}…"; fi
done </proc/self/cgroup
awk '/ - cgroup/ && $4 != "/" {print "ESCAPED: a mount of " $4}' /proc/self/mountinfo
echo 'HELD: no other names'
