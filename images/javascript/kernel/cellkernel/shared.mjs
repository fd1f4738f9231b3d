// What the two threads share: a few numbers in common memory, for a busy main thread hears no messages.

/** Characters of output that the main thread has written and no client has been sent yet. */
const UNSENT = 0;
/** Counts the answers to the main thread's questions. */
export const TOLD = 1;

// With more output than this unsent, the main thread waits: an endless print must not fill the memory.
const UNSENT_LIMIT = 4 * 1024 * 1024;

export const makeShared = () => new Int32Array(new SharedArrayBuffer(8));

/** Called by the main thread for what it has written. Waits while too much of it is unsent. */
export function written(shared, characters) {
  let unsent = Atomics.add(shared, UNSENT, characters) + characters;
  while (unsent > UNSENT_LIMIT) {
    Atomics.wait(shared, UNSENT, unsent);
    unsent = Atomics.load(shared, UNSENT);
  }
}

/** Called by the other thread for what it has sent. */
export function released(shared, characters) {
  Atomics.sub(shared, UNSENT, characters);
  Atomics.notify(shared, UNSENT);
}
