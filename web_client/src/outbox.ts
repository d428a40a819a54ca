/**
 * Posts on their way: pure functions over the list of what has been written and not yet seen in its room.
 *
 * Rules kept here:
 * - A post keeps its `client_msg_id` for ever, so sending it again can never say it twice.
 * - A post leaves the list only when its own event has arrived, or the person discards it. An acknowledgement alone keeps
 *   it on screen, since it may come before the event.
 * - A lost connection turns everything unacknowledged back to `waiting`; a server that was restored from a backup, what
 *   was acknowledged, too: it may be among what the backup does not have.
 * - `busy` and `rate_limited` are tried again later; every other refusal stays, with its reason, until the person decides.
 *
 * Example: `acknowledged(sent(add([], post), id, 1), 1, 42)` holds the post with `seq` 42 until that event is taken.
 */
import type { AttachmentInMessage, EventView } from "./protocol.ts";

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly advice?: string;
}

export interface PendingPost {
  readonly id: string;
  readonly room: string;
  readonly text: string;
  readonly attachments: readonly AttachmentInMessage[];
  /** When it was written, milliseconds since the epoch. */
  readonly at: number;
  readonly state: "waiting" | "sent" | "acknowledged" | "refused";
  readonly ref: number;
  /** When it was last sent, milliseconds; 0 before. */
  readonly sentAt: number;
  readonly seq: number;
  readonly refusal: Refusal | null;
}

export type Outbox = readonly PendingPost[];

const TRY_AGAIN = new Set(["busy", "rate_limited"]);

export function newPost(
  id: string,
  room: string,
  text: string,
  attachments: readonly AttachmentInMessage[],
  at: number,
): PendingPost {
  return { id, room, text, attachments, at, state: "waiting", ref: 0, sentAt: 0, seq: 0, refusal: null };
}

export function sent(outbox: Outbox, id: string, ref: number, now: number): Outbox {
  return change(outbox, (post) => post.id === id, (post) => ({ ...post, state: "sent", ref, sentAt: now, refusal: null }));
}

export function acknowledged(outbox: Outbox, ref: number, seq: number): Outbox {
  return change(outbox, isSent(ref), (post) => ({ ...post, state: "acknowledged", seq }));
}

export function refused(outbox: Outbox, ref: number, refusal: Refusal): Outbox {
  const state = TRY_AGAIN.has(refusal.code) ? "waiting" : "refused";
  return change(outbox, isSent(ref), (post) => ({ ...post, state, refusal }));
}

export function connectionLost(outbox: Outbox): Outbox {
  return change(outbox, (post) => post.state === "sent", (post) => ({ ...post, state: "waiting" }));
}

/** The history in which posts were acknowledged was given up. */
export function historyLost(outbox: Outbox): Outbox {
  return change(outbox, (post) => post.state === "acknowledged", (post) => ({ ...post, state: "waiting", seq: 0 }));
}

/** The person asks for a refused post to be sent once more. */
export function again(outbox: Outbox, id: string): Outbox {
  return change(outbox, (post) => post.id === id, (post) => ({ ...post, state: "waiting", refusal: null }));
}

export function discarded(outbox: Outbox, id: string): Outbox {
  return outbox.filter((post) => post.id !== id);
}

/** Drops what the room now shows: the own event arrived, or the room's cursor has passed an acknowledged seq. */
export function arrived(outbox: Outbox, room: string, entries: readonly EventView[], cursor: number): Outbox {
  if (!outbox.some((post) => post.room === room)) return outbox;
  const shown = new Set(entries.map(clientMessageId));
  const rest = outbox.filter(
    (post) => post.room !== room || !(shown.has(post.id) || (post.state === "acknowledged" && post.seq <= cursor)),
  );
  return rest.length === outbox.length ? outbox : rest;
}

/** Has something been sent and gone unanswered for longer than `limit` milliseconds? */
export function stalled(outbox: Outbox, now: number, limit: number): boolean {
  return outbox.some((post) => post.state === "sent" && now - post.sentAt > limit);
}

function clientMessageId(entry: EventView): string {
  return entry.event.type === "message.posted" ? entry.event.message.client_msg_id : "";
}

function isSent(ref: number): (post: PendingPost) => boolean {
  return (post) => post.state === "sent" && post.ref === ref;
}

function change(outbox: Outbox, which: (post: PendingPost) => boolean, how: (post: PendingPost) => PendingPost): Outbox {
  return outbox.map((post) => (which(post) ? how(post) : post));
}
