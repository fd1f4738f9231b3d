// A Jupyter kernel for JavaScript and TypeScript on Node.js: `node main.mjs CONNECTION_FILE [typescript]`.
//
// This is the main thread: it runs cells, and what it knows is theirs. `wire` is the other thread, and speaks Jupyter.
// An interrupt throws the queue of microtasks away, ours with the cell's. So an interrupted cell is ended by an event from the
// other thread, never by a promise.

import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { candidates, description } from './completion.mjs';
import { bundle, installDisplay } from './display.mjs';
import { installEnvironment } from './environment.mjs';
import { describe, exited, interrupted } from './failure.mjs';
import * as languages from './language.mjs';
import { makeShared, TOLD } from './shared.mjs';

const [connectionFile, languageName = 'javascript'] = process.argv.slice(2);
const language = languages[languageName];
const shared = makeShared();
const { port1: answers, port2 } = new MessageChannel();

const wire = new Worker(new URL('./wire.mjs', import.meta.url), {
  workerData: { connectionFile, shared, answers: port2, info: language.info },
  transferList: [port2],
});
/** Waits are short, one after the other: an interrupt that comes just as one begins may not end it. */
const WAIT_MS = 100;

const say = (message) => wire.postMessage(message);

/** Asks the client for a line and waits for it; null when there will be none. */
function ask(prompt, password) {
  const told = Atomics.load(shared, TOLD);
  while (receiveMessageOnPort(answers)); // An answer to a question of long ago.
  say({ do: 'ask', prompt, password });
  while (Atomics.wait(shared, TOLD, told, WAIT_MS) === 'timed-out');
  return receiveMessageOnPort(answers)?.message ?? null;
}

/** The cell that runs. It ends once, in whichever way comes first. */
let cell = null;

class Cell {
  /** What it has asked `process.exit` for. */
  status = 0;

  end(outcome) {
    if (cell !== this) return;
    cell = null;
    say({ do: 'done', outcome });
  }

  fail(error) {
    this.end({ error: describe(error) });
  }
}

function execute({ code, count }) {
  const current = new Cell();
  cell = current;
  environment.beginCell();
  const fail = (error) => current.fail(error);
  try {
    const value = language.compile(code, `${process.cwd()}/cell-${count}${language.info.file_extension}`).runInThisContext();
    const settled = Promise.resolve(value).then(async (result) => (await environment.quiet(), result));
    settled.then(bundle).then((data) => current.end({ data }), fail);
  } catch (error) {
    fail(error);
  }
}

/** The other thread has interrupted the cell, or has ended it as it asked for. */
function stop({ reason }) {
  if (!cell) return;
  environment.forgetTimers();
  if (reason === 'interrupt') cell.fail(interrupted());
  else if (cell.status) cell.fail(exited(cell.status));
  else cell.end({});
}

/** Ends the cell and no more: the kernel, and with it what other cells have made, stays. */
function exit(status) {
  if (!cell) return process.reallyExit(status);
  cell.status = status;
  say({ do: 'exit' });
  // Never notified: the other thread unwinds us out of here.
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (;;) Atomics.wait(never, 0, 0, WAIT_MS);
}

const environment = installEnvironment({ say, shared, ask, exit });
installDisplay((kind, content) => say({ do: 'publish', kind, content }));

/** An error that nobody caught fails the cell that runs; between cells it is output. */
function uncaught(error) {
  if (cell) cell.fail(error);
  else process.stderr.write(`Uncaught ${describe(error).traceback.join('\n')}\n`);
}
process.on('uncaughtException', uncaught);
process.on('unhandledRejection', uncaught);
// Interrupts come as messages; a signal is for what the cell has started.
process.on('SIGINT', () => {});

const heard = {
  execute,
  stop,
  complete: ({ id, code, at }) => say({ do: 'told', id, content: candidates(code, at) }),
  inspect: ({ id, code, at }) => say({ do: 'told', id, content: description(code, at) }),
  isComplete: ({ id, code }) => say({ do: 'told', id, content: { status: language.completeness(code) } }),
};
wire.on('message', (message) => heard[message.do](message));

// What the first cell would have to load, it finds loaded.
language.compile('await 0; 1', 'warm-up').runInThisContext().then(bundle);
say({ do: 'ready' });
