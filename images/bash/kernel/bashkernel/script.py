r"""What Bash is told: the line that runs a cell, and the one that ends an interrupted cell.

    true && . FILE </dev/null 200>&- 201>&- 202>&-; { printf 'done …' "$?" >&200; printf FENCE >&201 …; } 2>/dev/null

Descriptors 201 and 202 are copies of stdout and stderr that survive an `exec >file` in a cell; 200 is a pipe to us. A
cell sees none of the three. A fence on both streams marks where its output ends (see `output`).
"""

import shlex

STATUS_FD, STDOUT_FD, STDERR_FD = 200, 201, 202

BOOT = f"""\
PS1= PS2= PROMPT_COMMAND=; unset HISTFILE MAILCHECK; set +o history +H; \
exec {STDOUT_FD}>&1 {STDERR_FD}>&2; _cellblock_status() {{ return "$1"; }}
"""

# Asks the client for what a cell reads from its standard input, and leaves every other `read` alone. Its variables have
# long names, for `read NAME` must set the caller's. An answer begins with `+`; a `-` is the end of the input. The paths are
# put in by `questions`.
READ = """\
read() {
    if ! [[ /dev/stdin -ef STDIN ]]; then builtin read "$@"; return; fi
    local _cellblock_flag= _cellblock_prompt= _cellblock_secret=0 _cellblock_other= _cellblock_wait=() \
        _cellblock_there= OPTIND=1 OPTARG= OPTERR=0
    while builtin getopts ersa:d:i:n:N:p:t:u: _cellblock_flag; do
        case $_cellblock_flag in
            p) _cellblock_prompt=$OPTARG ;;
            s) _cellblock_secret=1 ;;
            t) _cellblock_wait=(-t "$OPTARG") ;;
            u) _cellblock_other=1 ;;
        esac
    done
    if [[ $_cellblock_other ]]; then builtin read "$@"; return; fi
    builtin printf '%s %s\\0' "$_cellblock_secret" "${_cellblock_prompt:0:1000}" >ASK
    builtin read -r -n 1 "${_cellblock_wait[@]}" _cellblock_there <ANSWER
    local _cellblock_status=$?
    if ((_cellblock_status > 128)); then return $_cellblock_status; fi
    if [[ $_cellblock_there == - ]]; then builtin read "$@" </dev/null; return; fi
    builtin read "$@" <ANSWER
}
"""


def run(cell: int, fence: str, last_status: int, path: str, stdin: str, prelude: str | None) -> bytes:
    """The line that says `began`, runs the file and says `done`.

    `$?` is what the last cell left; the operator is the one that goes on from there, also under `set -e`.
    """
    first = f". {shlex.quote(prelude)}; " if prelude else ""
    operator = "||" if last_status else "&&"
    closed = f"{STATUS_FD}>&- {STDOUT_FD}>&- {STDERR_FD}>&-"
    return (
        f"\\builtin printf 'began {cell} 0 -\\0' >&{STATUS_FD}; {first}"
        f"_cellblock_status {last_status} {operator} . {shlex.quote(path)} <{shlex.quote(stdin)} {closed}; "
    ).encode() + report("done", cell, fence)


def report(word: str, cell: int, fence: str) -> bytes:
    """The line that says how a cell ended, and fences its output. Also ends tracing, so that no line of ours is shown."""
    return (
        f"{{ \\builtin printf '{word} {cell} %s %s\\0' \"$?\" \"$-\" >&{STATUS_FD}; \\builtin set +xv; "
        f"\\builtin printf '{fence}' >&{STDOUT_FD}; \\builtin printf '{fence}' >&{STDERR_FD}; }} 2>/dev/null\n"
    ).encode()


def cell(code: str, tracing: str) -> str:
    """The file's text. On the first line, so that Bash's line numbers are the code's."""
    return f"set -{tracing}; {code}\n" if tracing else f"{code}\n"
