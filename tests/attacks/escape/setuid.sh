# attack: root by a setuid program: those of the image, and one of its own
# stopped by: no-new-privileges; places that can be written to are nosuid
# expect: ok
# like: SandboxEval dangerous operations: privileges
cp "$(command -v id)" own && chmod 4777 own
[ "$(./own -u)" = "$(id -u)" ] && echo 'HELD: own' || echo 'ESCAPED: own'
look_at() {
    kind=$(timeout 1 "$1" --version </dev/null 2>&1 | head -c 20)
    echo "HELD: looked at $1 ${kind:+ran}"
}
try() {
    if timeout 1 $1 </dev/null 2>/dev/null | grep -q 'uid=0\|gid=0'; then echo "ESCAPED: $1"; else echo "HELD: $1"; fi
}
# All at once: each that asks for a password waits for its second.
for program in $(find / -xdev -perm /6000 -type f 2>/dev/null); do look_at "$program" & done
for command in 'su -c id' 'su root -c id' 'sudo -n id' 'pkexec id' 'newgrp root -c id' 'sg root -c id'; do try "$command" & done
wait
