// The recorded sound of a past call: one player for all parties, each of which can be muted.

import { make, show } from "./dom.js";
import { tr } from "./texts.js";

// Players that are further apart than this are put together again.
const APART_S = 0.08;

export class Sound {
  #voices = [];

  constructor(root, appearance, changed) {
    this.root = root;
    this.appearance = appearance;
    this.changed = changed;
  }

  /** The sound of a session, where it has some; null: none. */
  open(session) {
    const streams = session?.has_audio ? session.streams : [];
    this.#voices = streams.map(({ stream }) => {
      const source = `v1/sessions/${encodeURIComponent(session.id)}/audio/${encodeURIComponent(stream)}`;
      const audio = make("audio", { preload: "metadata", src: source });
      audio.addEventListener("error", () => this.#without(audio));
      return { stream, audio };
    });
    this.#show();
  }

  close() {
    for (const { audio } of this.#voices) audio.pause();
    this.open(null);
  }

  get playing() {
    return this.#voices.length > 0 && !this.#first.paused;
  }

  /** The moment that is heard, or null before anything was. */
  get at() {
    if (!this.#voices.length || (this.#first.paused && this.#first.currentTime === 0)) return null;
    return this.#first.currentTime;
  }

  seek(at) {
    for (const { audio } of this.#voices) audio.currentTime = at;
  }

  get #first() {
    return this.#voices[0].audio;
  }

  /** Not every party's sound need have been kept. */
  #without(audio) {
    this.#voices = this.#voices.filter((voice) => voice.audio !== audio);
    this.#show();
  }

  #show() {
    const [first, ...others] = this.#voices;
    show(this.root, Boolean(first));
    this.root.replaceChildren();
    if (!first) return;
    first.audio.controls = true;
    first.audio.setAttribute("aria-label", tr("Recorded sound"));
    this.#lead(first.audio, others.map(({ audio }) => audio));
    this.root.append(first.audio);
    if (!others.length) return;
    for (const { stream, audio } of this.#voices) {
      const heard = make("input", { type: "checkbox", on: { change: () => { audio.muted = !heard.checked; } } });
      heard.checked = !audio.muted;
      this.root.append(make("label", {}, heard, this.appearance.streamName(stream)));
    }
  }

  /** The others do what the first does. */
  #lead(first, others) {
    const follow = () => {
      for (const audio of others) {
        audio.playbackRate = first.playbackRate;
        audio.volume = first.volume;
        if (Math.abs(audio.currentTime - first.currentTime) > APART_S) audio.currentTime = first.currentTime;
        if (audio.paused === first.paused) continue;
        if (first.paused) audio.pause();
        else audio.play().catch(() => first.pause());
      }
      this.changed();
    };
    for (const name of ["play", "pause", "seeked", "ratechange", "volumechange", "timeupdate"]) first["on" + name] = follow;
  }
}
