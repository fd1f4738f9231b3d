// What is published, one after the other, and output gathered into pieces worth a message.

// A piece is sent when it is this long, or this old, whichever comes first: a hundred thousand lines become a few hundred
// messages, and a person sees no delay.
const PIECE_CHARACTERS = 64 * 1024;
const PIECE_MS = 5;

export class Outbox {
  #send;
  #sent;
  #last = Promise.resolve();
  #piece = null;
  #timer = null;

  /** `send(kind, content, parent)` resolves when it has been sent; `sent(characters)` hears of output that has. */
  constructor(send, sent) {
    this.#send = send;
    this.#sent = sent;
  }

  /** Neighbouring pieces of one stream are joined. The order of all that comes in is kept. */
  stream(name, text, parent) {
    if (this.#piece && (this.#piece.name !== name || this.#piece.parent !== parent)) this.#flush();
    this.#piece ??= { name, parent, texts: [], characters: 0 };
    this.#piece.texts.push(text);
    this.#piece.characters += text.length;
    if (this.#piece.characters >= PIECE_CHARACTERS) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), PIECE_MS);
  }

  publish(kind, content, parent) {
    this.#flush();
    this.#queue(kind, content, parent);
  }

  /** Resolves when everything so far has been sent. */
  settled() {
    this.#flush();
    return this.#last;
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#piece) return;
    const { name, parent, texts, characters } = this.#piece;
    this.#piece = null;
    this.#queue('stream', { name, text: texts.join('') }, parent);
    this.#last = this.#last.then(() => this.#sent(characters));
  }

  #queue(kind, content, parent) {
    this.#last = this.#last.then(() => this.#send(kind, content, parent));
  }
}
