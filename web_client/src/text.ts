/**
 * Small pure functions over text and numbers shown to people.
 *
 * Rules kept here: text of others stays text (no markup is ever made from it); only http and https addresses become links.
 *
 * Example: `pieces("見る https://example.jp/。")` → `[{text: "見る "}, {text: "https://example.jp/", href: …}, {text: "。"}]`.
 */

export interface Piece {
  readonly text: string;
  readonly href?: string;
}

const ADDRESS = /https?:\/\/[^\s<>"'`「」『』()（）【】、。，．！？\u0000-\u001f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+/giu;
const TRAILING = /[.,;:!?'")\]}]+$/u;

/** The text cut at its addresses. Joined again, the pieces' texts are the text. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(TRAILING, "");
    if (!isWebAddress(address)) continue;
    if (match.index > end) found.push({ text: text.slice(end, match.index) });
    found.push({ text: address, href: address });
    end = match.index + address.length;
  }
  if (end < text.length || found.length === 0) found.push({ text: text.slice(end) });
  return found;
}

function isWebAddress(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}

/** A size in bytes as people read it: `820 B`, `12 KB`, `3.4 MB`. */
export function fileSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  for (const [unit, size] of [["KB", 1_000], ["MB", 1_000_000], ["GB", 1_000_000_000]] as const) {
    const value = bytes / size;
    if (Math.round(value) < 1_000 || unit === "GB") return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
  }
  return `${bytes} B`;
}

/** The extension in upper case, at most five characters: what a type icon says. */
export function fileKind(name: string): string {
  const dot = name.lastIndexOf(".");
  const extension = dot > 0 ? name.slice(dot + 1).toUpperCase() : "";
  return /^[A-Z0-9]{1,5}$/.test(extension) ? extension : "";
}

/** The character that stands for a person in a round mark: the first one as read, not as encoded. */
export function initial(name: string): string {
  const first = new Intl.Segmenter("ja", { granularity: "grapheme" }).segment(name.trim())[Symbol.iterator]().next();
  return first.done ? "？" : first.value.segment.toUpperCase();
}

/** One of `count` colours for a name: the same name always gets the same. */
export function colourOf(name: string, count: number): number {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return sum % count;
}

/** How many characters people see (graphemes), which is what the length limit counts. */
export function visibleLength(text: string): number {
  let length = 0;
  for (const _ of new Intl.Segmenter("ja", { granularity: "grapheme" }).segment(text)) length += 1;
  return length;
}

/** Is the sentence in this language, as far as its letters tell? Kana make it Japanese; an empty one is in none. */
export function isIn(language: "ja" | "en", sentence: string): boolean {
  if (sentence === "") return false;
  return /[\u3041-\u30fe]/.test(sentence) === (language === "ja");
}
