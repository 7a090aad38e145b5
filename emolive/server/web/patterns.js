// Patterns for what is no emotion: the same on the timeline, the legend and the card.

const TILE = 8;
const SHARPNESS = 2; // for dense screens
const KEPT = new Map();

/** A canvas pattern of diagonal lines 8 pixels apart; `scale`: the context's units per pixel. */
export const hatch = (context, colour, rising = true, scale = 1) =>
  pattern(context, `${colour} ${rising}`, scale, (pen) => {
    pen.strokeStyle = colour;
    pen.lineWidth = 1.3;
    for (const offset of [-TILE, 0, TILE]) { // neighbours too, so that tiles join without a seam
      pen.beginPath();
      pen.moveTo(offset, rising ? TILE : 0);
      pen.lineTo(offset + TILE, rising ? 0 : TILE);
      pen.stroke();
    }
  });

/** A canvas pattern of dots 8 pixels apart. */
export const dots = (context, colour, scale = 1) =>
  pattern(context, `${colour} dots`, scale, (pen) => {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc(TILE / 2, TILE / 2, 1.3, 0, 2 * Math.PI);
    pen.fill();
  });

/**
 * Fill a rectangle with the pattern of a state without an emotion; `over`: on top of something that
 * shall still shine through.
 */
export function fillState(context, appearance, state, area, { over = false, scale = 1 } = {}) {
  const colour = (token, alpha) => appearance.colour(token, alpha);
  const paint = (style) => {
    context.fillStyle = style;
    context.fillRect(...area);
  };
  if (state === "silence") {
    paint(hatch(context, colour("faint", 0.47), false, scale));
  } else if (state === "uncertain") {
    paint(over ? colour("plot", 0.66) : colour("border"));
    paint(hatch(context, colour("text", over ? 0.47 : 0.35), true, scale));
  } else {
    paint(dots(context, colour("muted", 0.67), scale));
  }
}

function pattern(context, key, scale, draw) {
  let tile = KEPT.get(key);
  if (!tile) {
    tile = document.createElement("canvas");
    tile.width = tile.height = TILE * SHARPNESS;
    const pen = tile.getContext("2d");
    pen.scale(SHARPNESS, SHARPNESS);
    draw(pen);
    if (KEPT.size > 32) KEPT.clear();
    KEPT.set(key, tile);
  }
  const made = context.createPattern(tile, "repeat");
  made.setTransform(new DOMMatrix().scale(scale / SHARPNESS));
  return made;
}
