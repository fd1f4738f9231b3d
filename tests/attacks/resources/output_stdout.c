// attack: output without end
// stopped by: the output limit
// expect: output_limit
// like: Piston runaway output
#include <stdio.h>

int main(void) {
    for (;;) puts("output output output output output output output output output output output output");
}
