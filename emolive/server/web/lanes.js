// The narrow lanes of a timeline. `view` has the place (left, width, height) and the time
// (from, to, and x(seconds)) that a lane covers.

import { fitted } from "./dom.js";
import { clock } from "./format.js";
import { fillState, hatch } from "./patterns.js";
import { NO_LABEL, spans } from "./series.js";
import { tr } from "./texts.js";

const TYPE = 'system-ui, "Segoe UI", "DejaVu Sans", sans-serif';
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

/** Moments at which lines are drawn, with room for their times between them. */
export function ticks({ from, to, width }) {
  const least = ((to - from) / width) * (width < 400 ? 52 : 76);
  const step = STEPS_S.find((one) => one >= least) ?? STEPS_S.at(-1);
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return found;
}

/** A canvas with a name in the margin, its ground and a frame; clipped to the lane. */
function begin(canvas, view, appearance, name) {
  const context = fitted(canvas, view.left + view.width + view.right, view.height);
  if (name) {
    context.fillStyle = appearance.colour("muted");
    context.font = `11px ${TYPE}`;
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillText(name, view.left - 6, view.height / 2, view.left - 8);
  }
  context.textAlign = "left";
  context.beginPath();
  context.rect(view.left, 0, view.width, view.height);
  context.clip();
  context.fillStyle = appearance.colour("plot");
  context.fillRect(view.left, 0, view.width, view.height);
  return context;
}

/** Times below all lanes. */
export function drawRuler(canvas, view, appearance) {
  const context = fitted(canvas, view.left + view.width + view.right, view.height);
  context.fillStyle = appearance.colour("muted");
  context.font = `11px ${TYPE}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const at of ticks(view)) {
    const x = view.x(at);
    if (x > view.left + 8 && x < view.left + view.width - 8) context.fillText(clock(at), x, view.height / 2);
  }
}

/** Alerts: a flag where one was raised, a bar for as long as it goes on, and its text. */
export function drawAlerts(canvas, view, appearance, alerts) {
  const context = begin(canvas, view, appearance, tr("alerts"));
  const middle = view.height / 2;
  context.font = `11px ${TYPE}`;
  context.textBaseline = "middle";
  alerts.forEach((alert, i) => {
    const x = view.x(alert.fired_s);
    const end = view.x(alert.end_s ?? view.to);
    const next = i + 1 < alerts.length ? view.x(alerts[i + 1].fired_s) : Infinity;
    if (end < view.left || x > view.left + view.width) return;
    context.fillStyle = appearance.severityColour(alert.severity, 0.2);
    context.fillRect(x, 0, Math.max(2, end - x), view.height);
    context.fillStyle = appearance.severityColour(alert.severity);
    context.fillRect(x, 3, 1.6, view.height - 5);
    context.beginPath();
    context.moveTo(x + 1.5, 3);
    context.lineTo(x + 10, 6.6);
    context.lineTo(x + 1.5, 10.2);
    context.fill();
    // A text stays in view as long as its alert goes on.
    const text = Math.max(x + 14, view.left + 6);
    const room = next - text - 4;
    if (room < 30 || (x < view.left && end < text + 30)) return;
    context.save();
    context.beginPath();
    context.rect(text, 0, room, view.height);
    context.clip();
    context.fillStyle = appearance.colour("text");
    context.fillText(alert.message || alert.rule, text, middle);
    context.restore();
  });
}

/** What was decided, as blocks with names where they fit. */
export function drawDecided(canvas, view, appearance, party, columnS, name, caption) {
  const context = begin(canvas, view, appearance, name);
  const { labels } = party.decisions;
  context.textBaseline = "middle";
  for (const span of spans(party.decisions.rows(view.from, view.to, columnS))) {
    const [left, right] = [view.x(span.start), view.x(span.end)];
    const area = [left, 0, right - left, view.height];
    if (span.label === NO_LABEL || span.state !== "speech") {
      fillState(context, appearance, span.state, area);
      continue;
    }
    const label = labels[span.label];
    context.fillStyle = appearance.fill(label);
    context.fillRect(...area);
    context.font = `600 11px ${TYPE}`;
    // A name stays in view as long as its block does.
    const text = Math.max(left, view.left) + 6;
    if (context.measureText(appearance.name(label)).width <= Math.min(right, view.left + view.width) - text - 4) {
      context.fillStyle = appearance.ink(label);
      context.fillText(appearance.name(label), text, view.height / 2);
    }
  }
  if (!caption) return;
  context.font = `11px ${TYPE}`;
  const width = context.measureText(caption).width;
  context.fillStyle = appearance.colour("plot", 0.92);
  context.fillRect(view.left + 3, 2, width + 12, view.height - 4);
  context.fillStyle = appearance.colour("muted");
  context.fillText(caption, view.left + 9, view.height / 2);
}

/** When a party speaks; `others` speak at the same time: both talk, hatched. */
export function drawTalk(canvas, view, appearance, name, speech, colour, crossed) {
  const context = begin(canvas, view, appearance, name);
  const half = speech.step / 2;
  let first = -1;
  for (let i = 0; i <= speech.at.length; i += 1) {
    const speaks = i < speech.at.length && speech.speech[i];
    if (speaks && first < 0) first = i;
    if (speaks || first < 0) continue;
    const left = view.x(speech.at[first] - half);
    const width = Math.max(1, view.x(speech.at[i - 1] + half) - left);
    context.fillStyle = colour;
    context.fillRect(left, 3, width, view.height - 6);
    if (crossed) {
      context.fillStyle = hatch(context, appearance.colour("plot", 0.9));
      context.fillRect(left, 3, width, view.height - 6);
    }
    first = -1;
  }
}
