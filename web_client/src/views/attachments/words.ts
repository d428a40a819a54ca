/** Counts of what was taken out or mended, and reasons of refusals, as words in the reader's language. */
import { reportMessage, type Counted } from "../../attachment.ts";
import type { Messages } from "../../messages/index.ts";
import type { AttachmentView, ZoneRelease } from "../../protocol.ts";
import { language, t } from "../../store.ts";

/** "JavaScript 2か所、埋め込みファイル1個": the first `most` kinds, then how many further kinds there are. */
export function removedList(counted: readonly Counted[], most = 4): string {
  const words = t.value;
  const first = counted.slice(0, counted.length > most ? most - 1 : most).map(removedWords);
  const text = first.join(words.listSeparator);
  return counted.length > most ? words.andOthers(text, counted.length - first.length) : text;
}

export function removedWords({ kind, count }: Counted): string {
  return t.value.removed[kind]?.(count) ?? t.value.removedOther(kind, count);
}

/** The kinds as the table of words lists them: what can act first, then what is hidden, then personal data. */
export function bySeriousness(counted: readonly Counted[]): Counted[] {
  const order = Object.keys(t.value.removed);
  const place = ({ kind }: Counted): number => (order.includes(kind) ? order.indexOf(kind) : order.length);
  return [...counted].sort((one, other) => place(one) - place(other));
}

/** Why this zone may not read it and what to do: the sanitizer's sentence where it refused, else ours for the server's code. */
export function refusalText(view: AttachmentView | null, release: ZoneRelease): string {
  const words = t.value;
  return reportMessage(view?.report ?? null, release.code, language.value) || words.refusals[release.code ?? ""] || words.refusedFallback;
}

export function changedWords({ kind, count }: Counted): string {
  return t.value.changed[kind]?.(count) ?? t.value.changedOther(kind, count);
}

/** Everything that was done to a released file, as sentences. */
export function treatmentText(removed: readonly Counted[], changed: readonly Counted[]): string {
  const words = t.value;
  if (removed.length === 0 && changed.length === 0) return words.releasedClean;
  const first = removed.length > 0 ? [words.releasedRemoved(removedList(bySeriousness(removed)))] : [];
  return [...first, ...changed.map(changedWords)].join(language.value === "ja" ? "" : " ");
}

/** "page 3" → "3ページ目"; the whole file for none; a place in a file inside is told after that file. */
export function placeName(where: string, words: Messages = t.value): string {
  if (where === "") return words.placeWhole;
  const named = (one: string): string => {
    const [kind = "", number = ""] = one.split(" ");
    return words.places[kind]?.(number) ?? one;
  };
  return where.split("/").map(named).join(words.placeSeparator);
}
