// attack: a loop that leaves the event loop no turn
// stopped by: an interrupt, or a kill of all
// expect: timeout
// timeout: 3
// within: 20
process.on("SIGINT", () => {});
for (;;) ;
