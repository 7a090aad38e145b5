// What the wall knows of each call: its present, its alerts, and the last minutes of its main party.

export const TREND_S = 180;
const OVER = ["stopped", "failed"];
const CUSTOMER = "customer";
// Alerts of one call; the oldest are forgotten here (the server and a recording keep them).
const KEPT_ALERTS = 500;

/** Which of two alerts it is, whatever told of it. */
const sameAlert = (one, other) =>
  one.number != null && other.number != null
    ? one.number === other.number
    : one.rule === other.rule && one.stream === other.stream && one.fired_s === other.fired_s;

/** The last minutes of one party: plain arrays of the same length, oldest first. */
class Trend {
  at = [];
  state = [];
  label = [];
  negative = [];

  add(at, state, label, negative) {
    if (this.at.length && at <= this.at.at(-1)) return;
    this.at.push(at);
    this.state.push(state);
    this.label.push(label);
    this.negative.push(negative);
    // Now and then, not with every answer.
    if (this.at[0] < at - 1.2 * TREND_S) this.#forget(at - TREND_S);
  }

  #forget(before) {
    const away = this.at.findIndex((at) => at >= before);
    for (const column of [this.at, this.state, this.label, this.negative]) column.splice(0, away);
  }
}

/** One call. `version` changes with everything that is shown, `answers` with the trend alone. */
export class Call {
  alerts = [];
  status = null;
  version = 0;
  answers = 0;
  trend = new Trend();
  latest = {};

  constructor(info, appearance) {
    this.appearance = appearance;
    this.id = info.id;
    this.update(info);
    for (const prediction of Object.values(info.latest ?? {})) this.#note(prediction);
    if (info.trend) this.#fill(info.trend);
  }

  /** Take over what the server says of the call as a whole. */
  update(info) {
    this.info = info;
    for (const alert of info.alerts ?? []) this.#alert(alert);
    this.version += 1;
  }

  /** Take over one message; tells whether it was a new alert. */
  apply(message) {
    this.version += 1;
    switch (message.type) {
      case "call":
      case "call_ended":
        this.update(message.info);
        return false;
      case "prediction":
        this.#note(message);
        return false;
      case "status":
        this.status = message;
        return false;
      case "alert":
        return this.#alert(message);
      case "alert_ended":
        this.#ended(message);
        return false;
      case "acknowledged":
        this.acknowledge(message.numbers);
        return false;
      default:
        return false;
    }
  }

  get over() {
    return OVER.includes(this.info.state);
  }

  get streams() {
    return this.info.streams ?? [];
  }

  /** The party whose emotion a card shows: the customer, or whoever is inferred. */
  get main() {
    const { streams } = this;
    return streams.find((one) => one.role === CUSTOMER) ?? streams.find((one) => one.emotion) ?? streams[0] ?? null;
  }

  /** How unpleasant it is, 0 to 1. */
  get negative() {
    return this.over ? 0 : (this.info.negative ?? 0);
  }

  get current() {
    return this.latest[this.main?.stream] ?? null;
  }

  /** The alerts that nobody has seen to, oldest first. */
  get waiting() {
    return this.alerts.filter((alert) => !alert.acknowledged);
  }

  /** Who speaks now. */
  get speaking() {
    if (this.over) return [];
    return (this.info.conversation?.parties ?? []).filter((one) => one.speaking).map((one) => one.stream);
  }

  /** Somebody has seen to the alerts with these numbers, or with null to all. */
  acknowledge(numbers = null) {
    for (const alert of this.alerts) {
      if (!numbers || numbers.includes(alert.number)) alert.acknowledged = true;
    }
    this.version += 1;
  }

  #note(prediction) {
    this.latest[prediction.stream] = prediction;
    if (prediction.stream !== this.main?.stream) return;
    const { probabilities, state, label, start_s: start, end_s: end } = prediction;
    let negative = null;
    if (probabilities && (state === "speech" || state === "uncertain")) {
      negative = 0;
      for (const [name, share] of Object.entries(probabilities)) {
        if (this.appearance.isNegative(name)) negative += share;
      }
    }
    this.trend.add((start + end) / 2, state, label, negative);
    this.answers += 1;
  }

  #fill({ at_s: at, state, label, negative }) {
    const known = new Trend();
    at.forEach((time, i) => known.add(time, state[i], label[i], negative[i]));
    const { trend } = this;
    trend.at.forEach((time, i) => known.add(time, trend.state[i], trend.label[i], trend.negative[i]));
    this.trend = known;
    this.answers += 1;
  }

  #alert(alert) {
    const known = this.alerts.find((one) => sameAlert(one, alert));
    if (known) {
      // Seen to is seen to, whoever says so first.
      Object.assign(known, alert, { acknowledged: known.acknowledged || Boolean(alert.acknowledged) });
      return false;
    }
    this.alerts.push({ acknowledged: false, ...alert });
    if (this.alerts.length > KEPT_ALERTS) this.alerts.shift();
    return true;
  }

  #ended(message) {
    const alert = this.alerts.findLast((one) => sameAlert(one, message));
    if (alert) alert.end_s = message.end_s;
  }
}

/** All calls. `changed` gathers the ids of those that are to be drawn anew. */
export class Calls {
  byId = new Map();
  changed = new Set();

  constructor(appearance) {
    this.appearance = appearance;
  }

  /** Take over a message; returns a new alert's call, or null. */
  apply(message) {
    if (message.type === "snapshot") {
      this.#replace(message.calls);
      return null;
    }
    if (message.type === "call_removed") {
      this.remove(message.call);
      return null;
    }
    let call = this.byId.get(message.call);
    if (!call) {
      if (!message.info) return null;
      call = new Call(message.info, this.appearance);
      this.byId.set(call.id, call);
    }
    this.changed.add(call.id);
    if (message.type === "call_started") {
      call.update(message.info);
      return null;
    }
    return call.apply(message) ? call : null;
  }

  remove(id) {
    this.byId.delete(id);
    this.changed.add(id);
  }

  /** What is there after the connection was lost: what people did here is kept. */
  #replace(infos) {
    const before = this.byId;
    this.byId = new Map();
    for (const info of infos) {
      const call = new Call(info, this.appearance);
      if (!info.trend && before.has(info.id)) call.trend = before.get(info.id).trend;
      for (const alert of before.get(info.id)?.alerts ?? []) {
        const known = call.alerts.find((one) => sameAlert(one, alert));
        if (known) known.acknowledged ||= alert.acknowledged;
        else call.alerts.push(alert);
      }
      call.alerts.sort((one, other) => one.fired_s - other.fired_s);
      this.byId.set(info.id, call);
      this.changed.add(info.id);
    }
    for (const id of before.keys()) this.changed.add(id);
  }
}
