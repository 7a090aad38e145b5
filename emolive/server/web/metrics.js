// The conversation in numbers: who talks, waits, interrupts, and how loud and fast.

import { find, make, setText, show } from "./dom.js";
import { length, number, percent, seconds } from "./format.js";
import { mark, tr } from "./texts.js";

const NOTHING = "–";

/** Rows with a value for each party: the defined number, what about it, and how it is shown. */
const PARTY_ROWS = [
  ["talk_s", "", (p) => length(p.talk_s)],
  ["turns", "", (p) => String(p.turns)],
  ["longest_monologue_s", "", (p) => length(p.longest_monologue_s)],
  ["interruptions", "", (p) => (p.interruption_attempts ? `${p.interruptions} (+${p.interruption_attempts})` : String(p.interruptions))],
  ["responses", mark("median"), (p) => seconds(p.responses.median_s)],
  ["responses", "p90", (p) => seconds(p.responses.p90_s)],
  ["level_dbfs", "dBFS", (p) => number(p.level_dbfs)],
  ["syllables_per_s", mark("syll./s"), (p) => number(p.syllables_per_s, 1)],
];
/** What needs two parties who can be told apart. */
const TAKE_TWO = ["turns", "longest_monologue_s", "responses", "interruptions"];
/** Rows about the call; `alone`: also known where both parties are on one channel. */
const CALL_ROWS = [
  ["overtalk_s", "", (m) => `${percent(m.overtalk_share)} · ${m.overlaps}× · ${seconds(m.overtalk_s)}`, false],
  ["silence_s", "", (m) => `${percent(m.silence_share)} · ${tr("longest {time}", { time: seconds(m.longest_silence_s) })}`, true],
  ["silence_s", mark("now"), (m) => seconds(m.current_silence_s), true],
  ["gaps", "", (m) => `${m.gaps.count}× · ${seconds(m.gaps.total_s)}`, false],
];

/** The card beside a timeline. */
export class Metrics {
  #cells = [];
  #shown = null;

  constructor(root, meanings, appearance) {
    this.root = root;
    this.appearance = appearance;
    this.heads = [...root.querySelectorAll("thead th")];
    this.meanings = meanings;
    find("#explain", root).addEventListener("click", () => this.#explain());
    appearance.addEventListener("change", () => this.#build());
    this.#build();
  }

  /** Show where the conversation stands; null: nothing yet. */
  refresh(metrics) {
    if (metrics === this.#shown) return;
    this.#shown = metrics;
    const parties = voices(metrics);
    const alone = metrics != null && !metrics.separable;
    show(find("#one-channel", this.root), alone);
    this.heads.forEach((head, i) => setText(head, parties[i] ? this.#name(parties[i]) : ""));
    for (const { field, cells, value, known } of this.#cells) {
      if (cells.length === 1) {
        setText(cells[0], metrics == null || (alone && !known) ? NOTHING : value(metrics));
      } else {
        const told = !alone || !TAKE_TWO.includes(field);
        const text = (party) => (party ? (told ? value(party) : NOTHING) : metrics == null ? NOTHING : "");
        cells.forEach((cell, i) => setText(cell, text(parties[i])));
      }
    }
    this.#showTalk(metrics, parties, alone);
  }

  #build() {
    this.#cells = [];
    const row = ([field, about, value, known], columns, first) => {
      const definition = this.appearance.definition(field);
      const name = [definition?.name ?? field, about && tr(about)].filter(Boolean).join(", ");
      const cells = Array.from({ length: columns }, () => make("td", { colspan: columns === 1 ? 2 : null }, NOTHING));
      this.#cells.push({ field, cells, value, known });
      const tip = definition && [definition.text, definition.source].filter(Boolean).join("\n");
      return make("tr", { class: first ? "first" : null }, make("th", { scope: "row", title: tip }, name), ...cells);
    };
    find("tbody", this.root).replaceChildren(
      ...PARTY_ROWS.map((one) => row(one, 2, false)),
      ...CALL_ROWS.map((one, i) => row(one, 1, i === 0)),
    );
    const shown = this.#shown;
    this.#shown = undefined;
    this.refresh(shown);
  }

  /** Talk shares as one bar, hatched where both talk; dots show who talks now. */
  #showTalk(metrics, parties, alone) {
    const talk = find("#talk", this.root);
    if (!talk.firstChild) {
      const name = () => make("span", {}, make("i"), make("b"), make("span", { class: "muted" }));
      talk.append(
        make("div", { class: "talk-names" }, name(), name()),
        make("div", { class: "talk-bar", "aria-hidden": "true" }, make("span"), make("span"), make("span", { class: "over" })),
      );
    }
    const [names, bar] = talk.children;
    [...names.children].forEach((name, i) => {
      const party = parties[i];
      show(name, Boolean(party));
      if (!party) return;
      const [dot, who, share] = name.children;
      dot.classList.toggle("lit", party.speaking);
      setText(who, this.#name(party));
      setText(share, percent(party.talk_share));
    });
    const talked = metrics != null && parties.some((party) => party.talk_s > 0);
    const first = !talked ? 0 : alone ? 0 : (parties[0].talk_share ?? 0);
    const sum = (metrics?.parties ?? []).reduce((total, party) => total + party.talk_s, 0);
    // Both talk: as much on either side of the border as each talks over the other.
    const over = talked && !alone && sum > 0 ? metrics.overtalk_s / sum : 0;
    const [left, right, both] = bar.children;
    left.style.width = percentOf(first);
    right.style.width = percentOf(talked ? 1 - first : 0);
    show(left, first > 0);
    both.style.left = percentOf(first - over);
    both.style.width = percentOf(2 * over);
  }

  #name = (party) => this.appearance.streamName(party.stream);

  #explain() {
    const parts = this.appearance.definitions.flatMap(({ name, unit, text, source }) => [
      make("dt", {}, unit ? `${name} (${unit})` : name),
      make("dd", {}, [text, source].filter(Boolean).join(" ")),
    ]);
    find("dl", this.meanings).replaceChildren(...parts);
    this.meanings.showModal();
  }
}

const percentOf = (share) => `${100 * Math.max(0, share)}%`;

/** Who can be told apart: the parties, or one for both. */
function voices(metrics) {
  if (metrics == null) return [];
  if (metrics.separable || metrics.parties.length < 2) return metrics.parties;
  return [{ ...metrics.parties[0], stream: "both", talk_share: 1 }];
}
