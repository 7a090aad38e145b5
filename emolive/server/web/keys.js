// Every key and what it does, in one table; keys without Ctrl or Alt can be turned off.

import { find, inTextField, make } from "./dom.js";
import { mark, tr } from "./texts.js";

const KEPT_UNDER = "emolive.single-keys";
export const KEYS = [
  ["arrows", ["←", "→", "↑", "↓"], mark("From call to call; on a timeline, earlier and later")],
  ["enter", ["Enter"], mark("Open the call")],
  ["acknowledge", ["a"], mark("Acknowledge the alerts of the call")],
  ["remove", ["Delete"], mark("Remove a call that has ended")],
  ["list", ["v"], mark("Cards or a list")],
  ["search", ["/"], mark("Find a call, search the history")],
  ["calls", ["c"], mark("All calls")],
  ["history", ["h"], mark("History")],
  ["back", ["Escape"], mark("Back to all calls")],
  ["live", ["l"], mark("On a timeline: back to live")],
  ["zoom", ["+", "−"], mark("On a timeline: zoom")],
  ["theme", ["t"], mark("Light or dark")],
  ["help", ["?"], mark("This list")],
];

/** Bind the keys that `actions` name. */
export function bindKeys(dialog, actions) {
  const single = find("#single-keys", dialog);
  single.checked = localStorage.getItem(KEPT_UNDER) !== "off";
  single.addEventListener("change", () => localStorage.setItem(KEPT_UNDER, single.checked ? "on" : "off"));
  const shown = (key) => ({ Escape: "Esc" })[key] ?? (key.length === 1 ? key.toUpperCase() : key);
  find("dl", dialog).append(...KEYS.flatMap(([, keys, text]) => [
    make("dt", {}, ...keys.flatMap((key, i) => [i ? " " : "", make("kbd", {}, shown(key))])),
    make("dd", {}, tr(text)),
  ]));
  addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    if (find("dialog[open]") || (event.key.length === 1 && (inTextField() || !single.checked))) return;
    const found = KEYS.find(([action, keys]) => actions[action] && keys.includes(event.key.length === 1 ? event.key.toLowerCase() : event.key));
    if (!found) return;
    if (event.key === "Escape" && inTextField()) {
      document.activeElement.blur();
      return;
    }
    event.preventDefault();
    actions[found[0]]();
  });
}
