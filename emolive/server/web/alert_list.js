// The alerts of one call: what, when, still going on or over, and seen to or not.

import { find, make, setAttribute, setText, show } from "./dom.js";
import { clock } from "./format.js";
import { icon } from "./icons.js";
import { ntr, tr } from "./texts.js";

const MOST_ROWS = 60;

/** The newest first. `pick` is told a moment, `acknowledge` an alert, or null for all. */
export class AlertList {
  #rows = new Map();

  constructor(root, appearance, { pick, acknowledge }) {
    this.root = root;
    this.appearance = appearance;
    this.pick = pick;
    this.acknowledge = acknowledge;
    this.list = find("ol", root);
    find("#seen-all", root).addEventListener("click", () => acknowledge(null));
  }

  open(call, past) {
    this.call = call;
    this.past = past;
    this.#rows.clear();
    this.list.replaceChildren();
    setText(find(".none", this.root), past ? tr("No alert in this call.") : tr("No alert yet."));
  }

  /** Add what is new, and show what is over or seen to. */
  refresh() {
    const { alerts } = this.call;
    const shown = alerts.slice(-MOST_ROWS);
    for (const alert of shown) {
      if (!this.#rows.has(alert)) this.#rows.set(alert, this.#row(alert));
      this.#refresh(alert, this.#rows.get(alert));
    }
    for (const [alert, row] of this.#rows) {
      if (shown.includes(alert)) continue;
      row.remove();
      this.#rows.delete(alert);
    }
    const waiting = this.past ? 0 : this.call.waiting.length;
    setText(find("h2", this.root), waiting ? `${tr("Alerts")} · ${ntr("{count} waits", "{count} wait", waiting)}` : tr("Alerts"));
    show(find("#seen-all", this.root), waiting > 1);
    show(find(".none", this.root), alerts.length === 0);
  }

  #row(alert) {
    const row = make(
      "li",
      {},
      icon("flag"),
      make("button", { class: "rule", type: "button", title: alert.message, on: { click: () => this.pick(alert.fired_s) } }, alert.rule),
      make("time", {}, clock(alert.fired_s)),
      make("span", { class: "about" }),
      make("button", { class: "quiet seen", type: "button", on: { click: () => this.acknowledge(alert) } }, tr("Acknowledge")),
    );
    setAttribute(row, "data-severity", alert.severity);
    this.list.prepend(row);
    return row;
  }

  #refresh(alert, row) {
    const { appearance } = this;
    const party = alert.stream == null ? tr("both") : appearance.streamName(alert.stream);
    const lasted = alert.end_s == null ? (this.past ? tr("to the end") : tr("goes on")) : `${Math.round(alert.end_s - (alert.start_s ?? alert.fired_s))} s`;
    setText(find(".about", row), `${appearance.severityName(alert.severity)} · ${party} · ${lasted}`);
    const done = alert.acknowledged || this.past;
    row.classList.toggle("done", done);
    show(find(".seen", row), !done);
    setAttribute(find(".seen", row), "aria-label", tr("Acknowledge {rule}", { rule: alert.rule }));
  }
}
