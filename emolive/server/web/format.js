// Numbers and times as people read them, the same as in the app.

import { locale } from "./texts.js";

const NOTHING = "–";

/** A moment: `m:ss`, from one hour on `h:mm:ss`. A second lasts to its end. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A length of time as a clock shows it, rounded to seconds. */
export const length = (seconds) => (seconds == null ? NOTHING : clock(Math.round(seconds)));

/** `3.7 s`, with a real minus; a dash where there is nothing. */
export const seconds = (value, digits = 1) =>
  value == null ? NOTHING : `${number(value, digits)} s`;

/** `3.7 s`, `42 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(value) {
  if (value < 9.95) return seconds(value);
  if (Math.round(value) < 60) return seconds(value, 0);
  const whole = Math.round(value);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  const minutes = Math.round(value / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** `42 %`, with a space that does not break. */
export const percent = (share, digits = 0) =>
  share == null ? NOTHING : `${number(100 * share, digits)}\u00a0%`;

/** A number with a real minus, but none before zero; a dash where there is none. */
export const number = (value, digits = 0) =>
  value == null ? NOTHING : comma(value.toFixed(digits).replace(/^-(?=[0.]+$)/, "").replace("-", "−"));

/** The sign before decimals, as the reader's language has it. */
const comma = (text) => (locale() === "de" || locale() === "es" ? text.replace(".", ",") : text);

/** A day and time in the reader's own time zone and language. */
export const dayAndTime = (iso) =>
  new Date(iso).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
