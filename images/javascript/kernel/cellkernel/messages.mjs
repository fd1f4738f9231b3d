// Jupyter's messages, as frames.
//
// https://jupyter-client.readthedocs.io/en/stable/messaging.html, protocol 5.3.

import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

export const PROTOCOL = '5.3';
const DELIMITER = Buffer.from('<IDS|MSG>');

/** Signs what goes out with the key of the connection file, and lets nothing in that is not signed with it. */
export class Messages {
  #key;
  #session = randomUUID();

  constructor(key) {
    this.#key = key;
  }

  /** Frames for one message. */
  pack(identities, kind, content, parent) {
    const header = {
      msg_id: randomUUID(),
      session: this.#session,
      username: 'kernel',
      date: new Date().toISOString(),
      msg_type: kind,
      version: PROTOCOL,
    };
    const parts = [header, parent ?? {}, {}, content].map((part) => Buffer.from(JSON.stringify(part)));
    return [...identities, DELIMITER, Buffer.from(this.#sign(parts)), ...parts];
  }

  /** The message in these frames, or null if they are malformed or not signed with our key. */
  unpack(frames) {
    try {
      const at = frames.findIndex((frame) => DELIMITER.equals(frame));
      const parts = frames.slice(at + 2, at + 6);
      const expected = Buffer.from(this.#sign(parts));
      if (frames[at + 1].length !== expected.length || !timingSafeEqual(frames[at + 1], expected)) return null;
      const [header, , , content] = parts.map((part) => JSON.parse(part));
      return { identities: frames.slice(0, at), header, content };
    } catch {
      return null;
    }
  }

  #sign(parts) {
    if (!this.#key) return '';
    const mac = createHmac('sha256', this.#key);
    for (const part of parts) mac.update(part);
    return mac.digest('hex');
  }
}
