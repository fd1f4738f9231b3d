// attack: a promise that is never kept, with turns that never end
// stopped by: an interrupt, or a kill of all
// expect: timeout
// timeout: 3
// within: 20
const turn = () => setImmediate(turn);
turn();
await new Promise(() => {});
