/**
 * Times as staff read them: always Asia/Tokyo, whatever the computer's own zone says.
 *
 * Rules kept here: `now` is an argument; the input is RFC 3339 UTC; what cannot be read as a time is shown as it came.
 *
 * Example: `clock("2026-11-22T05:05:00.000Z", "ja")` → `"14:05"`.
 */
import type { Language } from "./messages/index.ts";

const ZONE = "Asia/Tokyo";
const LOCALES: Record<Language, string> = { ja: "ja-JP", en: "en-GB" };

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  let made = formats.get(key);
  if (made === undefined) {
    made = new Intl.DateTimeFormat(LOCALES[language], { timeZone: ZONE, ...options });
    formats.set(key, made);
  }
  return made;
}

function shown(at: string | number, language: Language, options: Intl.DateTimeFormatOptions): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : format(language, options).format(date);
}

/** Hours and minutes. */
export function clock(at: string | number, language: Language): string {
  return shown(at, language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** Date and time in full, for titles and certificates. */
export function dateAndTime(at: string | number, language: Language): string {
  return shown(at, language, {
    year: "numeric",
    month: "long",
    day: "numeric",
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
}

/** The calendar day in Tokyo, sortable: `2026-11-22`. Two times of one day give the same string. */
export function dayOf(at: string | number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "" : new Date(date.getTime() + 9 * 3_600_000).toISOString().slice(0, 10);
}

/** The heading of a day: month, day, weekday; the year only where it is another than now's. */
export function dayHeading(at: string | number, language: Language, now: number): string {
  const options: Intl.DateTimeFormatOptions = { month: "long", day: "numeric", weekday: "short" };
  const otherYear = dayOf(at).slice(0, 4) !== dayOf(now).slice(0, 4);
  return shown(at, language, otherYear ? { year: "numeric", ...options } : options);
}

/** Whole days from `at` to `now` in Tokyo's calendar: 0 today, 1 yesterday. */
export function daysAgo(at: string | number, now: number): number {
  return Math.round((Date.parse(dayOf(now)) - Date.parse(dayOf(at))) / 86_400_000);
}
