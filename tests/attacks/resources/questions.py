# attack: questions without end, each a page long
# stopped by: the end of the input, the output limit, the deadline
# expect: timeout, output_limit
# timeout: 5
# within: 30
# stdin: an answer
while True:
    try:
        input("x" * 10_000)
    except EOFError:
        pass
