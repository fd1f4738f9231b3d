# Starts IRkernel with an executor that keeps to Jupyter's protocol where IRkernel's own does not:
#
# - a value is an execute_result, not display_data;
# - an interrupted cell is an error; IRkernel replies with the status "abort", which no client knows;
# - `quit` ends the cell, with its status as the error's value; IRkernel would go on to the next line;
# - `readline` is empty at once for a client that cannot be asked; IRkernel would wait for ever;
# - a message is followed by one line end, not two.
#
# All of it is local: the code to come finds an empty workspace.
local({
    # It would note that codetools, which checks methods, is not here.
    Executor <- suppressMessages(setRefClass("CellblockExecutor",
        contains = IRkernel:::Executor$className,
        # Where the methods that it inherits find what they call.
        where = new.env(parent = asNamespace("IRkernel")),
        fields = list(is_result = "logical", exit_status = "integer"),
        methods = list(
            execute = function(request) {
                exit_status <<- integer()
                is_result <<- FALSE
                callSuper(request)
            },
            handle_message = function(o) stream(conditionMessage(o), "stderr"),
            handle_value = function(obj, visible) {
                is_result <<- TRUE
                on.exit(is_result <<- FALSE)
                callSuper(obj, visible)
            },
            readline = function(prompt = "") {
                if (!isTRUE(current_request$content$allow_stdin)) return("")
                line <- callSuper(prompt)
                # How a client says that there is no more input: what frontends of ipykernel send for Ctrl-D.
                if (identical(line, "\004")) "" else line
            },
            quit = function(save = "default", status = 0, runLast = TRUE) {
                exit_status <<- as.integer(status)
                evaluate::flush_console()
                # To IRkernel it is an interrupt: no handler of the cell's catches that by accident.
                signalCondition(structure(class = c("interrupt", "condition"), list(message = "quit", call = NULL)))
            },
            # How a cell failed that ended before its last line; nothing if it meant to, and well.
            failure = function() {
                if (length(exit_status) == 0) {
                    list(ename = "KeyboardInterrupt", evalue = "", traceback = list("interrupted"))
                } else if (exit_status != 0) {
                    text <- as.character(exit_status)
                    list(ename = "ExitStatus", evalue = text, traceback = list(paste("exit status", text)))
                }
            }
        )
    ))

    kernel <- IRkernel:::Kernel$new(connection_file = commandArgs(TRUE)[[1]])

    respond <- function(kind, request, socket, content) {
        if (kind == "display_data" && executor$is_result) {
            kind <- "execute_result"
            content$execution_count <- executor$execution_count
        }
        if (kind == "execute_reply" && content$status == "abort") {
            content <- end_early(request)
        }
        kernel$send_response(kind, request, socket, content)
    }

    end_early <- function(request) {
        failure <- executor$failure()
        count <- list(execution_count = executor$execution_count)
        if (is.null(failure)) {
            return(c(list(status = "ok"), count, list(payload = list(), user_expressions = IRkernel:::namedlist())))
        }
        if (!executor$is_silent()) {
            kernel$send_response("error", request, "iopub", failure)
        }
        c(list(status = "error"), count, failure)
    }

    # Kept: when the executor that this replaces is collected, it detaches an environment that both need.
    replaced <- kernel$executor
    executor <- Executor$new(
        send_response = respond,
        handle_stdin = kernel$handle_stdin,
        abort_queued_messages = kernel$abort_queued_messages
    )
    kernel$executor <- executor
    kernel$run()
})
