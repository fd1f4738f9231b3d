// How a cell's failure is told: name, message and the part of the stack that is the cell's.

import util from 'node:util';

const OURS = /\/cellkernel\/[a-z]+\.mjs|node:internal\/|^\s+at (async )?(Script\.runInThisContext|new Script) \(node:vm/;

/** Whatever was thrown, for `throw 1` and `throw null` are allowed. */
export function describe(thrown) {
  if (!util.types.isNativeError(thrown)) return describeValue(thrown);
  const name = String(thrown.name || 'Error');
  const message = String(thrown.message);
  return { ename: name, evalue: message, traceback: [...stackOf(thrown), ...causesOf(thrown)] };
}

function describeValue(thrown) {
  const text = util.inspect(thrown);
  // An error of another realm, or something that looks like one.
  if (typeof thrown?.stack === 'string') {
    return { ename: String(thrown.name ?? 'Error'), evalue: String(thrown.message ?? ''), traceback: thrown.stack.split('\n') };
  }
  return { ename: thrown?.constructor?.name ?? typeof thrown, evalue: text, traceback: [`Uncaught ${text}`] };
}

function stackOf(error) {
  return String(error.stack ?? error).split('\n').filter((line) => !(/^\s+at /.test(line) && OURS.test(line)));
}

function causesOf({ cause, errors }) {
  const inner = errors ?? (cause === undefined ? [] : [cause]);
  return inner.slice(0, 10).flatMap((one) => ['', 'Caused by:', ...describe(one).traceback]);
}

export function interrupted() {
  return { name: 'KeyboardInterrupt', message: '', stack: 'KeyboardInterrupt: interrupted' };
}

export function exited(status) {
  return { name: 'ExitStatus', message: String(status), stack: `exit status ${status}` };
}
