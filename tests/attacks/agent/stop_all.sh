# attack: every process that it can reach stands still, so that nobody answers
# stopped by: the agent cannot be stopped; the deadline
# expect: timeout
# timeout: 4
# within: 25
kill -STOP -1
