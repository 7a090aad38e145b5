// Texts in the reader's language, from the same catalogues as the app's; English where there is none.

let texts = {};
let plurals = {};
let code = "en";

/** Learn the language that the address (?language=de), or else the browser, asks for. */
export async function learnLanguage() {
  const wanted = new URLSearchParams(location.search).get("language");
  try {
    const answer = await fetch(`v1/texts${wanted ? `?${new URLSearchParams({ language: wanted })}` : ""}`);
    if (!answer.ok) return;
    ({ language: code, texts, plurals } = await answer.json());
  } catch {
    return; // the page tells by itself that the server does not answer
  }
  document.documentElement.lang = code;
  translate(document.body);
}

/** What dates and numbers are written by: the browser's own English, or the language. */
export const locale = () => (code === "en" ? [] : code);

/** A text, with values put in by name, as `{count: 3}` for `{count}`. */
export const tr = (text, values = {}) => filled(texts[text] ?? text, values);

/** Mark a text that is translated where it is shown. */
export const mark = (text) => text;

/** The same for a number, which is `count`. */
export function ntr(one, many, count, values = {}) {
  const said = plurals[one] ?? [one, many];
  return filled(said[count === 1 ? 0 : said.length - 1], { count, ...values });
}

/** What the server says in parts (see `parts_of` in emolive/i18n.py), as a text. */
function say(parts) {
  if (!Array.isArray(parts)) return parts;
  const [how, ...rest] = parts;
  if (how === "decimal") return written(...rest);
  const values = Object.fromEntries(Object.entries(rest.pop()).map(([name, value]) => [name, say(value)]));
  return how === "ntr" ? ntr(...rest, values) : tr(...rest, values);
}

/** A number as the reader's language writes it; `digits` null: as many as it has. */
export function written(value, digits = null) {
  const places = digits === null ? { maximumSignificantDigits: 6 } : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString(code, { useGrouping: "always", ...places }).replace("-", "−");
}

/** JSON from the server, its sentences in the reader's language. */
export const parsed = (json) =>
  JSON.parse(json, (_, value) => {
    for (const [name, parts] of Object.entries(value?.said ?? {})) value[name] = say(parts);
    return value;
  });

/** The code of the language in use. */
export const language = () => code;

/** Names that are not known as texts here stay as they are. */
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** Put the page's own texts into the language. */
function translate(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const text = node.data.trim();
    if (text && text in texts) node.data = node.data.replace(text, texts[text]);
  }
  for (const name of ["title", "aria-label", "placeholder"]) {
    for (const element of root.querySelectorAll(`[${name}]`)) element.setAttribute(name, tr(element.getAttribute(name)));
  }
}
