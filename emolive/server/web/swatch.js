// A small square in an emotion's colour.

import { setAttribute } from "./dom.js";

/** A label's colour, or the pattern of a state. */
export function paintSwatch(swatch, { label, state }, appearance) {
  setAttribute(swatch, "data-state", label == null ? (state ?? "none") : "speech");
  const fill = label == null ? "" : appearance.fill(label);
  if (swatch.dataset.fill !== fill) {
    swatch.dataset.fill = fill;
    swatch.style.backgroundColor = fill;
  }
}
