// All calls, the most urgent first: cards in columns, or rows of a list.

import { Card } from "./card.js";
import { find, setAttribute, setText, show, stillness } from "./dom.js";
import { number } from "./format.js";
import { ntr, tr } from "./texts.js";
import { UrgencyOrder } from "./urgency.js";

// What cards may take of a frame; the others wait for the next.
const FRAME_SHARE_MS = 5;
const LIST_KEPT_UNDER = "emolive.list";
const MOVE = { duration: 260, easing: "cubic-bezier(.2,.7,.3,1)" };
// Moving cards are for the eye; with very many of them calm is better.
const MOST_MOVING = 60;

/** The wall; `acknowledge` and `open` are told a call. */
export class Wall {
  #calls;
  #appearance;
  #tell;
  #cards = new Map();
  #order = new UrgencyOrder();
  #shown = [];
  #current = null;
  #filter = "";
  #held = false;
  #removed = new Set();
  #wantsFocus = false;

  constructor(root, calls, appearance, tell) {
    this.root = root;
    this.#calls = calls;
    this.#appearance = appearance;
    this.#tell = tell;
    this.list = find("#cards", root);
    this.#bind();
    this.showList(localStorage.getItem(LIST_KEPT_UNDER) === "yes");
    appearance.addEventListener("change", () => {
      for (const card of this.#cards.values()) card.refresh();
      this.draw();
    });
  }

  /** One frame: change what changed; now and then put it in order. `visible`: the wall is seen. */
  refresh(now, visible) {
    const { byId, changed } = this.#calls;
    const begun = performance.now();
    for (const id of changed) {
      changed.delete(id);
      const call = byId.get(id);
      if (!call || this.#removed.has(id)) this.#drop(id);
      else if (this.#cards.has(id)) this.#cards.get(id).show(call);
      else this.#add(call);
      if (performance.now() - begun > FRAME_SHARE_MS) break;
    }
    if (changed.size) this.#tell.changed();
    for (const id of this.#removed) if (!byId.has(id)) this.#removed.delete(id);
    if (!visible) return;
    const seen = new Map([...byId].filter(([id]) => this.#cards.has(id)));
    this.#place(this.#order.arrange(seen, now, this.#held));
    this.#showSum([...seen.values()]);
    if (this.#wantsFocus && this.#cards.size) {
      this.#wantsFocus = false;
      if (document.activeElement === document.body) this.focus();
    }
    this.draw();
  }

  /** Draw what is to be seen and is not drawn, as far as the frame has room. */
  draw() {
    const begun = performance.now();
    for (const card of this.#cards.values()) {
      if (card.draw(begun / 1000) && performance.now() - begun > FRAME_SHARE_MS) {
        this.#tell.changed();
        return;
      }
    }
  }

  showList(asList) {
    this.list.classList.toggle("rows", asList);
    for (const [name, pressed] of [["#as-cards", !asList], ["#as-list", asList]]) {
      setAttribute(find(name, this.root), "aria-pressed", String(pressed));
    }
    localStorage.setItem(LIST_KEPT_UNDER, asList ? "yes" : "no");
  }

  get asList() {
    return this.list.classList.contains("rows");
  }

  /** Give the focus to the call that had it last, or to the first one, as soon as there is one. */
  focus() {
    this.#wantsFocus = !this.#cards.has(this.#current);
    this.#cards.get(this.#current)?.link.focus();
  }

  focusFilter() {
    find("#filter", this.root).focus();
  }

  /** The call that has the focus. */
  get focused() {
    const id = document.activeElement?.closest?.(".tile")?.dataset.call;
    return id === undefined ? null : (this.#calls.byId.get(id) ?? null);
  }

  /** Take a call that is over away; it stays in the history. */
  remove(call) {
    if (!call.over) return;
    this.#removed.add(call.id);
    this.#calls.changed.add(call.id);
    this.#tell.changed();
  }

  #bind() {
    find("#as-cards", this.root).addEventListener("click", () => this.showList(false));
    find("#as-list", this.root).addEventListener("click", () => this.showList(true));
    find("#clear", this.root).addEventListener("click", () => {
      for (const call of this.#calls.byId.values()) this.remove(call);
    });
    find("#filter", this.root).addEventListener("input", (event) => {
      this.#filter = event.target.value.trim().toLowerCase();
      for (const card of this.#cards.values()) this.#sift(card);
      this.#tell.changed();
    });
    this.list.addEventListener("pointerdown", () => { this.#held = true; });
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => { this.#held = false; });
    this.list.addEventListener("focusin", (event) => {
      const id = event.target.closest(".tile")?.dataset.call;
      if (id !== undefined) this.#makeCurrent(id);
    });
    this.list.addEventListener("keydown", (event) => this.#key(event));
    this.visibility = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const card = this.#cards.get(entry.target.dataset.call);
        if (card) card.visible = entry.isIntersecting;
      }
      this.#tell.changed();
    }, { rootMargin: "200px" });
    this.sizes = new ResizeObserver((entries) => {
      for (const { target, contentRect } of entries) {
        const card = this.#cards.get(target.parentElement?.dataset.call);
        if (card) Object.assign(card, { width: contentRect.width, height: contentRect.height });
      }
      this.draw();
    });
  }

  #add(call) {
    const card = new Card(call, this.#appearance, {
      acknowledge: () => this.#tell.acknowledge(this.#calls.byId.get(call.id)),
      remove: () => this.remove(this.#calls.byId.get(call.id)),
    });
    this.#cards.set(call.id, card);
    this.#sift(card);
    this.list.append(card.element);
    this.visibility.observe(card.element);
    this.sizes.observe(card.canvas);
    if (this.#current === null) this.#makeCurrent(call.id);
  }

  #drop(id) {
    const card = this.#cards.get(id);
    if (!card) return;
    const focused = card.element.contains(document.activeElement);
    const at = this.#shown.indexOf(id);
    this.#cards.delete(id);
    this.#shown = this.#shown.filter((one) => one !== id);
    this.visibility.unobserve(card.element);
    this.sizes.unobserve(card.canvas);
    card.element.remove();
    if (this.#current === id) {
      this.#current = null;
      const next = this.#shown[Math.min(at, this.#shown.length - 1)] ?? this.#cards.keys().next().value;
      if (next !== undefined) this.#makeCurrent(next);
      if (focused) this.focus();
    }
  }

  #sift(card) {
    const hidden = this.#filter !== "" && !`${card.face.name} ${card.face.word}`.toLowerCase().includes(this.#filter);
    show(card.element, !hidden);
  }

  #makeCurrent(id) {
    const before = this.#cards.get(this.#current);
    if (before) before.reachable = false;
    this.#current = id;
    const card = this.#cards.get(id);
    if (card) card.reachable = true;
  }

  /** Put the cards in this order. The one with the focus stays where it is in the document. */
  #place(order) {
    if (order.length === this.#shown.length && order.every((id, i) => id === this.#shown[i])) return;
    const before = this.#moving(order) ? this.#positions() : null;
    const items = order.map((id) => this.#cards.get(id).element);
    const fixed = items.find((item) => item.contains(document.activeElement));
    let reference = null;
    for (let i = items.length - 1; i >= 0; i -= 1) {
      const item = items[i];
      if (item !== fixed && item.nextElementSibling !== reference) this.list.insertBefore(item, reference);
      else if (item === fixed) while (item.nextElementSibling !== reference) this.list.insertBefore(item.nextElementSibling, item);
      reference = item;
    }
    this.#shown = order;
    if (before) this.#slide(before);
  }

  #moving(order) {
    return this.#shown.length > 0 && order.length <= MOST_MOVING && !stillness.matches;
  }

  #positions() {
    return new Map([...this.#cards].filter(([, card]) => card.visible).map(([id, card]) => [id, card.element.getBoundingClientRect()]));
  }

  #slide(before) {
    for (const [id, old] of before) {
      const { element } = this.#cards.get(id);
      const now = element.getBoundingClientRect();
      const [x, y] = [old.left - now.left, old.top - now.top];
      if (x || y) element.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], MOVE);
    }
  }

  #showSum(calls) {
    const running = calls.filter((call) => !call.over);
    const waiting = calls.reduce((sum, call) => sum + call.waiting.length, 0);
    const parts = [];
    if (calls.length) parts.push(ntr("{count} call running", "{count} calls running", running.length));
    if (waiting) parts.push(ntr("{count} alert waits", "{count} alerts wait", waiting));
    const lag = Math.max(0, ...running.map((call) => (call.status?.lag_ms ?? 0) / 1000));
    if (running.length) parts.push(tr("{seconds} s behind at most", { seconds: number(lag, 1) }));
    setText(find("#sum", this.root), parts.join(" · "));
    show(find("#clear", this.root), running.length < calls.length);
    show(find("#empty", this.root), calls.length === 0);
    show(this.list, calls.length > 0);
    const none = calls.length > 0 && [...this.#cards.values()].every((card) => card.element.hidden);
    show(find("#no-match", this.root), none);
    document.title = waiting ? `(${waiting}) emolive` : "emolive";
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const reachable = this.#shown.filter((id) => !this.#cards.get(id).element.hidden);
    const at = reachable.indexOf(this.#current);
    const columns = this.asList ? 1 : getComputedStyle(this.list).gridTemplateColumns.split(" ").length;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    let next = at + steps[event.key];
    if (event.key === "Home") next = 0;
    if (event.key === "End") next = reachable.length - 1;
    if (event.key === "Delete" && this.focused) this.remove(this.focused);
    if (Number.isNaN(next)) return;
    event.preventDefault();
    if (!(next in reachable)) return;
    const { link } = this.#cards.get(reachable[next]);
    link.focus();
    link.scrollIntoView({ block: "nearest", behavior: stillness.matches ? "auto" : "smooth" });
  }
}
