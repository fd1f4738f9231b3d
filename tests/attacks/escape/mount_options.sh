# attack: a place for setuid programs and devices: one that it can write to, and that lets them work
# stopped by: every such mount is nosuid and nodev
# expect: ok
# runsc: gVisor does not tell nosuid and nodev; no-new-privileges and its devices hold
# runsc allows:  takes 
while read -r _ _ _ _ point options _; do
    [ -d "$point" ] && [ -w "$point" ] || continue
    case ,$options, in *,nosuid,*) ;; *) echo "ESCAPED: $point takes setuid programs" ;; esac
    case ,$options, in *,nodev,*) echo "HELD: $point" ;; *) echo "ESCAPED: $point takes devices" ;; esac
done </proc/self/mountinfo
