# attack: no signal is heard, by children either
# stopped by: a kill of all, after the interrupt's grace
# expect: timeout
# timeout: 3
# within: 20
trap '' INT TERM HUP QUIT USR1 USR2 PIPE CHLD CONT TSTP
(trap '' INT TERM HUP; setsid sleep 1000 &)
while :; do :; done
