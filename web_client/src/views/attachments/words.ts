/** Counts of what was taken out, as words in the reader's language. */
import type { Counted } from "../../attachment.ts";
import { t } from "../../store.ts";

/** "JavaScript 2か所、埋め込みファイル1個": the first `most` kinds, then how many further kinds there are. */
export function listed(counted: readonly Counted[], most = 4): string {
  const words = t.value;
  const first = counted.slice(0, counted.length > most ? most - 1 : most).map(inWords);
  const text = first.join(words.listSeparator);
  return counted.length > most ? words.andOthers(text, counted.length - first.length) : text;
}

export function inWords({ kind, count }: Counted): string {
  return t.value.removed[kind]?.(count) ?? t.value.removedOther(kind, count);
}
