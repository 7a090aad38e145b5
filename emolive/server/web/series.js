// What one party said over time, in typed arrays that grow up to a bound and then forget the oldest.

export const NO_LABEL = 255;
export const STATES = ["speech", "silence", "uncertain", "not_inferred"];
const SPEECH = 0;
const FIRST_ROOM = 512;
// A skipped window or two are bridged; a longer absence is a hole.
const BRIDGED_HOPS = 3.4;

/** Rows of named columns: `kinds` gives each column's array type and how many values a row has. */
class Table {
  #kinds;
  #most;
  count = 0;
  forgotten = 0;

  constructor(kinds, most) {
    this.#kinds = kinds;
    this.#most = most;
    for (const [name, [Type, width]] of Object.entries(kinds)) this[name] = new Type(FIRST_ROOM * width);
    this.room = FIRST_ROOM;
  }

  /** Make room for one row at the end; its index. */
  extend() {
    if (this.count === this.room) this.#makeRoom();
    this.count += 1;
    return this.count - 1;
  }

  #makeRoom() {
    const kinds = Object.entries(this.#kinds);
    if (this.room < this.#most) {
      this.room = Math.min(this.#most, 2 * this.room);
      for (const [name, [Type, width]] of kinds) {
        const larger = new Type(this.room * width);
        larger.set(this[name]);
        this[name] = larger;
      }
      return;
    }
    const away = this.room >> 2;
    for (const [name, [, width]] of kinds) this[name].copyWithin(0, away * width);
    this.count -= away;
    this.forgotten += away;
  }
}

/** Index of the first of the ascending `values[0..count)` that is not below `at`. */
export function lowerBound(values, count, at) {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The answers of one stream: middle of the window, state, label, probabilities. */
export class Decisions {
  constructor(labels, hopS, historyS) {
    this.labels = labels;
    this.hopS = hopS;
    const kinds = {
      at: [Float64Array, 1],
      state: [Uint8Array, 1],
      label: [Uint8Array, 1],
      confidence: [Float32Array, 1],
      shares: [Float32Array, labels.length],
    };
    this.table = new Table(kinds, Math.ceil(historyS / hopS));
  }

  get lastS() {
    return this.table.count ? this.table.at[this.table.count - 1] : -Infinity;
  }

  /** Enter an answer; one that is not newer than the last is known already. */
  add({ start_s: start, end_s: end, state, label, confidence, probabilities }) {
    const at = (start + end) / 2;
    if (at <= this.lastS) return false;
    const row = this.table.extend();
    const { table, labels } = this;
    table.at[row] = at;
    table.state[row] = Math.max(0, STATES.indexOf(state));
    const index = label == null ? -1 : labels.indexOf(label);
    table.label[row] = index < 0 ? NO_LABEL : index;
    table.confidence[row] = confidence ?? probabilities?.[label] ?? 0;
    for (let k = 0; k < labels.length; k += 1) {
      table.shares[row * labels.length + k] = probabilities?.[labels[k]] ?? 0;
    }
    return true;
  }

  /** The answer nearest to a moment, or null. */
  nearest(at) {
    const { table, labels } = this;
    let row = lowerBound(table.at, table.count, at);
    if (row && (row === table.count || at - table.at[row - 1] < table.at[row] - at)) row -= 1;
    if (row === table.count || Math.abs(table.at[row] - at) > 1.5 * this.hopS) return null;
    return {
      at: table.at[row],
      state: STATES[table.state[row]],
      label: labels[table.label[row]] ?? null,
      confidence: table.confidence[row],
      shares: table.shares.subarray(row * labels.length, (row + 1) * labels.length),
    };
  }

  /**
   * Answers that touch `[from, to)`, at most one for each `columnS`: mean probabilities, most
   * frequent decision. `step` is the time that one of them stands for.
   */
  rows(from, to, columnS) {
    const { table } = this;
    const step = Math.max(this.hopS, columnS);
    const first = lowerBound(table.at, table.count, from - 4 * step);
    const last = lowerBound(table.at, table.count, to + 4 * step);
    return columnS > this.hopS ? this.#condensed(first, last, columnS) : this.#plain(first, last);
  }

  #plain(first, last) {
    const { at, state, label, shares } = this.table;
    const n = this.labels.length;
    return {
      step: this.hopS,
      at: at.subarray(first, last),
      state: state.subarray(first, last),
      label: label.subarray(first, last),
      shares: shares.subarray(first * n, last * n),
    };
  }

  #condensed(first, last, columnS) {
    const { at, state, label, shares } = this.table;
    const n = this.labels.length;
    const found = { step: columnS, at: [], state: [], label: [], shares: [] };
    for (let row = first; row < last;) {
      const column = Math.floor(at[row] / columnS);
      const states = [0, 0, 0, 0];
      const votes = new Uint16Array(n);
      const sums = new Float64Array(n);
      let voiced = 0;
      for (; row < last && Math.floor(at[row] / columnS) === column; row += 1) {
        states[state[row]] += 1;
        if (label[row] !== NO_LABEL) votes[label[row]] += 1;
        if (!answered(state[row])) continue;
        voiced += 1;
        for (let k = 0; k < n; k += 1) sums[k] += shares[row * n + k];
      }
      const most = states.indexOf(Math.max(...states));
      found.at.push((column + 0.5) * columnS);
      found.state.push(most);
      found.label.push(most === SPEECH && n ? votes.indexOf(Math.max(...votes)) : NO_LABEL);
      for (let k = 0; k < n; k += 1) found.shares.push(voiced && answered(most) ? sums[k] / voiced : 0);
    }
    return found;
  }
}

/** Whether a state has probabilities. */
export const answered = (state) => state === SPEECH || STATES[state] === "uncertain";

const isHole = (rows, i) => rows.at[i] - rows.at[i - 1] > BRIDGED_HOPS * rows.step;

/** Index ranges `[first, last)` of answers with speech and no hole between them. */
export function stretches(rows) {
  const found = [];
  let first = 0;
  for (let i = 1; i <= rows.at.length; i += 1) {
    const voiced = answered(rows.state[first]);
    if (i < rows.at.length && !isHole(rows, i) && answered(rows.state[i]) === voiced) continue;
    if (voiced) found.push([first, i]);
    first = i;
  }
  return found;
}

/** Runs of equal decisions as `{start, end, state, label}`; they meet halfway between two answers. */
export function spans(rows) {
  const found = [];
  const { at, state, label, step } = rows;
  let first = 0;
  for (let i = 1; i <= at.length; i += 1) {
    const inside = i < at.length && !isHole(rows, i);
    if (inside && state[i] === state[first] && label[i] === label[first]) continue;
    const joined = first > 0 && !isHole(rows, first);
    found.push({
      start: joined ? (at[first - 1] + at[first]) / 2 : at[first] - step / 2,
      end: inside ? (at[i - 1] + at[i]) / 2 : at[i - 1] + step / 2,
      state: STATES[state[first]],
      label: label[first],
      index: first,
    });
    first = i;
  }
  return found;
}

/** Level, peak and speech of one stream, in cells of equal length. */
export class Levels {
  constructor(cellS, historyS) {
    this.cellS = cellS;
    this.first = 0;
    const kinds = { level: [Float32Array, 1], peak: [Float32Array, 1], speech: [Uint8Array, 1] };
    this.table = new Table(kinds, Math.ceil(historyS / cellS));
  }

  get endS() {
    return (this.first + this.table.forgotten + this.table.count) * this.cellS;
  }

  get empty() {
    return this.table.count === 0;
  }

  /** Enter consecutive cells; known ones are left out, missing ones stay empty. */
  add({ start_s: start, level_dbfs: levels, peak_dbfs: peaks, speech }) {
    const { table } = this;
    let cell = Math.round(start / this.cellS);
    if (this.empty) this.first = cell;
    let next = this.first + table.forgotten + table.count;
    for (let i = 0; i < levels.length; i += 1, cell += 1) {
      if (cell < next) continue;
      for (; next < cell; next += 1) this.#put(NaN, NaN, 0);
      this.#put(levels[i] ?? NaN, peaks[i] ?? NaN, speech[i]);
      next += 1;
    }
  }

  /** Per column of `columnS` seconds in `[from, to)`: middle, loudest level and peak, any speech. */
  columns(from, to, columnS) {
    const { table, cellS } = this;
    const wide = Math.max(columnS, cellS);
    const oldest = this.first + table.forgotten;
    const found = { step: wide, at: [], level: [], peak: [], speech: [] };
    const begin = Math.max(Math.floor(from / wide) - 1, Math.floor((oldest * cellS) / wide));
    const end = Math.min(Math.ceil(to / wide) + 1, Math.ceil(this.endS / wide));
    for (let column = begin; column < end; column += 1) {
      const start = Math.max(0, Math.round((column * wide) / cellS) - oldest);
      const stop = Math.min(table.count, Math.round(((column + 1) * wide) / cellS) - oldest);
      let [level, peak, speech] = [-Infinity, -Infinity, 0];
      for (let row = start; row < stop; row += 1) {
        if (table.level[row] > level) level = table.level[row];
        if (table.peak[row] > peak) peak = table.peak[row];
        speech |= table.speech[row];
      }
      found.at.push((column + 0.5) * wide);
      found.level.push(level === -Infinity ? null : level);
      found.peak.push(peak === -Infinity ? null : peak);
      found.speech.push(Boolean(speech));
    }
    return found;
  }

  #put(level, peak, speech) {
    const row = this.table.extend();
    this.table.level[row] = level;
    this.table.peak[row] = peak;
    this.table.speech[row] = speech ? 1 : 0;
  }
}
