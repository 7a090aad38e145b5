// Minutes of unpleasant emotion as a curve, over the decided emotions as a band.

import { TREND_S } from "./calls.js";
import { fitted } from "./dom.js";
import { fillState } from "./patterns.js";

const BAND = 6;
const BETWEEN = 2;
// Answers farther apart than this are not joined by a line.
const GAP_S = 2;

/** Draw a call's trend over the whole of a canvas, `width` times `height` CSS pixels. */
export function drawTrend(canvas, width, height, trend, endS, appearance) {
  const context = fitted(canvas, width, height);
  const floor = height - BAND - BETWEEN;
  context.fillStyle = appearance.colour("plot");
  context.fillRect(0, 0, width, floor);
  context.fillRect(0, height - BAND, width, BAND);
  context.fillStyle = appearance.colour("text", 0.08);
  context.fillRect(0, Math.round(floor / 2), width, 1);
  const { at } = trend;
  if (!at.length) return;
  const scale = width / TREND_S;
  // A young call fills the room from the left.
  const start = Math.max(0, Math.max(endS, at.at(-1)) - TREND_S);
  const x = (time) => (time - start) * scale;
  drawBand(context, trend, x, height, appearance);
  drawCurve(context, trend, x, floor, appearance);
}

function drawBand(context, { at, state, label }, x, height, appearance) {
  const half = typicalStep(at) / 2;
  let first = 0;
  for (let i = 1; i <= at.length; i += 1) {
    const inside = i < at.length && at[i] - at[i - 1] <= GAP_S;
    if (inside && state[i] === state[first] && label[i] === label[first]) continue;
    const left = x(at[first] - half);
    const area = [left, height - BAND, x(at[i - 1] + half) - left, BAND];
    if (state[first] === "speech" && label[first] != null) {
      context.fillStyle = appearance.fill(label[first]);
      context.fillRect(...area);
    } else if (state[first] === "silence") {
      context.fillStyle = appearance.colour("border", 0.43);
      context.fillRect(...area);
    } else {
      fillState(context, appearance, state[first], area);
    }
    first = i;
  }
}

function drawCurve(context, { at, negative }, x, floor, appearance) {
  context.lineWidth = 1.4;
  context.lineJoin = "round";
  const y = (share) => floor - share * (floor - 2) - 1;
  let first = 0;
  for (let i = 1; i <= at.length; i += 1) {
    const known = negative[first] != null;
    const joined = i < at.length && known && negative[i] != null && at[i] - at[i - 1] <= GAP_S;
    if (joined) continue;
    if (known && i - first > 1) {
      const line = new Path2D();
      for (let k = first; k < i; k += 1) line.lineTo(x(at[k]), y(negative[k]));
      const area = new Path2D(line);
      area.lineTo(x(at[i - 1]), floor);
      area.lineTo(x(at[first]), floor);
      context.fillStyle = appearance.colour("danger", 0.17);
      context.fill(area);
      context.strokeStyle = appearance.colour("danger");
      context.stroke(line);
    }
    first = i;
  }
}

function typicalStep(at) {
  if (at.length < 2) return 0.5;
  const steps = at.slice(1).map((time, i) => time - at[i]).sort((one, other) => one - other);
  return steps[steps.length >> 1];
}
