// One call: its timeline, the conversation in numbers, its alerts; running, or from the history.

import { AlertList } from "./alert_list.js";
import { find, make, setAttribute, setText, show } from "./dom.js";
import { faceOf } from "./face.js";
import { clock, dayAndTime, percent } from "./format.js";
import { Metrics } from "./metrics.js";
import { NO_LABEL, spans } from "./series.js";
import { Sound } from "./sound.js";
import { paintSwatch } from "./swatch.js";
import { locale, tr } from "./texts.js";
import { Timeline } from "./timeline.js";

const MOST_WORDS = 300;
const WORDS_EVERY_S = 2;

/** Shows one call at a time; `tell` is told what the person wants. */
export class CallView {
  #version = -1;
  #saidAt = 0;
  call = null;

  constructor(root, meanings, appearance, tell) {
    this.root = root;
    this.appearance = appearance;
    this.tell = tell;
    const part = (selector) => find(selector, root);
    this.timeline = new Timeline(part("#timeline"), appearance, {
      spans: part("#spans"),
      toLive: part("#to-live"),
      legend: part("#legend"),
      picked: (at) => this.sound.seek(at),
    });
    this.sound = new Sound(part("#sound"), appearance, tell.changed);
    this.metrics = new Metrics(part("#metrics"), meanings, appearance);
    this.alerts = new AlertList(part("#alerts"), appearance, {
      pick: (at) => this.showMoment(at),
      acknowledge: (alert) => tell.acknowledge(this.call, alert),
    });
    part("#end-call").addEventListener("click", () => tell.end(this.call));
    part("#in-words").addEventListener("toggle", () => { this.#saidAt = 0; });
    appearance.addEventListener("change", () => { this.#version = -1; });
  }

  /** Show a call; `past` is its session where it comes from the history. */
  open(call, history, { past = null, back, mayEnd = false }) {
    this.call = call;
    this.past = past;
    this.history = history;
    this.mayEnd = mayEnd;
    this.#version = -1;
    this.#saidAt = 0;
    this.timeline.open(history, call, !past);
    this.alerts.open(call, Boolean(past));
    setAttribute(find("#back", this.root), "href", back);
    this.sound.open(past);
    this.refresh(performance.now() / 1000);
    find("#call-name", this.root).focus({ preventScroll: true });
  }

  close() {
    this.call = null;
    this.timeline.close();
    this.sound.close();
  }

  showMoment(at) {
    this.timeline.showMoment(at);
    this.sound.seek(at);
    this.tell.changed();
  }

  /** One frame; only what changed is touched. `now` in seconds. */
  refresh(now) {
    const { call } = this;
    if (!call) return;
    if (call.version !== this.#version) {
      this.#version = call.version;
      this.#showHead();
      this.metrics.refresh(call.info.conversation ?? null);
      this.alerts.refresh();
    }
    this.timeline.playhead = this.sound.at;
    this.timeline.refresh(now);
    if (find("#in-words", this.root).open && now - this.#saidAt > WORDS_EVERY_S) {
      this.#saidAt = now;
      this.#sayInWords();
    }
  }

  #showHead() {
    const { call, past, appearance } = this;
    const face = faceOf(call, appearance);
    const part = (selector) => find(selector, this.root);
    setText(part("#call-name"), face.name);
    setText(part("#call-about"), this.#about());
    const mood = part(".call-head .mood");
    mood.classList.toggle("unsure", face.label == null);
    paintSwatch(find(".swatch", mood), face, appearance);
    setText(find(".word", mood), face.word);
    setText(find(".detail", mood), [face.detail, face.party].filter(Boolean).join(" · "));
    setText(part("#call-why"), face.why);
    show(part("#call-why"), !past && !call.over);
    show(mood, !past);
    setText(part("#call-time"), face.time);
    const failed = call.info.state === "failed";
    const health = find(".value", part("#call-health"));
    setText(health, failed ? tr("failed") : face.health);
    setAttribute(health, "title", face.health);
    health.classList.toggle("grave", face.troubled);
    show(part("#call-health"), !past);
    const agent = call.streams.find((stream) => stream.role === "agent");
    show(part("#call-agent"), Boolean(agent));
    const on = find(".value", part("#call-agent"));
    setText(on, agent?.emotion ? tr("on, in this call") : tr("off"));
    on.classList.toggle("grave", Boolean(agent?.emotion));
    setText(part("#call-problem"), failed ? face.health : "");
    show(part("#call-problem"), failed);
    show(part("#end-call"), this.mayEnd && !call.over && !past);
    this.#showNote();
  }

  #about() {
    const { info, past } = { info: this.call.info, past: this.past };
    if (past) {
      // Whichever servers of the history had it.
      const servers = [...new Set((past.stretches ?? []).map((one) => one.server))].join(", ");
      return [dayAndTime(info.started_at), past.model, (past.tags ?? []).join(", "), servers].filter(Boolean).join(" · ");
    }
    const parts = [info.tap, info.server, tr("since {time}", { time: new Date(info.started_at).toLocaleTimeString(locale(), { timeStyle: "short" }) })];
    if (info.recording) parts.push(tr("being recorded"));
    if (this.history.truncated) parts.push(tr("its beginning is no longer held"));
    return parts.filter(Boolean).join(" · ");
  }

  /** How good the model is on telephone speech, and with speech unlike its training data. */
  #showNote() {
    const { call, appearance } = this;
    const notes = [];
    const { telephone = {}, model } = appearance.about;
    if (call.streams.some((stream) => stream.emotion && stream.band === "narrow")) {
      const listed = Object.entries(telephone).map(([corpus, score]) => `${corpus} ${percent(score)}`).join(", ");
      notes.push(listed
        ? tr("Telephone speech: through a telephone line, {model} finds {scores} of the windows’ emotions (mean over the classes, speakers it never heard).", { model, scores: listed })
        : tr("Telephone speech: {model} was not measured on it.", { model: model ?? tr("the model") }));
    }
    const word = call.current?.familiarity;
    if (word && word !== "familiar") notes.push(tr("To the model, this speech is {familiarity}.", { familiarity: appearance.familiarity(word) }));
    const note = find("#call-note", this.root);
    setText(note, notes.join(" "));
    show(note, notes.length > 0);
  }

  /** The decisions as rows of a table, the newest first. */
  #sayInWords() {
    const { appearance, history } = this;
    const rows = [];
    for (const party of history.parties) {
      const { decisions } = party;
      const all = decisions.rows(0, Infinity, 0);
      for (const span of spans(all)) {
        const label = span.label === NO_LABEL ? appearance.stateName(span.state) : appearance.name(decisions.labels[span.label]);
        const sure = span.label === NO_LABEL ? "" : percent(decisions.nearest((span.start + span.end) / 2)?.confidence);
        rows.push([span.start, span.end, appearance.streamName(party.stream), label, sure]);
      }
    }
    rows.sort((one, other) => other[0] - one[0]);
    const cells = ([start, end, ...texts]) =>
      make("tr", {}, ...[clock(start), clock(end), ...texts].map((text) => make("td", {}, text)));
    find("#in-words tbody", this.root).replaceChildren(...rows.slice(0, MOST_WORDS).map(cells));
  }
}
