# attack: a higher priority than others, real-time scheduling
# stopped by: no capability, no such limit
# expect: ok
# runsc: gVisor's scheduler knows no priorities, and the host's never hears of it
# runsc allows: nice
import os

def attempt(what, call):
    try:
        call()
        print("ESCAPED:", what)
    except OSError as error:
        print("HELD:", what, error.strerror)

attempt("nice", lambda: os.setpriority(os.PRIO_PROCESS, 0, -10))
attempt("real time", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50)))
attempt("round robin", lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)))
