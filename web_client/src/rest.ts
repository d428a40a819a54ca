/**
 * What the server rests from, as one word for which there is a sentence.
 *
 * Rules kept here: the most that a person may miss is said, and only that; a full disk is said before a busy server, since
 * somebody has to act; a word that this client does not know (a newer server's) says nothing.
 *
 * Example: `restOf({why: ["busy"], paused: ["marks", "previews"]})` is `"previews"`.
 */
import type { NoticeReason, Paused } from "./protocol.ts";

export interface Notice {
  readonly why: readonly NoticeReason[];
  readonly paused: readonly Paused[];
}

export type Rest = "readOnly" | "noFiles" | "uploads" | "search" | "previews" | "marks";

const MOST_FIRST: readonly Exclude<Paused, "posts">[] = ["uploads", "search", "previews", "marks"];

export function restOf(notice: Notice | null): Rest | null {
  if (notice === null) return null;
  if (notice.paused.includes("posts")) return "readOnly";
  const full = notice.why.includes("storage") && notice.paused.includes("uploads");
  if (full && !notice.paused.includes("search")) return "noFiles";
  return MOST_FIRST.find((each) => notice.paused.includes(each)) ?? null;
}
