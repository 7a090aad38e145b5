// Names and colours: those of emotions come from the server, those of the page from its style sheet.

import { mark, tr } from "./texts.js";

const TOKENS = [
  "window", "surface", "plot", "border", "text", "muted", "faint", "accent", "on-accent",
  "info-tint", "warning", "warning-tint", "danger", "danger-tint",
];
const KEPT_UNDER = "emolive.theme";
const SEVERITY_COLOURS = { critical: "danger", warning: "warning", info: "accent" };
const SEVERITY_NAMES = { critical: mark("critical"), warning: mark("warning"), info: mark("notice") };
export const SEVERITIES = Object.keys(SEVERITY_COLOURS).reverse();

/** How everything looks and is called; a `change` is told when light becomes dark. */
export class Appearance extends EventTarget {
  #labels = new Map();
  #colours = new Map();
  #system = matchMedia("(prefers-color-scheme: dark)");

  constructor() {
    super();
    this.about = { hop_s: 0.5, states: {}, streams: {}, familiarity: {}, definitions: [], labels: [] };
    this.#system.addEventListener("change", () => this.#changed());
    this.#apply(localStorage.getItem(KEPT_UNDER));
  }

  /** What the server says of its model and language. */
  learn(about) {
    this.about = { ...this.about, ...about };
    this.add(about.labels);
    this.#changed();
  }

  /** More labels: those of another model. */
  add(labels) {
    for (const row of labels) this.#labels.set(row.label, row);
  }

  /** Of these labels, those that the server has not named yet. */
  unknown(labels) {
    return labels.filter((label) => !this.#labels.has(label));
  }

  /** The running model's labels, in its order. */
  get labels() {
    return this.about.labels.map((row) => row.label);
  }

  get dark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : this.#system.matches;
  }

  /** Change between light and dark; what the system prefers is kept as "no choice". */
  switch() {
    const wanted = this.dark ? "light" : "dark";
    const choice = (wanted === "dark") === this.#system.matches ? null : wanted;
    if (choice) localStorage.setItem(KEPT_UNDER, choice);
    else localStorage.removeItem(KEPT_UNDER);
    this.#apply(choice);
    this.#changed();
  }

  /** A colour of the page by its name in the style sheet, with `alpha` from 0 to 1. */
  colour(token, alpha = 1) {
    if (!this.#colours.size) this.#read();
    const [red, green, blue] = this.#colours.get(token);
    return alpha === 1 ? `rgb(${red} ${green} ${blue})` : `rgb(${red} ${green} ${blue} / ${alpha})`;
  }

  /** `share` of an emotion's colour on the ground of the plots. */
  softened(label, share) {
    const hex = this.fill(label);
    const ground = (this.colour("plot").match(/\d+/g) ?? []).map(Number);
    const parts = [1, 3, 5].map((at, i) =>
      Math.round(share * parseInt(hex.slice(at, at + 2), 16) + (1 - share) * ground[i]));
    return `rgb(${parts.join(" ")})`;
  }

  fill(label) {
    return this.#labels.get(label)?.[this.dark ? "dark" : "light"] ?? "#8A94A3";
  }

  /** The colour of text on an emotion's colour. */
  ink(label) {
    return this.#labels.get(label)?.[this.dark ? "ink_dark" : "ink_light"] ?? "#10151C";
  }

  severityColour = (severity, alpha) => this.colour(SEVERITY_COLOURS[severity] ?? "accent", alpha);
  severityName = (severity) => tr(SEVERITY_NAMES[severity] ?? severity);
  isNegative = (label) => this.#labels.get(label)?.negative ?? false;
  name = (label) => tr(this.#labels.get(label)?.name ?? label);
  stateName = (state) => tr(this.about.states[state] ?? state);
  streamName = (stream) => tr(this.about.streams[stream] ?? stream);
  familiarity = (word) => tr(this.about.familiarity[word] ?? word);
  definition = (field) => this.definitions.find((one) => one.field === field);

  /** What the numbers mean, in the reader's language. */
  get definitions() {
    return this.about.definitions.map((one) => ({ ...one, name: tr(one.name), unit: tr(one.unit), text: tr(one.text) }));
  }

  #apply(choice) {
    if (choice) document.documentElement.dataset.theme = choice;
    else delete document.documentElement.dataset.theme;
  }

  #read() {
    // The style sheet's colours depend on light or dark; an element tells what they are now.
    const probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
    for (const token of TOKENS) {
      probe.style.color = `var(--${token})`;
      this.#colours.set(token, getComputedStyle(probe).color.match(/\d+/g).map(Number));
    }
    probe.remove();
  }

  #changed() {
    this.#colours.clear();
    this.dispatchEvent(new Event("change"));
  }
}
