/** Counts of what was taken out or mended, as words in the reader's language. */
import type { Counted } from "../../attachment.ts";
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

function changedWords({ kind, count }: Counted): string {
  return t.value.changed[kind]?.(count) ?? t.value.changedOther(kind, count);
}

/** Everything that was done to a released file, as sentences. */
export function treatmentText(removed: readonly Counted[], changed: readonly Counted[]): string {
  const words = t.value;
  if (removed.length === 0 && changed.length === 0) return words.releasedClean;
  const first = removed.length > 0 ? [words.releasedRemoved(removedList(removed))] : [];
  return [...first, ...changed.map(changedWords)].join(language.value === "ja" ? "" : " ");
}
