// One call on the wall: a link that opens it, changed only where what it says has changed.

import { make, setAttribute, setText, show } from "./dom.js";
import { faceOf, spoken } from "./face.js";
import { icon } from "./icons.js";
import { drawTrend } from "./spark.js";
import { paintSwatch } from "./swatch.js";
import { tr } from "./texts.js";

// A second is a pixel or two of a trend.
const TREND_EVERY_S = 1;

/** A card, or in a list a row; `element` is its list item. `acknowledge`, `remove` are told. */
export class Card {
  #call;
  #appearance;
  #face = {};
  #spoken = "";
  #look = "";
  #answers = -1;
  #drawnAt = 0;
  #parts;
  #letters = "";
  visible = true;
  width = 0;
  height = 0;

  constructor(call, appearance, { acknowledge, remove }) {
    this.#appearance = appearance;
    const about = `about-${call.id}`;
    const parts = {
      link: make("a", { class: "open", href: `#/calls/${encodeURIComponent(call.id)}`, "aria-describedby": about, tabindex: -1 }),
      about: make("span", { class: "unseen", id: about }),
      recorded: make("span", { class: "recorded", title: tr("being recorded"), hidden: true }),
      name: make("span", { class: "name" }),
      time: make("span", { class: "time" }),
      swatch: make("span", { class: "swatch", "aria-hidden": "true" }),
      word: make("span", { class: "word" }),
      detail: make("span", { class: "detail" }),
      parties: make("span", { class: "parties" }),
      trend: make("canvas", { class: "trend", "aria-hidden": "true" }),
      flag: make("span", { class: "flag" }, icon("flag")),
      note: make("span", { class: "note" }),
      seen: make("button", { class: "quiet seen", type: "button", tabindex: -1, on: { click: acknowledge } }, tr("Acknowledge")),
      close: make("button", { class: "bare close", type: "button", tabindex: -1, "aria-label": tr("Remove this call"), title: tr("Remove this call"), hidden: true, on: { click: remove } }, icon("close")),
    };
    this.#parts = parts;
    this.element = make(
      "li",
      { class: "tile" },
      parts.link,
      make("span", { class: "head" }, parts.recorded, parts.name),
      parts.time,
      parts.close,
      make("span", { class: "mood" }, parts.swatch, parts.word, parts.detail),
      parts.parties,
      parts.trend,
      make("span", { class: "foot" }, parts.flag, parts.note, parts.seen),
      parts.about,
    );
    this.element.dataset.call = call.id;
    this.show(call);
  }

  get link() {
    return this.#parts.link;
  }

  get face() {
    return this.#face;
  }

  /** Whether Tab stops at this card. */
  set reachable(reachable) {
    for (const part of [this.#parts.link, this.#parts.seen, this.#parts.close]) part.tabIndex = reachable ? 0 : -1;
  }

  /** The call is another object: after the connection was lost. */
  show(call) {
    if (call !== this.#call) this.#look = "";
    this.#call = call;
    this.refresh();
  }

  /** Say what the call says now. */
  refresh() {
    const face = faceOf(this.#call, this.#appearance);
    const parts = this.#parts;
    this.#face = face;
    const { element } = this;
    setText(parts.name, face.name);
    setText(parts.time, face.time);
    setText(parts.word, face.word);
    setText(parts.detail, [face.detail, face.party].filter(Boolean).join(" · "));
    setText(parts.note, face.severity ? `${face.nWaiting > 1 ? `${face.nWaiting} · ` : ""}${face.alert}` : face.health);
    setAttribute(element, "data-severity", face.severity);
    element.classList.toggle("troubled", face.troubled && !face.severity);
    element.classList.toggle("over", face.over);
    element.classList.toggle("unsure", face.label == null);
    show(parts.recorded, face.recorded);
    show(parts.flag, face.severity != null);
    show(parts.seen, face.nWaiting > 0);
    show(parts.close, face.over);
    paintSwatch(parts.swatch, face, this.#appearance);
    this.#showParties(face);
    const tip = [face.name, face.message, face.why, face.health].filter(Boolean).join("\n");
    setAttribute(parts.link, "title", tip);
    // Not with every second: assistive technology is told of each change.
    const said = `${face.name} ${face.word} ${face.message} ${face.over} ${face.recorded}`;
    if (said !== this.#spoken) {
      this.#spoken = said;
      setAttribute(parts.link, "aria-label", tr("Call {name}", { name: face.name }));
      setText(parts.about, spoken(face));
    }
  }

  /** Draw the trend, if it is to be seen and is not drawn already; whether it was. `now` in seconds. */
  draw(now) {
    if (!this.visible || !this.width) return false;
    const call = this.#call;
    const look = `${this.width} ${this.height} ${devicePixelRatio} ${this.#appearance.dark}`;
    const due = call.answers !== this.#answers && now - this.#drawnAt >= TREND_EVERY_S;
    if (look === this.#look && !due) return false;
    [this.#look, this.#answers, this.#drawnAt] = [look, call.answers, now];
    const end = call.info.elapsed_s ?? 0;
    drawTrend(this.#parts.trend, this.width, this.height, call.trend, end, this.#appearance);
    return true;
  }

  /** The room for the trend, whose size the wall watches. */
  get canvas() {
    return this.#parts.trend;
  }

  #showParties(face) {
    const { streams } = this.#call;
    const several = streams.length > 1 ? streams : [];
    const letters = several.map((one) => one.role ?? one.stream).join(" ");
    const { parties } = this.#parts;
    if (letters !== this.#letters) {
      this.#letters = letters;
      parties.replaceChildren(...several.map((one) => {
        const name = this.#appearance.streamName(one.role ?? one.stream);
        return make("span", { class: "party", title: name }, name.slice(0, 1).toUpperCase());
      }));
    }
    several.forEach((one, i) => parties.children[i].classList.toggle("lit", face.speaking.includes(one.stream)));
  }
}
