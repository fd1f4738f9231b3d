// The kernel's end of a connection file: five sockets in a thread of their own.
//
// User code has the main thread for itself and may keep it busy for ever. Interrupts, heartbeats and output go on here all
// the same, and what user code does to its globals, it does not do to this thread's.
//
//     main thread                           this thread
//     cells, user code  ◄── execute, interrupt, complete ──  shell, control, hb, stdin
//                       ── stream, publish, ask, done ──►    iopub, replies
//
// A busy main thread is stopped through V8's debugger, as the pause button of a browser does it: `terminateExecution`
// unwinds whatever runs, in a loop, a callback or a microtask, and no `catch` can hold it.

import { readFileSync } from 'node:fs';
import inspector from 'node:inspector';
import { parentPort, workerData } from 'node:worker_threads';
import zmq from '../node_modules/zeromq/lib/index.js';
import { Messages, PROTOCOL } from './messages.mjs';
import { Outbox } from './outbox.mjs';
import { released, TOLD } from './shared.mjs';

// How long an interrupted main thread may take to end its cell by itself, and how often it is told again.
const INTERRUPT_MS = 25;
const LINGER_MS = 500;

const connection = JSON.parse(readFileSync(workerData.connectionFile));
const { shared, answers, info } = workerData;
const messages = new Messages(connection.key);

const shell = new zmq.Router({ linger: LINGER_MS });
const control = new zmq.Router({ linger: LINGER_MS });
const stdin = new zmq.Router({ linger: LINGER_MS });
const heart = new zmq.Reply();
// No output may be dropped because a client reads slowly.
const iopub = new zmq.Publisher({ linger: LINGER_MS, sendHighWaterMark: 0 });

const outbox = new Outbox(
  (kind, content, parent) => iopub.send(messages.pack([Buffer.from(kind)], kind, content, parent)),
  (characters) => released(shared, characters),
);

/** Replies wait for what was published before them. */
async function respond(socket, request, content) {
  await socket.send(messages.pack(request.identities, request.header.msg_type.replace('_request', '_reply'), content, request.header));
}

// ── What the main thread says ──

let count = 0;
let running = null; // The execution under way: its request, and what ends the wait for it.
let parent = {}; // Whose output it is that comes now.
const history = [];
const asked = new Map(); // Questions to the main thread that are not executions.

const heard = {
  ready: () => ready.resolve(),
  stream: ({ name, text }) => outbox.stream(name, text, parent),
  publish: ({ kind, content }) => outbox.publish(kind, content, parent),
  done: ({ outcome }) => running?.ended(outcome),
  told: ({ id, content }) => asked.get(id)?.(content),
  exit: () => stop('exit'),
  ask: (question) => ask(question),
};
const ready = Promise.withResolvers();
parentPort.on('message', (message) => heard[message.do](message));

/** How a client says that there is no more input: what frontends of ipykernel send for Ctrl-D. */
const END_OF_INPUT = '\x04';

/** Asks the client for a line. Without one, as if the input had ended. */
async function ask({ prompt, password }) {
  const request = running?.request;
  if (!request?.content.allow_stdin) return answer(null);
  await stdin.send(messages.pack(request.identities, 'input_request', { prompt, password }, request.header));
}

function answer(line) {
  answers.postMessage(line);
  Atomics.add(shared, TOLD, 1);
  Atomics.notify(shared, TOLD);
}

function tell(id, message) {
  const { promise, resolve } = Promise.withResolvers();
  asked.set(id, resolve);
  parentPort.postMessage({ ...message, id });
  return promise.finally(() => asked.delete(id));
}

// ── Interrupts ──

const debug = new inspector.Session();
debug.connectToMainThread();

/** Ends the cell that runs, for `reason`; does nothing between cells. Told again until it has ended. */
async function stop(reason) {
  const cell = running;
  if (!cell || cell.stopping) return;
  cell.stopping = true;
  while (running === cell) {
    parentPort.postMessage({ do: 'stop', reason });
    if (reason !== 'exit') await new Promise((resolve) => setTimeout(resolve, INTERRUPT_MS));
    if (running !== cell) return;
    debug.post('Runtime.terminateExecution');
    await new Promise((resolve) => setTimeout(resolve, INTERRUPT_MS));
  }
}

// ── Answers ──

async function execute(request) {
  const { code, silent = false, store_history: remembers = true } = request.content;
  parent = request.header;
  if (!silent) {
    count += 1;
    outbox.publish('execute_input', { code, execution_count: count }, parent);
    if (remembers) history.push([0, count, code]);
  }
  const outcome = await new Promise((resolve) => {
    running = { request, ended: resolve, stopping: false };
    parentPort.postMessage({ do: 'execute', code, count });
  });
  running = null;
  await outbox.settled();
  if (outcome.error) {
    if (!silent) outbox.publish('error', outcome.error, parent);
    return { status: 'error', execution_count: count, ...outcome.error };
  }
  if (outcome.data && !silent) {
    outbox.publish('execute_result', { data: outcome.data, metadata: {}, execution_count: count }, parent);
  }
  return { status: 'ok', execution_count: count, payload: [], user_expressions: {} };
}

const replies = {
  execute_request: execute,
  kernel_info_request: async () => {
    await ready.promise;
    return {
      status: 'ok',
      protocol_version: PROTOCOL,
      implementation: 'cellblock-node',
      implementation_version: '1',
      banner: `Node.js ${process.version}`,
      language_info: info,
      help_links: [{ text: 'Node.js', url: 'https://nodejs.org/docs/latest/api/' }],
    };
  },
  complete_request: ({ content }) => tell('complete', { do: 'complete', code: content.code, at: content.cursor_pos }),
  inspect_request: ({ content }) => tell('inspect', { do: 'inspect', code: content.code, at: content.cursor_pos }),
  is_complete_request: ({ content }) => tell('is_complete', { do: 'isComplete', code: content.code }),
  history_request: ({ content }) => ({ status: 'ok', history: history.slice(-(content.n || history.length || 1)) }),
  comm_info_request: () => ({ status: 'ok', comms: {} }),
  interrupt_request: () => {
    stop('interrupt');
    return { status: 'ok' };
  },
  shutdown_request: ({ content }) => ({ status: 'ok', restart: content.restart ?? false }),
};

async function handle(socket, request) {
  const make = replies[request.header.msg_type];
  if (!make) return;
  outbox.publish('status', { execution_state: 'busy' }, request.header);
  const content = await make(request);
  await outbox.settled();
  await respond(socket, request, content);
  outbox.publish('status', { execution_state: 'idle' }, request.header);
  await outbox.settled();
  if (request.header.msg_type === 'shutdown_request') end();
  return content.status;
}

/** What was queued behind an execution that failed is not run. */
async function abort(request) {
  outbox.publish('status', { execution_state: 'busy' }, request.header);
  await outbox.settled();
  await respond(shell, request, { status: 'aborted', execution_count: count });
  outbox.publish('status', { execution_state: 'idle' }, request.header);
}

function end() {
  debug.disconnect();
  for (const socket of [shell, control, stdin, iopub, heart]) socket.close();
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50);
}

// ── The sockets ──

const queue = [];
let queued = Promise.withResolvers();

async function readShell() {
  for await (const frames of shell) {
    const request = messages.unpack(frames);
    if (request) queue.push(request);
    queued.resolve();
  }
}

async function serveShell() {
  for (;;) {
    await queued.promise;
    queued = Promise.withResolvers();
    while (queue.length) {
      const request = queue.shift();
      // Looked at before the answer is sent: what a client sends once it knows of the failure is not meant.
      const status = await handle(shell, request);
      const stops = request.header.msg_type === 'execute_request' && (request.content.stop_on_error ?? true);
      if (status !== 'error' || !stops) continue;
      for (const waiting of queue.splice(0)) {
        if (waiting.header.msg_type === 'execute_request') await abort(waiting);
        else await handle(shell, waiting);
      }
    }
  }
}

async function serveControl() {
  for await (const frames of control) {
    const request = messages.unpack(frames);
    if (request) await handle(control, request);
  }
}

async function serveStdin() {
  for await (const frames of stdin) {
    const reply = messages.unpack(frames);
    if (reply?.header.msg_type !== 'input_reply') continue;
    const line = String(reply.content.value ?? '');
    answer(line === END_OF_INPUT ? null : line);
  }
}

async function beat() {
  for await (const frames of heart) await heart.send(frames);
}

const address = (port) => `${connection.transport}://${connection.ip}${connection.transport === 'ipc' ? '-' : ':'}${port}`;
await Promise.all([
  shell.bind(address(connection.shell_port)),
  control.bind(address(connection.control_port)),
  stdin.bind(address(connection.stdin_port)),
  iopub.bind(address(connection.iopub_port)),
  heart.bind(address(connection.hb_port)),
]);
outbox.publish('status', { execution_state: 'starting' }, {});
for (const serve of [readShell, serveShell, serveControl, serveStdin, beat]) serve();
