// What user code finds around itself: the globals of a Node program, with input, output and exit that reach the client.

import { createRequire, registerHooks } from 'node:module';
import path from 'node:path';
import { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { pathToFileURL } from 'node:url';
import { written } from './shared.mjs';

/** `say` tells the other thread, `ask` waits for a line, `exit` ends the cell. */
export function installEnvironment({ say, shared, ask, exit }) {
  for (const name of ['stdout', 'stderr']) {
    process[name].write = writer((text) => {
      say({ do: 'stream', name, text });
      written(shared, text.length);
    });
  }
  const timers = installTimers();
  installModules();
  installExit(exit);
  globalThis.prompt = (text = '', preset = null) => ask(String(text), false) ?? preset;
  const input = installInput(ask);
  return { ...timers, beginCell: input };
}

/** A `write` of a stream, of text or bytes in any encoding; bytes that are no UTF-8 become U+FFFD. */
function writer(emit) {
  const decoder = new StringDecoder('utf8');
  return (chunk, encoding, callback) => {
    if (typeof encoding === 'function') [encoding, callback] = [undefined, encoding];
    const isText = typeof chunk === 'string' && (encoding === undefined || /^utf-?8$/i.test(encoding));
    const text = isText ? chunk : decoder.write(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    if (text) emit(text);
    if (callback) process.nextTick(callback);
    return true;
  };
}

/**
 * A cell is over when its timeouts are, as a program would be: `setTimeout(() => console.log('late'), 100)` is heard.
 * Intervals, servers and what is unreferenced are not waited for. `quiet` resolves when they are.
 */
function installTimers() {
  const { setTimeout: begin, clearTimeout: cancel, setImmediate: beginSoon } = globalThis;
  const pending = new Set();
  let wake = () => {};
  const over = (timer) => {
    pending.delete(timer);
    if (pending.size === 0) wake();
  };
  const wrapped = (start) =>
    function (callback, ...rest) {
      if (typeof callback !== 'function') return start(callback, ...rest);
      const timer = start(
        function (...values) {
          try {
            return callback.apply(this, values);
          } finally {
            over(timer);
          }
        },
        ...rest,
      );
      pending.add(timer);
      return timer;
    };
  const define = (name, value, original) => {
    const symbols = Object.fromEntries(Object.getOwnPropertySymbols(original).map((key) => [key, original[key]]));
    globalThis[name] = Object.assign(value, symbols);
  };
  define('setTimeout', wrapped(begin), begin);
  define('setImmediate', wrapped(beginSoon), beginSoon);
  globalThis.clearTimeout = (timer) => {
    cancel(timer);
    const found = typeof timer === 'object' ? timer : [...pending].find((one) => +one === +timer);
    over(found);
  };
  const waited = () => [...pending].some((timer) => timer.hasRef?.() && !timer._destroyed);
  const quiet = () =>
    new Promise((resolve) => {
      const look = () => (waited() ? undefined : resolve());
      wake = () => process.nextTick(look);
      look();
    });
  const forgetTimers = () => {
    pending.forEach((timer) => cancel(timer));
    pending.clear();
  };
  return { quiet, forgetTimers };
}

/** `require`, and packages from the folders of NODE_PATH, which come first and count for `import` too. */
function installModules() {
  Object.defineProperty(globalThis, 'require', { get: () => createRequire(`${process.cwd()}/cell`), configurable: true });
  globalThis.module = { exports: {} };
  globalThis.exports = globalThis.module.exports;
  for (const name of ['__dirname', '__filename']) {
    const get = () => (name === '__dirname' ? process.cwd() : `${process.cwd()}/cell`);
    Object.defineProperty(globalThis, name, { get, configurable: true });
  }
  const folders = (process.env.NODE_PATH ?? '').split(path.delimiter).filter((folder) => path.basename(folder) === 'node_modules');
  if (folders.length === 0) return;
  registerHooks({
    resolve(specifier, context, next) {
      if (/^[./]|^[a-z]+:/.test(specifier) || context.parentURL?.includes('/node_modules/')) return next(specifier, context);
      for (const folder of folders) {
        try {
          return next(specifier, { ...context, parentURL: pathToFileURL(path.join(folder, '..', 'cell')).href });
        } catch (error) {
          if (!/MODULE_NOT_FOUND/.test(error.code)) throw error;
        }
      }
      return next(specifier, context);
    },
  });
}

function installExit(exit) {
  process.exit = (status = process.exitCode ?? 0) => {
    process.exitCode = undefined;
    process.emit('exit', status);
    exit(Number(status) & 255);
  };
}

/** A new `process.stdin` for every cell, for the old one may be at its end. A line is asked for when one is wanted. */
function installInput(ask) {
  return () => {
    const input = new Readable({
      read() {
        setImmediate(() => {
          const line = ask('', false);
          this.push(line === null ? null : `${line}\n`);
        });
      },
    });
    input.fd = 0;
    Object.defineProperty(process, 'stdin', { value: input, configurable: true, writable: true });
  };
}
