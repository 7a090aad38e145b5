// All that was heard of one call, running or past: for each party its answers and its levels.

import { Decisions, Levels, STATES } from "./series.js";

export const HISTORY_S = 4 * 3600;
const CELL_S = 0.1;

/** One party: its name, its role, whether emotion is inferred, answers and levels. */
class Party {
  constructor({ stream, name, role, emotion }, labels, hopS) {
    this.stream = stream ?? name;
    this.role = role ?? null;
    this.infers = emotion !== false;
    this.decisions = new Decisions(labels, hopS, HISTORY_S);
    this.levels = new Levels(CELL_S, HISTORY_S);
  }
}

/** `version` changes with everything that is drawn. */
export class CallHistory {
  version = 0;
  endS = 0;
  truncated = false;
  #parties = new Map();

  constructor(labels, hopS, streams = []) {
    this.labels = labels;
    this.hopS = hopS;
    this.declare(streams);
  }

  /** A past call, from its export. */
  static ofSession(session) {
    const { labels, windows, streams } = session;
    const history = new CallHistory(labels, hopOf(windows), streams);
    // Of a call that was not recorded only the decisions are known.
    for (const window of windows.length ? windows : decided(session.segments)) history.#decide(window);
    history.endS = session.duration_s;
    return history;
  }

  /** The parties, the customer first. */
  get parties() {
    const rank = (party) => (party.role === "customer" ? 0 : party.infers ? 1 : 2);
    return [...this.#parties.values()].sort((one, other) => rank(one) - rank(other));
  }

  /** Which parties there are; those that are known keep what they said. */
  declare(streams) {
    for (const about of streams) {
      const party = new Party(about, this.labels, this.hopS);
      const known = this.#parties.get(party.stream);
      if (known) [known.role, known.infers] = [party.role ?? known.role, party.infers];
      else this.#parties.set(party.stream, party);
    }
    this.version += 1;
  }

  /** The past of a running call, as far as the server holds it. */
  fill({ predictions = [], levels = [], truncated = false }) {
    for (const prediction of predictions) this.#decide(prediction);
    for (const cells of levels) this.#heard(cells);
    this.truncated = truncated;
    this.version += 1;
  }

  /** Take over one message. */
  apply(message) {
    if (message.type === "prediction") this.#decide(message);
    else if (message.type === "levels") this.#heard(message);
    else return;
    this.version += 1;
  }

  /** The party of a stream; of one that nobody declared, too. */
  party(stream) {
    if (!this.#parties.has(stream)) this.declare([{ stream }]);
    return this.#parties.get(stream);
  }

  #decide(prediction) {
    if (this.party(prediction.stream).decisions.add(prediction)) this.endS = Math.max(this.endS, prediction.end_s);
  }

  #heard(cells) {
    const { levels } = this.party(cells.stream);
    levels.add(cells);
    this.endS = Math.max(this.endS, levels.endS);
  }
}

/** An answer each half second, from segments. */
function decided(segments) {
  const hop = hopOf([]);
  return segments.flatMap(({ stream, start_s: start, end_s: end, label, confidence }) => {
    const state = STATES.includes(label) ? label : "speech";
    const answer = { stream, state, label: state === "speech" ? label : null, confidence };
    const count = Math.max(1, Math.round((end - start) / hop));
    return Array.from({ length: count }, (_, k) => ({ ...answer, start_s: start + k * hop, end_s: start + (k + 1) * hop }));
  });
}

/** The time between two windows of a stream, by the most frequent difference. */
function hopOf(windows) {
  const counts = new Map();
  const last = new Map();
  for (const { stream, start_s: start } of windows) {
    if (last.has(stream)) {
      const hop = (start - last.get(stream)).toFixed(2);
      counts.set(hop, (counts.get(hop) ?? 0) + 1);
    }
    last.set(stream, start);
  }
  const [hop] = [...counts].reduce((best, one) => (one[1] > best[1] ? one : best), ["0.5", 0]);
  return Math.max(0.1, Number(hop));
}
