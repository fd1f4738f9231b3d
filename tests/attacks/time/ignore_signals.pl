# attack: children of children, each in a session of its own, that ignore all signals
# stopped by: a kill of all, after the interrupt's grace
# expect: timeout
# timeout: 3
# within: 20
use POSIX ();

$SIG{$_} = "IGNORE" for grep { !/^(__|KILL|STOP|NUM|RTMIN|RTMAX|CHLD|CLD)/ } keys %SIG;
for (1 .. 3) { if (!fork) { POSIX::setsid(); fork; last } }
sleep 1 while 1;
