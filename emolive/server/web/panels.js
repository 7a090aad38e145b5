// The plots of a timeline, on uPlot: class probabilities as stacked areas, and levels.

import { make } from "./dom.js";
import { fillState } from "./patterns.js";
import { answered, spans, stretches } from "./series.js";
import { ticks } from "./lanes.js";

// Published minified as a script, not as a module: index.html loads it first.
const { uPlot } = window;
const FLOOR_DBFS = -60;
// So that the lowest and the highest number of a scale are not cut.
const INSET = 6;
// Areas a little softer than the band, which holds the answer.
const AREA_STRENGTH = 0.86;
const TYPE = '11px system-ui, "Segoe UI", "DejaVu Sans", sans-serif';

/** What both have in common; `view` is the place and time that the lanes have, too. */
class Panel {
  constructor(appearance, height) {
    this.appearance = appearance;
    this.element = make("div", { class: "plot" });
    this.height = height;
    this.view = null;
  }

  options(view, series, y, hooks = {}) {
    const { appearance } = this;
    const line = { stroke: appearance.colour("text", 0.09), width: 1 };
    return {
      width: view.left + view.width + view.right,
      height: this.height,
      padding: [INSET, view.right, INSET, 0],
      legend: { show: false },
      cursor: { show: false },
      // Lines of time go over the areas.
      drawOrder: ["series", "axes"],
      scales: { x: { time: false, auto: false }, y: { auto: false, range: y.range } },
      axes: [
        { size: 0, ticks: { show: false }, values: () => [], splits: () => ticks(this.view), grid: line },
        {
          size: view.left, gap: 6, ticks: { show: false }, grid: line, font: TYPE,
          stroke: appearance.colour("muted"), splits: () => y.splits, values: () => y.names,
        },
      ],
      series: [{}, ...series.map((one) => ({ points: { show: false }, spanGaps: false, ...one }))],
      hooks,
    };
  }

  /** Make or fit the plot, and draw. */
  show(view, data) {
    const fits = this.plot && this.view.left === view.left && this.dark === this.appearance.dark;
    this.view = view;
    if (!fits) {
      this.destroy();
      this.dark = this.appearance.dark;
      this.plot = new uPlot(this.made(view), data, this.element);
    }
    const width = view.left + view.width + view.right;
    if (this.plot.width !== width || this.plot.height !== this.height) this.plot.setSize({ width, height: this.height });
    this.plot.batch(() => {
      this.plot.setData(data, false);
      this.plot.setScale("x", { min: view.from, max: view.to });
    });
  }

  destroy() {
    this.plot?.destroy();
    this.plot = null;
  }
}

/** Probabilities of the classes; silence and uncertain are hatched, holes are empty. */
export class ProbabilityPanel extends Panel {
  constructor(appearance, height, party) {
    super(appearance, height);
    this.party = party;
  }

  made(view) {
    const { appearance } = this;
    const edge = appearance.colour("plot", 0.66);
    // From the highest to the lowest, each over the one before.
    const areas = this.party.decisions.labels.toReversed().map((label) => ({
      stroke: edge, width: 1, fill: appearance.softened(label, AREA_STRENGTH), fillTo: 0,
    }));
    const y = { range: [0, 1], splits: [0, 0.5, 1], names: this.height < 90 ? ["0", "", "100 %"] : ["0", "50 %", "100 %"] };
    return this.options(view, areas, y, { draw: [(plot) => this.#patterns(plot)] });
  }

  draw(view, columnS) {
    this.rows = this.party.decisions.rows(view.from, view.to, columnS);
    this.show(view, stacked(this.rows, this.party.decisions.labels.length));
  }

  #patterns(plot) {
    const { ctx: context, bbox } = plot;
    context.save();
    context.beginPath();
    context.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    context.clip();
    for (const span of spans(this.rows)) {
      if (span.state === "speech") continue;
      const left = plot.valToPos(span.start, "x", true);
      const right = plot.valToPos(span.end, "x", true);
      const area = [left, bbox.top, right - left, bbox.height];
      fillState(context, this.appearance, span.state, area, { over: span.state === "uncertain", scale: devicePixelRatio });
    }
    context.restore();
  }
}

/** Level as an area, peak as a line. */
export class LevelPanel extends Panel {
  constructor(appearance, height, party) {
    super(appearance, height);
    this.party = party;
  }

  made(view) {
    const { appearance } = this;
    const series = [
      { fill: appearance.colour("accent", 0.37), fillTo: FLOOR_DBFS, width: 0 },
      { stroke: appearance.colour("accent", 0.67), width: 1 },
    ];
    return this.options(view, series, { range: [FLOOR_DBFS, 0], splits: [-30], names: ["−30 dB"] });
  }

  draw(view) {
    const found = this.party.levels.columns(view.from, view.to, (view.to - view.from) / view.width);
    const kept = (values) => values.map((value) => (value == null ? null : Math.min(0, Math.max(FLOOR_DBFS, value))));
    this.show(view, [found.at, kept(found.level), kept(found.peak)]);
  }
}

/** Times, and from the last class to the first what it and those before it add up to. */
function stacked(rows, n) {
  const at = [];
  const tops = Array.from({ length: n }, () => []);
  const put = (time, row) => {
    at.push(time);
    let sum = 0;
    for (let k = 0; k < n; k += 1) {
      sum += row == null ? 0 : rows.shares[row * n + k];
      tops[n - 1 - k].push(row == null ? null : Math.min(1, sum));
    }
  };
  for (const [first, last] of stretches(rows)) {
    if (!answered(rows.state[first])) continue;
    // Each stretch is half a step wider than its outer answers, and ends in a hole.
    put(rows.at[first] - rows.step / 2, first);
    for (let row = first; row < last; row += 1) put(rows.at[row], row);
    put(rows.at[last - 1] + rows.step / 2, last - 1);
    put(rows.at[last - 1] + rows.step / 2 + 1e-6, null);
  }
  return [at, ...tops];
}
