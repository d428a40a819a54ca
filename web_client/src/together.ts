/**
 * What several pages of one person on one computer keep in one place, so that none writes over what another holds.
 *
 * Rules kept here: a page takes out only what it has had itself; a post that two pages have is one (its `id`); of a room's
 * draft the last keystroke counts, and no page touches drafts of rooms in which it was not written.
 *
 * Example: `postsTogether([a, b], [c], new Set(["a"]))` is `[b, c]`: `a` was ours and is sent, `b` another page's.
 */
import type { Outbox } from "./outbox.ts";

/** The posts to keep: others' as they are kept, then ours. `had`: the ids of all that this page has ever held. */
export function postsTogether(kept: Outbox, ours: Outbox, had: ReadonlySet<string>): Outbox {
  return [...kept.filter((post) => !had.has(post.id)), ...ours];
}

/** The drafts to keep, of which this page has just changed `room`'s; undefined: it is empty now. */
export function draftsTogether<D>(kept: Readonly<Record<string, D>>, room: string, draft: D | undefined): Record<string, D> {
  const { [room]: _old, ...others } = kept;
  return draft === undefined ? others : { ...others, [room]: draft };
}
