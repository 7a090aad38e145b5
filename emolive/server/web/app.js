// The page: who is logged in, which part is shown, and one frame after another while something moves.

import { ApiError, Feed, request } from "./api.js";
import { Appearance } from "./appearance.js";
import { CallHistory } from "./call_history.js";
import { Call, Calls } from "./calls.js";
import { CallView } from "./call_view.js";
import { find, setAttribute, setText, show } from "./dom.js";
import { History } from "./history.js";
import { placeIcons } from "./icons.js";
import { bindKeys } from "./keys.js";
import { askForToken, forget, whoAmI } from "./log_in.js";
import { learnLanguage, locale, tr } from "./texts.js";
import { Wall } from "./wall.js";

// Without anything new, the wall is looked at this often: for its order, and its clocks.
const IDLE_MS = 1000;
const MESSAGE_MS = 7000;
const states = () => ({ connecting: tr("connecting…"), open: tr("live"), lost: tr("connection lost") });

class App {
  #frame = 0;
  #feed = null;
  #callFeed = null;
  #live = false;
  #page = "";
  #routed = 0;
  #telling = 0;
  who = null;

  constructor() {
    placeIcons(document);
    this.appearance = new Appearance();
    this.calls = new Calls(this.appearance);
    const changed = () => this.schedule();
    this.wall = new Wall(find("#wall"), this.calls, this.appearance, {
      acknowledge: (call) => this.acknowledge(call, null),
      changed,
    });
    this.view = new CallView(find("#call"), find("#meanings"), this.appearance, {
      acknowledge: (call, alert) => this.acknowledge(call, alert),
      end: (call) => this.#try(() => request(`v1/calls/${encodeURIComponent(call.id)}`, { method: "DELETE" })),
      changed,
    });
    this.history = new History(find("#history"), this.appearance, (query) => {
      const wanted = `#/history${query ? `?q=${encodeURIComponent(query)}` : ""}`;
      if (location.hash === wanted) this.#route();
      else location.hash = wanted;
    });
    this.#bind();
  }

  /** Log in where that is needed, and show what the address names. */
  async start(reason = "") {
    this.#stop();
    try {
      this.who = await whoAmI();
    } catch (error) {
      this.#unreachable(error);
      return;
    }
    if (!this.who) {
      this.#showPage("log-in");
      this.who = await askForToken(find("#log-in"), reason);
    }
    show(find("#bar nav"), true);
    show(find("#leave"), true);
    await this.#learn();
    this.#feed = new Feed("v1/watch", (message) => this.#take(message));
    this.#feed.addEventListener("state", () => this.#showState());
    this.#showState();
    this.#route();
  }

  /** Draw soon: with the next frame of the screen. */
  schedule() {
    if (!this.#frame) this.#frame = requestAnimationFrame((at) => this.#draw(at / 1000));
  }

  /** Somebody has seen to an alert, or with null to all of a call. */
  async acknowledge(call, alert) {
    const numbers = alert?.number == null ? null : [alert.number];
    if (alert) alert.acknowledged = true;
    else call.acknowledge();
    call.version += 1;
    this.calls.changed.add(call.id);
    this.schedule();
    try {
      await request(`v1/calls/${encodeURIComponent(call.id)}/acknowledge`, { method: "POST", body: { numbers } });
    } catch (error) {
      this.#tell(error.message);
    }
  }

  #bind() {
    addEventListener("hashchange", () => this.#route());
    setInterval(() => this.schedule(), IDLE_MS);
    addEventListener("resize", () => this.schedule());
    this.appearance.addEventListener("change", () => this.schedule());
    find("#theme").addEventListener("click", () => this.appearance.switch());
    find("#help").addEventListener("click", () => find("#keys").showModal());
    find("#lost button").addEventListener("click", () => (this.#feed ? this.#feed.open() : this.start()));
    find("#leave").addEventListener("click", async () => {
      await this.#try(() => request("v1/logout", { method: "POST" }));
      forget();
      this.start();
    });
    for (const name of ["pointermove", "pointerdown", "keydown", "wheel"]) {
      find("#timeline").addEventListener(name, () => this.schedule());
    }
    find("#call").addEventListener("click", () => this.schedule());
    const go = (hash) => () => { location.hash = hash; };
    bindKeys(find("#keys"), {
      acknowledge: () => {
        const call = this.#page === "call" ? this.view.call : this.wall.focused;
        if (call?.waiting.length) this.acknowledge(call, null);
      },
      list: () => { if (this.#page === "wall") this.wall.showList(!this.wall.asList); },
      search: () => {
        if (this.#page === "wall") this.wall.focusFilter();
        else if (this.#page === "history") this.history.focus();
        else location.hash = "#/history";
      },
      calls: go("#/"),
      history: go("#/history"),
      back: () => { if (this.#page === "call") location.hash = find("#back").getAttribute("href"); },
      live: () => { if (this.#page === "call") this.view.timeline.follow(); this.schedule(); },
      theme: () => this.appearance.switch(),
      help: () => find("#keys").showModal(),
    });
  }

  #stop() {
    this.#feed?.close();
    this.#feed = null;
    this.#leaveCall();
    this.calls.apply({ type: "snapshot", calls: [] });
    show(find("#bar nav"), false);
    show(find("#leave"), false);
    this.#showState();
  }

  async #learn() {
    const about = await this.#try(() => request("v1/appearance"));
    if (about) this.appearance.learn(about);
  }

  #take(message) {
    const call = this.calls.apply(message);
    if (message.type === "snapshot" && message.labels) this.#know(message.labels);
    if (message.type === "alert" && call && message.severity !== "info") this.#announce(`${call.info.name}: ${message.message}`);
    this.schedule();
  }

  /** Learn the names and colours of labels of another model. */
  async #know(labels) {
    const unknown = this.appearance.unknown(labels);
    if (!unknown.length) return;
    const about = await this.#try(() => request(`v1/appearance?${new URLSearchParams({ labels: unknown.join(",") })}`));
    if (about) this.appearance.add(about.labels);
  }

  #draw(now) {
    this.#frame = 0;
    this.wall.refresh(now, this.#page === "wall");
    if (this.#page !== "call") return;
    this.view.refresh(now);
    if (this.view.sound.playing || (this.#live && this.view.call && !this.view.call.over)) this.schedule();
  }

  async #route() {
    if (!this.#feed) return;
    const routed = (this.#routed += 1);
    const current = () => routed === this.#routed;
    const [path, search] = location.hash.replace(/^#/, "").split("?");
    const [, page = "", id = ""] = path.split("/").map(decodeURIComponent);
    const parameters = new URLSearchParams(search ?? "");
    this.#leaveCall();
    try {
      if (page === "calls" && id) await this.#openCall(id, current);
      else if (page === "history" && id) await this.#openSession(id, parameters, current);
      else if (page === "history") {
        this.#showPage("history");
        await this.history.open(parameters.get("q") ?? "");
      } else {
        const before = this.#page;
        this.#showPage("wall");
        // A page that was just loaded is read from its beginning.
        if (before) this.wall.focus();
      }
    } catch (error) {
      if (!current()) return;
      if (error.status === 401) this.start(tr("You were logged out. Log in again."));
      else if (error instanceof ApiError) {
        this.#tell(error.message);
        location.hash = page === "history" ? "#/history" : "#/";
      } else throw error;
    }
    this.schedule();
  }

  async #openCall(id, current) {
    const address = `v1/calls/${encodeURIComponent(id)}`;
    const call = this.calls.byId.get(id) ?? new Call(await request(address), this.appearance);
    if (!current()) return;
    const { appearance } = this;
    const history = new CallHistory(appearance.labels, appearance.about.hop_s, call.streams);
    const take = (past) => {
      if (!past) return;
      for (const alert of past.alerts ?? []) call.apply({ ...alert, type: "alert" });
      history.fill(past);
    };
    this.#callFeed = new Feed(`${address}/watch`, (message) => {
      if (message.type === "snapshot") {
        history.declare(call.streams);
        take(message.history);
      } else {
        if (message.info) history.declare(message.info.streams ?? []);
        history.apply(message);
      }
      this.schedule();
    });
    this.#live = true;
    this.#showPage("call");
    this.view.open(call, history, { back: "#/", mayEnd: this.who.scopes.includes("admin") });
  }

  async #openSession(id, parameters, current) {
    const session = await request(`v1/sessions/${encodeURIComponent(id)}`);
    if (!current()) return;
    await this.#know(session.labels);
    if (!current()) return;
    const streams = session.streams.map((one) => ({ ...one, stream: one.stream ?? one.name }));
    const alerts = session.alerts.map((one) => ({ ...one, fired_s: one.fired_s ?? one.at_s }));
    const info = {
      id, name: session.title || session.file || id, state: "stopped", streams, alerts,
      started_at: session.started_at, elapsed_s: session.duration_s, conversation: session.conversation,
    };
    this.#showPage("call");
    const call = new Call(info, this.appearance);
    this.view.open(call, CallHistory.ofSession({ ...session, streams }), { past: { ...session, id, streams }, back: "#/history" });
    if (parameters.has("at")) this.view.showMoment(Number(parameters.get("at")));
  }

  #leaveCall() {
    this.#callFeed?.close();
    this.#callFeed = null;
    this.#live = false;
    this.view.close();
  }

  #showPage(page) {
    this.#page = page;
    for (const one of ["log-in", "wall", "call", "history"]) show(find(`#${one}`), one === page);
    const tab = page === "history" || location.hash.startsWith("#/history") ? "history" : "calls";
    for (const link of document.querySelectorAll("#bar nav a")) {
      setAttribute(link, "aria-current", link.dataset.page === tab ? "page" : null);
    }
    scrollTo(0, 0);
  }

  #showState() {
    const state = this.#feed?.state ?? "";
    if (state === "refused") {
      this.start(tr("You were logged out. Log in again."));
      return;
    }
    const place = find("#connection");
    setAttribute(place, "data-state", state || null);
    const said = states()[state];
    setText(place, said ?? "");
    setAttribute(place, "title", said ?? null);
    const lost = state === "lost" || (state === "connecting" && document.body.classList.contains("stale"));
    document.body.classList.toggle("stale", lost);
    if (state === "lost") {
      const since = new Date().toLocaleTimeString(locale(), { timeStyle: "medium" });
      this.lostAt ??= since;
      setText(find("#lost span"), tr("The connection to the server was lost at {time}. What is shown is from then; it is tried again by itself.", { time: this.lostAt }));
    } else if (state === "open") this.lostAt = null;
    else if (state === "forbidden") setText(find("#lost span"), tr("This token may not watch calls."));
    show(find("#lost"), lost || state === "forbidden");
    this.schedule();
  }

  #unreachable(error) {
    this.#showPage("");
    setText(find("#lost span"), error.message);
    show(find("#lost"), true);
  }

  /** For screen readers alone: what others see on a card. */
  #announce(text) {
    setText(find("#announcements"), text);
  }

  /** A sentence that is seen for a while. */
  #tell(text) {
    const message = find("#message");
    setText(message, text);
    show(message, true);
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => show(message, false), MESSAGE_MS);
  }

  /** What a request answers, or null after its problem was told. */
  async #try(asked) {
    try {
      return await asked();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#tell(error.message);
      return null;
    }
  }
}

await learnLanguage();
new App().start();
