// In which order calls are shown: the urgent ones first, and calmly.

import { SEVERITIES } from "./appearance.js";

const RESORT_S = 3;
// Negative emotion counts in steps, and a step is left only when it is clearly left.
const STEP = 0.2;
const HOLD = 0.08;

/** Of the gravest alert nobody has seen to: 3 critical, 2 warning, 1 info, 0 none. */
export const severityRank = (call) =>
  call.waiting.reduce((rank, alert) => Math.max(rank, SEVERITIES.indexOf(alert.severity) + 1), 0);

/**
 * Sorts calls at most every few seconds; equals keep their places.
 *
 * First those with alerts nobody has seen to, by severity; then by how unpleasant it is, in steps;
 * those that are over go last. New calls go to the end until the next sorting.
 */
export class UrgencyOrder {
  #order = [];
  #steps = new Map();
  #sortedAt = -Infinity;

  /** Ids in the order to show; `now` in seconds, `hold` keeps the places. */
  arrange(calls, now, hold = false) {
    const order = this.#order.filter((id) => calls.has(id));
    const known = new Set(order);
    for (const id of calls.keys()) if (!known.has(id)) order.push(id);
    if (!hold && now - this.#sortedAt >= RESORT_S) {
      this.#sortedAt = now;
      this.#steps = new Map(order.map((id) => [id, this.#step(id, calls.get(id).negative)]));
      const keys = new Map(order.map((id) => [id, this.#key(calls.get(id))]));
      order.sort((one, other) => compare(keys.get(one), keys.get(other)));
    }
    this.#order = order;
    return order;
  }

  #key(call) {
    return [-severityRank(call), call.over ? 1 : 0, -this.#steps.get(call.id)];
  }

  #step(id, negative) {
    const before = this.#steps.get(id);
    const step = Math.floor(negative / STEP);
    if (before === undefined || step === before) return step;
    const edge = STEP * Math.max(step, before);
    return Math.abs(negative - edge) >= HOLD || Math.abs(step - before) > 1 ? step : before;
  }
}

function compare(one, other) {
  for (let i = 0; i < one.length; i += 1) if (one[i] !== other[i]) return one[i] - other[i];
  return 0;
}
