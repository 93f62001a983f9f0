/**
 * Numbers, money and times for people. What is not known is a dash and never a nought; decimals come
 * from the server as text, so that no digit is lost on the way here.
 */

export const UNKNOWN = "–";

const MINUS = "−";
const formats = new Map();

/** Return the number that a value stands for, or null. */
export function numeric(value) {
  if (value === null || value === undefined || value === "" || typeof value === "boolean") return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

function format(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(undefined, options));
  return formats.get(key);
}

function shown(value, options) {
  const number = numeric(value);
  return number === null ? UNKNOWN : format(options).format(number).replace("-", MINUS);
}

/** A number with at most `digits` decimals. */
export function number(value, digits = 0) {
  return shown(value, { maximumFractionDigits: digits });
}

/** A number with exactly `digits` decimals, so that a column lines up. */
export function fixed(value, digits) {
  return shown(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Money, in dollars and cents unless told otherwise. */
export function money(value, digits = 2) {
  return shown(value, {
    style: "currency", currency: "USD", currencyDisplay: "narrowSymbol",
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
}

/** Large money, short: $1.2M. */
export function shortMoney(value) {
  return shown(value, {
    style: "currency", currency: "USD", currencyDisplay: "narrowSymbol",
    notation: "compact", maximumFractionDigits: 1,
  });
}

/** A gain or a loss, always with its sign. */
export function change(value, digits = 2) {
  return shown(value, {
    style: "currency", currency: "USD", currencyDisplay: "narrowSymbol", signDisplay: "exceptZero",
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
}

/** A share from 0 to 1 as per cent. */
export function share(value, digits = 1) {
  return shown(value, {
    style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
}

/** A figure that is per cent already. */
export function percent(value, digits = 1, signed = false) {
  const number = numeric(value);
  if (number === null) return UNKNOWN;
  return shown(number / 100, {
    style: "percent", signDisplay: signed ? "exceptZero" : "auto",
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
}

/** American odds: +150, −110. */
export function odds(value) {
  return shown(value, { signDisplay: "exceptZero", useGrouping: false });
}

/** Bytes, in the unit that suits them. */
export function bytes(value) {
  const number = numeric(value);
  if (number === null) return UNKNOWN;
  const [size, unit] = number >= 1e9 ? [1e9, "gigabyte"] : number >= 1e6 ? [1e6, "megabyte"] : [1e3, "kilobyte"];
  return shown(number / size, { style: "unit", unit, maximumFractionDigits: 1 });
}

/** A span of seconds: 850 ms, 12 s, 3 min, 2 h, 5 d. */
export function span(value) {
  const s = numeric(value);
  if (s === null) return UNKNOWN;
  if (s < 1) return `${number(s * 1000, s < 0.01 ? 1 : 0)} ms`;
  if (s < 120) return `${number(s, s < 10 ? 1 : 0)} s`;
  if (s < 7200) return `${number(s / 60)} min`;
  return s < 172_800 ? `${number(s / 3600, 1)} h` : `${number(s / 86_400)} d`;
}

function moment(value, options) {
  if (value === null || value === undefined) return UNKNOWN;
  const at = value instanceof Date ? value : new Date(value);
  return Number.isNaN(at.getTime()) ? UNKNOWN : new Intl.DateTimeFormat(undefined, options).format(at);
}

/** A time of day, to the second. */
export function clockTime(value) {
  return moment(value, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
}

/** A day and a time of day, without the year. */
export function dayTime(value) {
  return moment(value, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** A time of day where it is today's, else with its day. */
export function nearTime(value, now) {
  const isToday = value && new Date(value).toDateString() === now.toDateString();
  return isToday ? moment(value, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) : dayTime(value);
}

/** A day of the week and a time with its zone, for what is less than a week ahead. */
export function weekTime(value) {
  return moment(value, { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" });
}

/** A day without a time; it is the same day wherever it is read. */
export function day(value) {
  const date = typeof value === "string" && value.length === 10 ? `${value}T00:00:00Z` : value;
  return moment(date, { month: "short", day: "numeric", year: "numeric", timeZone: "UTC" });
}
