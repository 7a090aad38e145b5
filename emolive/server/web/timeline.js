// Both parties on one time axis: emotions where they are inferred, who talks, and how loud.

import { make, setAttribute, setText, show } from "./dom.js";
import { clock, number, percent } from "./format.js";
import { drawAlerts, drawDecided, drawRuler, drawTalk } from "./lanes.js";
import { LevelPanel, ProbabilityPanel } from "./panels.js";
import { paintSwatch } from "./swatch.js";
import { mark, tr } from "./texts.js";

const SPANS = [[60, "1 min"], [300, "5 min"], [1800, "30 min"], [null, mark("All")]];
const LEAST_SPAN_S = 5;
const COLUMN_PX = 3;
const RIGHT = 12;
const GUTTER = 64;
const NARROW_GUTTER = 56;
// What comes below a timeline.
const BELOW = 90;
const LANE = 20;
const BAND = 22;
const LEVEL = 46;
const RULER = 24;
const LEAST_PLOT = 150;
const MOST_PLOT = 1100;
// How fast the shown end follows the known one.
const FOLLOW = 0.9;
const JUMP_S = 4;

/** The moving end of a running call: steady, although messages come in pieces. */
class Edge {
  #at = null;
  #before = 0;

  now(endS, live, now) {
    const passed = Math.min(0.5, now - this.#before);
    this.#before = now;
    if (!live || this.#at === null || Math.abs(endS - this.#at) > JUMP_S) this.#at = endS;
    else this.#at += passed * Math.min(2, Math.max(0.2, 1 + FOLLOW * (endS - this.#at - 0.3)));
    return this.#at;
  }
}

/** The timeline of one call at a time. `picked` is told the moment that was clicked. */
export class Timeline {
  #panels = [];
  #built = "";
  #drawn = "";
  #span = 60;
  #start = null;
  #edge = new Edge();
  #view = null;
  #pointer = null;
  playhead = null;

  constructor(root, appearance, { spans, toLive, legend, picked }) {
    this.root = root;
    this.appearance = appearance;
    this.toLive = toLive;
    this.legend = legend;
    this.picked = picked;
    this.hair = make("div", { class: "hair", hidden: true });
    this.play = make("div", { class: "hair play", hidden: true });
    this.tip = make("div", { class: "tip", hidden: true });
    this.buttons = SPANS.map(([span, name]) =>
      make("button", { type: "button", on: { click: () => this.choose(span) } }, tr(name)));
    spans.replaceChildren(...this.buttons);
    toLive.addEventListener("click", () => this.follow());
    root.addEventListener("keydown", (event) => this.#key(event));
    root.addEventListener("pointermove", (event) => this.#point(event));
    root.addEventListener("pointerleave", () => this.#leave());
    root.addEventListener("pointerdown", (event) => this.#grab(event));
    root.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    appearance.addEventListener("change", () => { this.#built = ""; });
  }

  /** Show another call, from its newest moments on; a past one as a whole. */
  open(history, call, live) {
    this.history = history;
    this.call = call;
    this.live = live;
    this.#built = "";
    this.#edge = new Edge();
    this.#span = live ? 60 : null;
    this.#start = null;
    this.playhead = null;
    this.#leave();
  }

  close() {
    this.history = null;
    for (const { panel } of this.#panels) panel?.destroy?.();
    this.#panels = [];
    this.root.replaceChildren();
  }

  choose(span) {
    const middle = this.#view ? (this.#view.from + this.#view.to) / 2 : 0;
    const followed = this.#start === null;
    this.#span = span;
    this.#start = followed || span === null ? null : Math.max(0, middle - span / 2);
    this.#drawn = "";
  }

  /** Back to the newest moments. */
  follow() {
    this.#start = null;
    this.#drawn = "";
  }

  /** Show a moment in the middle. */
  showMoment(at) {
    this.#span ??= Math.min(60, this.history.endS);
    this.#start = Math.max(0, at - this.#span / 2);
    this.#drawn = "";
  }

  /** One frame; free if nothing changes that can be seen. `now` in seconds. */
  refresh(now) {
    const { history } = this;
    if (!history) return;
    this.#build();
    const view = this.#viewAt(this.#edge.now(history.endS, this.live && !this.call.over, now));
    if (view.width < 40) return;
    const pixel = (view.to - view.from) / view.width / devicePixelRatio;
    const alerts = this.call.alerts.map((alert) => [alert.number, alert.fired_s, alert.end_s]).join();
    const wanted = [Math.round(view.from / pixel), view.to - view.from, view.width, devicePixelRatio, history.version, alerts].join();
    this.#view = view;
    if (this.playhead !== null) this.#hairAt(this.play, this.playhead);
    else show(this.play, false);
    if (wanted === this.#drawn) return;
    this.#drawn = wanted;
    const columnS = (COLUMN_PX * (view.to - view.from)) / view.width;
    for (const { draw, height } of this.#panels) draw({ ...view, height }, columnS);
    this.#showTools();
    if (this.#pointer) this.#describe();
  }

  #viewAt(edge) {
    const across = this.root.clientWidth;
    const left = across < 600 ? NARROW_GUTTER : GUTTER;
    const width = across - left - RIGHT;
    const all = Math.max(edge, LEAST_SPAN_S);
    const span = this.#span ?? all;
    const from = this.#start ?? Math.max(0, all - span);
    const view = { left, width, right: RIGHT, from, to: from + span };
    view.x = (at) => left + ((at - from) / span) * width;
    return view;
  }

  #build() {
    const { appearance, history, call } = this;
    const { parties } = history;
    const shape = parties.map((party) => `${party.stream} ${party.infers} ${party.levels.empty}`).join();
    const wanted = `${shape} ${innerHeight} ${history.labels} ${appearance.dark}`;
    if (wanted === this.#built) return;
    this.#built = wanted;
    this.#drawn = "";
    for (const { panel } of this.#panels) panel?.destroy?.();
    this.#panels = [];
    const several = parties.length > 1;
    const heard = parties.filter((party) => !party.levels.empty);
    const inferred = parties.filter((party) => party.infers);
    const lane = (height, draw) => this.#add({ element: make("canvas", { class: "lane", "aria-hidden": "true" }), height, draw });
    lane(LANE, (canvas, view) => drawAlerts(canvas, view, appearance, call.alerts));
    const room = this.#room(parties, heard) / Math.max(1, inferred.length);
    for (const party of parties) {
      const name = appearance.streamName(party.stream);
      if (party.infers) {
        const panel = new ProbabilityPanel(appearance, Math.min(MOST_PLOT, Math.max(LEAST_PLOT, room)), party);
        this.#add({ panel, element: panel.element, height: panel.height, draw: (_, view, columnS) => panel.draw(view, columnS) });
      }
      const caption = party.infers ? "" : tr("{party}: emotion is not inferred", { party: name });
      lane(BAND, (canvas, view, columnS) => drawDecided(canvas, view, appearance, party, columnS, several && inferred.length > 1 ? name : party.infers ? tr("decided") : tr("speech"), caption));
      if (party.levels.empty) continue;
      const level = new LevelPanel(appearance, LEVEL, party);
      this.#add({ panel: level, element: level.element, height: LEVEL, draw: (_, view) => level.draw(view) });
    }
    if (heard.length > 1) this.#addTalk(heard, lane);
    lane(RULER, (canvas, view) => drawRuler(canvas, view, appearance));
    this.root.replaceChildren(...this.#panels.map(({ element }) => element), this.hair, this.play, this.tip);
    this.#showLegend(parties);
    const what = inferred.map((party) => appearance.streamName(party.stream)).join(", ");
    setAttribute(this.root, "aria-label", tr("Timeline of {name}: emotions of {parties}, who talks, and alerts over time", { name: call.info.name, parties: what || tr("nobody") }));
  }

  #addTalk(heard, lane) {
    const { appearance } = this;
    const columns = (party, view) => party.levels.columns(view.from, view.to, (view.to - view.from) / view.width);
    heard.forEach((party, i) => {
      const name = appearance.streamName(party.role ?? party.stream);
      const colour = () => appearance.colour(i ? "muted" : "accent");
      lane(LANE - 4, (canvas, view) => drawTalk(canvas, view, appearance, name, columns(party, view), colour()));
    });
    lane(LANE - 4, (canvas, view) => {
      const [one, other] = heard.map((party) => columns(party, view));
      const spoken = new Set(other.at.filter((_, i) => other.speech[i]).map((at) => at.toFixed(3)));
      const both = { ...one, speech: one.at.map((at, i) => one.speech[i] && spoken.has(at.toFixed(3))) };
      drawTalk(canvas, view, appearance, tr("both"), both, appearance.colour("danger"), true);
    });
  }

  #add({ panel, element, height, draw }) {
    if (element.tagName === "CANVAS") element.style.height = `${height}px`;
    this.#panels.push({ panel, element, height, draw: (view, columnS) => draw(element, view, columnS) });
  }

  /** What is left for the probabilities where everything is to be seen at once. */
  #room(parties, heard) {
    const taken = LANE + RULER + parties.length * BAND + heard.length * LEVEL + (heard.length > 1 ? 3 * (LANE - 4) : 0) + 30;
    const top = this.root.getBoundingClientRect().top + scrollY;
    return innerHeight - top - BELOW - taken;
  }

  #showLegend(parties) {
    const { appearance, history } = this;
    const states = ["uncertain", "silence", ...(parties.some((party) => !party.infers) ? ["not_inferred"] : [])];
    const entry = (face, name) => {
      const swatch = make("span", { class: "swatch", "aria-hidden": "true" });
      paintSwatch(swatch, face, appearance);
      return make("li", {}, swatch, name);
    };
    this.legend.replaceChildren(
      ...history.labels.map((label) => entry({ label }, appearance.name(label))),
      ...states.map((state) => entry({ label: null, state }, appearance.stateName(state))),
    );
  }

  #showTools() {
    SPANS.forEach(([span], i) => setAttribute(this.buttons[i], "aria-pressed", String(span === this.#span)));
    show(this.toLive, this.#start !== null);
    setText(this.toLive, this.live ? tr("Back to live") : tr("Show all"));
  }

  #pan(seconds) {
    if (!this.#view) return;
    const latest = Math.max(0, this.history.endS - 0.5 * (this.#view.to - this.#view.from));
    this.#span ??= this.#view.to - this.#view.from;
    this.#start = Math.min(latest, Math.max(0, this.#view.from + seconds));
  }

  #zoom(factor, at = null) {
    if (!this.#view) return;
    const { from, to } = this.#view;
    const span = Math.min(Math.max(LEAST_SPAN_S, (to - from) * factor), Math.max(60, this.history.endS));
    if (at === null && this.#start === null) {
      this.#span = span;
      return;
    }
    const centre = at ?? (from + to) / 2;
    this.#span = span;
    this.#start = Math.max(0, centre - ((centre - from) / (to - from)) * span);
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.#view) return;
    const step = (this.#view.to - this.#view.from) / 6;
    const actions = {
      ArrowLeft: () => this.#pan(-step),
      ArrowRight: () => this.#pan(step),
      "+": () => this.#zoom(0.5),
      "=": () => this.#zoom(0.5),
      "-": () => this.#zoom(2),
      Home: () => this.#pan(-Infinity),
      End: () => this.follow(),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }

  #timeAt(clientX) {
    const { left, width, from, to } = this.#view;
    const x = clientX - this.root.getBoundingClientRect().left - left;
    return Math.min(to, Math.max(from, from + (x / width) * (to - from)));
  }

  #grab(event) {
    if (event.button || !this.#view) return;
    const { from, to, width } = this.#view;
    const [x0, start] = [event.clientX, from];
    let moved = false;
    const move = ({ clientX }) => {
      moved ||= Math.abs(clientX - x0) > 4;
      if (moved) this.#pan(start - ((clientX - x0) / width) * (to - from) - this.#view.from);
    };
    const release = ({ type, clientX }) => {
      removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) removeEventListener(name, release);
      if (!moved && type === "pointerup") this.picked?.(this.#timeAt(clientX));
    };
    addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, release);
  }

  #wheel(event) {
    if (!this.#view) return;
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    if (event.ctrlKey) this.#zoom(event.deltaY > 0 ? 1.25 : 0.8, this.#timeAt(event.clientX));
    else if (sideways) this.#pan(((event.deltaX || event.deltaY) / this.#view.width) * (this.#view.to - this.#view.from));
    else return;
    event.preventDefault();
  }

  #point(event) {
    if (!this.#view || event.pointerType === "touch") return;
    const box = this.root.getBoundingClientRect();
    this.#pointer = { x: event.clientX, y: event.clientY - box.top };
    this.#describe();
  }

  #leave() {
    this.#pointer = null;
    show(this.hair, false);
    show(this.tip, false);
  }

  #hairAt(hair, at) {
    const { from, to } = this.#view;
    show(hair, at >= from && at <= to);
    hair.style.left = `${this.#view.x(at)}px`;
  }

  /** The exact values at the pointer. */
  #describe() {
    const at = this.#timeAt(this.#pointer.x);
    this.#hairAt(this.hair, at);
    const lines = this.history.parties.flatMap((party) => this.#linesOf(party, at));
    show(this.tip, lines.length > 0);
    this.tip.replaceChildren(make("b", {}, clock(at)), ...lines);
    const x = this.#view.x(at);
    const beyond = x > this.root.clientWidth / 2;
    this.tip.style.left = beyond ? "" : `${x + 12}px`;
    this.tip.style.right = beyond ? `${this.root.clientWidth - x + 12}px` : "";
    this.tip.style.top = `${Math.max(0, Math.min(this.#pointer.y, this.root.clientHeight - this.tip.offsetHeight))}px`;
  }

  #linesOf(party, at) {
    const { appearance } = this;
    const found = party.decisions.nearest(at);
    if (!found) return [];
    const row = (face, name, value) => {
      const swatch = make("i", { class: "swatch" });
      paintSwatch(swatch, face, appearance);
      return make("span", {}, swatch, name, make("span", {}, value));
    };
    const name = appearance.streamName(party.stream);
    const decided = found.label === null ? appearance.stateName(found.state) : appearance.name(found.label);
    const lines = [row(found, `${name}: ${decided}`, found.label === null ? "" : percent(found.confidence))];
    if (!found.shares.some((share) => share > 0)) return lines;
    const order = [...found.shares.keys()].sort((one, other) => found.shares[other] - found.shares[one]);
    const { labels } = party.decisions;
    for (const k of order.slice(0, 4)) lines.push(row({ label: labels[k] }, appearance.name(labels[k]), percent(found.shares[k])));
    const level = party.levels.empty ? null : party.levels.columns(at, at + 0.05, 0.1).level[0];
    if (level != null) lines.push(make("span", {}, make("i"), "level", make("span", {}, `${number(level)} dBFS`)));
    return lines;
  }
}
