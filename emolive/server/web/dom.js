// Making and changing elements. Text is always set as text, never as markup.

/** An element with attributes and children; `on` holds listeners, false and null are left out. */
export function make(tag, { on = {}, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  element.append(...children.filter((child) => child != null));
  return element;
}

/** Set, or with false or null remove, an attribute; touches nothing that stays the same. */
export function setAttribute(element, name, value) {
  if (value === false || value == null) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** Set the text of an element that holds nothing else; touches nothing that stays the same. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Show or hide an element; tells whether that changed anything. */
export function show(element, shown) {
  if (element.hidden !== shown) return false;
  element.hidden = !shown;
  return true;
}

export const find = (selector, within = document) => within.querySelector(selector);

/** Whether the person is typing a text. */
export function inTextField() {
  const element = document.activeElement;
  return element?.matches("textarea, select, input:not([type=checkbox], [type=radio])") ?? false;
}

/** Whether movement is unwelcome. */
export const stillness = matchMedia("(prefers-reduced-motion: reduce)");

/** Fit a canvas to its place at the screen's resolution; its context, in CSS pixels. */
export function fitted(canvas, width, height) {
  const ratio = devicePixelRatio;
  const [across, down] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  const context = canvas.getContext("2d");
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  } else {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, across, down);
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
