// Past calls: search, and one entry for each.

import { request } from "./api.js";
import { find, make, setText, show } from "./dom.js";
import { clock, dayAndTime, length, percent } from "./format.js";
import { paintSwatch } from "./swatch.js";
import { ntr, tr } from "./texts.js";

const AT_ONCE = 50;

/** The page with the search; `search` is told what to put into the address. */
export class History {
  #query = null;
  #sessions = 0;
  #asked = null;

  constructor(root, appearance, search) {
    this.root = root;
    this.appearance = appearance;
    const form = find("form", root);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      search(find("#query", root).value.trim());
    });
    find("#more", root).addEventListener("click", () => this.#fetch(this.#sessions));
  }

  /** Show what is found; asks again each time, since calls end. */
  async open(query) {
    this.#query = query;
    find("#query", this.root).value = query;
    await this.#fetch(0);
  }

  focus() {
    find("#query", this.root).focus();
  }

  async #fetch(offset) {
    this.#asked?.abort();
    const asked = new AbortController();
    this.#asked = asked;
    const problem = find("#history-problem", this.root);
    const parameters = new URLSearchParams({ query: this.#query, limit: AT_ONCE, offset });
    try {
      const { sessions, total } = await request(`v1/sessions?${parameters}`, { signal: asked.signal });
      this.#show(sessions, total, offset);
      show(problem, false);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status === 401) throw error;
      setText(problem, error.message);
      show(problem, true);
      this.#show([], null, 0);
    }
  }

  #show(sessions, total, offset) {
    const list = find("#sessions", this.root);
    const items = sessions.map((session) => this.#item(session));
    if (offset) list.append(...items);
    else list.replaceChildren(...items);
    this.#sessions = offset + sessions.length;
    if (offset) find("a", items[0] ?? list)?.focus();
    setText(find("#found", this.root), total === null ? "" : this.#sum(total));
    show(find("#more", this.root), total !== null && this.#sessions < total);
  }

  #sum(total) {
    if (!total) return this.#query ? tr("Nothing found.") : tr("No call is in the history yet: a server keeps them where it was told to record, or where to write a history.");
    return ntr("{count} call", "{count} calls", total);
  }

  #item(session) {
    const { appearance } = this;
    const address = `#/history/${encodeURIComponent(session.id)}`;
    const swatch = (label) => {
      const made = make("span", { class: "swatch", "aria-hidden": "true" });
      paintSwatch(made, { label, state: null }, appearance);
      return made;
    };
    const share = session.shares?.[session.label];
    const mostly = session.label == null
      ? make("span", { class: "label muted" }, tr("no emotion"))
      : make("span", { class: "label" }, swatch(session.label), appearance.name(session.label), make("span", { class: "muted" }, share == null ? "" : percent(share)));
    const inferred = session.streams.filter((stream) => stream.emotion);
    const who = (hit) => (inferred.length > 1 ? `${appearance.streamName(hit.stream)} ` : "");
    const hits = (session.hits ?? []).map((hit) => make(
      "a",
      { href: `${address}?at=${hit.start_s}` },
      swatch(hit.label),
      `${clock(hit.start_s)} ${who(hit)}${appearance.name(hit.label)}, ${Math.round(hit.end_s - hit.start_s)} s`,
    ));
    const marks = [...(session.tags ?? []), ...(session.recovered ? [tr("recovered")] : []), ...(session.state === "recording" ? [tr("being recorded")] : [])];
    return make(
      "li",
      { class: "session" },
      make("a", { class: "whole", href: address }, session.title || session.source || session.id),
      mostly,
      make("span", { class: "when" }, dayAndTime(session.started_at)),
      make("span", { class: "length" }, length(session.duration_s)),
      hits.length || marks.length ? make("span", { class: "hits" }, ...hits, ...marks.map((mark) => make("span", { class: "tag" }, mark))) : null,
    );
  }
}
