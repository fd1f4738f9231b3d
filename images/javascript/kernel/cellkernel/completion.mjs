// Names that could stand where the cursor is, and what is known of the one that does.

import { createRequire } from 'node:module';
import util from 'node:util';

const CHAIN = /((?:[\p{ID_Start}$_][\p{ID_Continue}$]*\.)*)([\p{ID_Start}$_][\p{ID_Continue}$]*)?$/u;
const KEYWORDS = [
  'async', 'await', 'break', 'case', 'catch', 'class', 'const', 'continue', 'default', 'delete', 'else', 'export',
  'extends', 'false', 'finally', 'for', 'function', 'import', 'instanceof', 'let', 'new', 'null', 'return', 'static',
  'super', 'switch', 'this', 'throw', 'true', 'try', 'typeof', 'undefined', 'var', 'void', 'while', 'with', 'yield',
];

/** A `complete_reply`. */
export function candidates(code, at) {
  const [chain, , last = ''] = CHAIN.exec(code.slice(0, at));
  const found = chain.includes('.') ? namesOf(lookUp(chain.slice(0, -last.length - 1).split('.'))) : [...KEYWORDS, ...namesOf(globalThis)];
  const matches = [...new Set(found)].filter((name) => name.startsWith(last)).sort();
  return { status: 'ok', matches, cursor_start: at - last.length, cursor_end: at, metadata: {} };
}

/** An `inspect_reply`. */
export function description(code, at) {
  const rest = /^[\p{ID_Continue}$]*/u.exec(code.slice(at))[0];
  const [chain] = CHAIN.exec(code.slice(0, at) + rest);
  const value = chain ? lookUp(chain.split('.')) : undefined;
  if (value === undefined) return { status: 'ok', found: false, data: {}, metadata: {} };
  const text = typeof value === 'function' ? String(value) : util.inspect(value);
  return { status: 'ok', found: true, data: { 'text/plain': text.slice(0, 10_000) }, metadata: {} };
}

/** Follows names through what is there already. Getters are not run: they may do things. */
function lookUp(names) {
  let value = globalThis;
  for (const name of names) {
    const property = propertyOf(value, name);
    value = property?.get && value === globalThis && name === 'require' ? createRequire('/') : property?.value;
    if (value === undefined || value === null) return undefined;
  }
  return value;
}

function propertyOf(value, name) {
  for (let one = Object(value); one; one = Object.getPrototypeOf(one)) {
    const property = Object.getOwnPropertyDescriptor(one, name);
    if (property) return property;
  }
}

function namesOf(value) {
  const found = [];
  for (let one = value === undefined ? null : Object(value); one; one = Object.getPrototypeOf(one)) {
    found.push(...Object.getOwnPropertyNames(one).filter((name) => /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)));
  }
  return found;
}
