// Small line icons, the same shapes as in the app.

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = {
  back: [["path", { d: "M11 4 L6 9 L11 14" }]],
  bell: [
    ["path", {
      d: "M4 12.8h10c-1.4-1.5-1.5-2.6-1.5-4.8a3.5 3.5 0 0 0-7 0c0 2.2-.1 3.3-1.5 4.8zM7.6 14.8a1.5 1.5 0 0 0 2.8 0",
    }],
  ],
  calls: [
    ["path", {
      d: "M4.2 2.8h2.4l1.2 3.2-1.6 1.2a9 9 0 0 0 4.6 4.6l1.2-1.6 3.2 1.2v2.4c0 .8-.6 1.4-1.4 1.4C7.6 15.2 2.8 10.4 2.8 4.2c0-.8.6-1.4 1.4-1.4z",
    }],
  ],
  close: [["path", { d: "M5 5 L13 13 M13 5 L5 13" }]],
  flag: [["path", { d: "M4 2.6v13.2" }], ["path", { d: "M4.600 2.600 L14.500 6.200 L4.600 9.800 Z", fill: "currentColor" }]],
  history: [
    ["path", { d: "M3 4.5h12M3 9h12M3 13.5h7" }],
    ["circle", { cx: 13.6, cy: 13.2, r: 2.1 }],
  ],
  keyboard: [
    ["rect", { x: 2, y: 4.5, width: 14, height: 9, rx: 1.6 }],
    ["path", { d: "M5 7.6h.1M8 7.6h.1M11 7.6h.1M13.2 7.6h.1M6 10.6h6" }],
  ],
  leave: [["path", { d: "M7.500 3H3.500v12h4M7 9h8M12 5.800L15.200 9 12 12.200" }]],
  list: [["path", { d: "M3 4.5h12M3 9h12M3 13.5h12" }]],
  search: [["circle", { cx: 8, cy: 8, r: 5 }], ["path", { d: "M11.8 11.8L15.4 15.4" }]],
  theme: [
    ["circle", { cx: 9, cy: 9, r: 6.2 }],
    ["path", { d: "M9 2.8a6.2 6.2 0 0 1 0 12.4z", fill: "currentColor" }],
  ],
  tiles: [["path", { d: "M3 3h5v5H3zM10.5 3h5v5h-5zM3 10.5h5v5H3zM10.5 10.5h5v5h-5z" }]],
  warning: [["path", { d: "M9 2.8 L16 14.8 H2 Z" }], ["path", { d: "M9 7.2v3.4M9 12.5v.4" }]],
};

/** A picture beside a text; nothing to screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const frame = {
    viewBox: "0 0 18 18", class: "icon", fill: "none", stroke: "currentColor", "stroke-width": 1.6,
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true", focusable: "false",
  };
  for (const [key, value] of Object.entries(frame)) svg.setAttribute(key, value);
  for (const [tag, attributes] of SHAPES[name]) {
    const shape = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    svg.append(shape);
  }
  return svg;
}

/** Put the icons where the page's markup names them with `data-icon`. */
export function placeIcons(root) {
  for (const place of root.querySelectorAll("[data-icon]")) place.prepend(icon(place.dataset.icon));
}
