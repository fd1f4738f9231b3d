// How values look: `display` in user code, and the value of a cell.
//
//     display(value)               as the value of a cell would be shown
//     display.html('<b>hi</b>')    .svg .markdown .latex .json .png(bytes) .jpeg(bytes)
//     const shown = display(1); shown.update(2)
//     display.clear()
//
// A value that knows better has a method [Symbol.for('Jupyter.display')], as in Deno, which gives a MIME bundle.

import { randomUUID } from 'node:crypto';
import util from 'node:util';

const DISPLAY = Symbol.for('Jupyter.display');
const MIME = /^[a-z]+\/[a-z0-9.+-]+$/;
const INSPECT = { depth: 4, maxArrayLength: 500, maxStringLength: 100_000 };

/** The MIME bundle for a value; none for undefined. */
export function bundle(value) {
  if (value === undefined) return undefined;
  if (typeof value?.[DISPLAY] === 'function') return Promise.resolve(value[DISPLAY]()).then(complete);
  return isBundle(value) ? complete(value) : { 'text/plain': util.inspect(value, INSPECT) };
}

/** A plain object whose keys are all MIME types is meant as a bundle. */
function isBundle(value) {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key) => MIME.test(key));
}

/** Bytes become base64, and every bundle has text for those who can show nothing else. */
function complete(data) {
  const entries = Object.entries(data).map(([kind, value]) => [kind, ArrayBuffer.isView(value) ? base64(value) : value]);
  return { 'text/plain': `<${entries.map(([kind]) => kind).join(', ')}>`, ...Object.fromEntries(entries) };
}

const base64 = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** Makes `display` a global. `publish(kind, content)` tells the clients. */
export function installDisplay(publish) {
  const show = (kind, value, { metadata = {}, id }) => {
    const send = (data) => publish(kind, { data: data ?? { 'text/plain': 'undefined' }, metadata, transient: { display_id: id } });
    const data = bundle(value);
    return typeof data?.then === 'function' ? data.then(send) : send(data);
  };
  const display = (value, { id = randomUUID(), metadata } = {}) => {
    const waiting = show('display_data', value, { id, metadata });
    const update = (next, more) => show('update_display_data', next, { ...more, id });
    return { id, update, then: waiting && ((...both) => waiting.then(() => undefined).then(...both)), [DISPLAY]: undefined };
  };
  const kinds = {
    html: 'text/html',
    markdown: 'text/markdown',
    latex: 'text/latex',
    json: 'application/json',
    svg: 'image/svg+xml',
    png: 'image/png',
    jpeg: 'image/jpeg',
  };
  for (const [name, kind] of Object.entries(kinds)) {
    display[name] = (value, more) => display({ [kind]: value }, more);
  }
  display.clear = ({ wait = false } = {}) => publish('clear_output', { wait });
  Object.defineProperty(globalThis, 'display', { value: display, writable: true, configurable: true, enumerable: false });
}
