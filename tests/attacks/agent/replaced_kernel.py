# attack: a kernel that becomes a program that never answers
# stopped by: the deadline
# expect: timeout
# timeout: 4
# within: 25
import os

os.execv("/bin/sleep", ["sleep", "1000"])
