// Requests to the server, and the stream of what happens.

import { language, parsed, tr } from "./texts.js";

/** An answer that is none; its message is a sentence for people. */
export class ApiError extends Error {
  constructor(status, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Ask the server; resolves to the answer's JSON, or null where it has none. */
export async function request(path, { method = "GET", body, signal } = {}) {
  const options = { method, signal, headers: { Accept: "application/json", "Accept-Language": language() } };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, tr("The server does not answer. Is it running, and is the network there?"));
  }
  const text = await response.text();
  let answer = null;
  try {
    answer = text ? parsed(text) : null;
  } catch {
    throw new ApiError(response.status, tr("The server answered with something else than data ({status}).", { status: response.status }));
  }
  if (response.ok) return answer;
  const sentence = answer?.error ?? tr("The server refused this ({status}).", { status: response.status });
  throw new ApiError(response.status, sentence, response.headers.get("Retry-After"));
}

const FIRST_WAIT_S = 1;
const LONGEST_WAIT_S = 15;
// A server with a pulse says something at least this often.
const SILENT_S = 15;
const LOG_IN_AGAIN = 4401;
const GONE = 4404;
const FORBIDDEN = 4403;

/**
 * A WebSocket that comes back by itself. `take` is given each message; a `state` event is told with
 * every change of `state`: connecting, open, lost (`retryAt` tells when it is tried again), refused
 * (log in again), forbidden, gone (no such call).
 */
export class Feed extends EventTarget {
  #path;
  #take;
  #socket = null;
  #timer = 0;
  #watchdog = 0;
  #failures = 0;
  #pulse = false;
  #heardAt = 0;
  state = "connecting";
  retryAt = 0;

  constructor(path, take) {
    super();
    this.#path = path;
    this.#take = take;
    this.open();
    addEventListener("online", this.#now);
    document.addEventListener("visibilitychange", this.#now);
    this.#watchdog = setInterval(() => this.#watch(), 1000);
  }

  /** Connect, now. */
  open() {
    clearTimeout(this.#timer);
    this.#drop();
    this.#tell("connecting");
    const address = new URL(this.#path, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.#socket = socket;
    this.#heardAt = performance.now();
    socket.onmessage = ({ data }) => {
      this.#heardAt = performance.now();
      const message = parsed(data);
      if (message.type === "alive") {
        this.#pulse = true;
        return;
      }
      if (message.type === "snapshot") {
        this.#failures = 0;
        this.#tell("open");
      }
      this.#take(message);
    };
    socket.onclose = ({ code }) => this.#lost(code);
  }

  /** Listen no more. */
  close() {
    clearTimeout(this.#timer);
    clearInterval(this.#watchdog);
    removeEventListener("online", this.#now);
    document.removeEventListener("visibilitychange", this.#now);
    this.#drop();
  }

  #now = () => {
    if (this.state === "lost" && !document.hidden) this.open();
  };

  #watch() {
    if (this.state === "open" && this.#pulse && performance.now() - this.#heardAt > 1000 * SILENT_S) {
      this.#drop();
      this.#lost(1006);
    }
  }

  #drop() {
    if (!this.#socket) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #lost(code) {
    this.#socket = null;
    const final = { [LOG_IN_AGAIN]: "refused", [FORBIDDEN]: "forbidden", [GONE]: "gone" }[code];
    if (final) {
      this.#tell(final);
      return;
    }
    const wait = Math.min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** this.#failures) * (0.8 + 0.4 * Math.random());
    this.#failures += 1;
    this.retryAt = performance.now() + 1000 * wait;
    this.#timer = setTimeout(() => this.open(), 1000 * wait);
    this.#tell("lost");
  }

  #tell(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
