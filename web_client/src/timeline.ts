/**
 * From events to the rows of the timeline: pure.
 *
 * Rules kept here: a day's heading stands before its first row; the unread line stands before the first event of others
 * after the mark and does not move; posts of one person from one zone within five minutes are joined; neighbouring
 * withheld posts become one row; what is no talk (verdicts) makes no row.
 *
 * Example: `rows([a, b], user, 0)` → `[{kind: "day"}, {kind: "unread"}, {kind: "message", joined: false}, …]`.
 */
import { isNews } from "./model.ts";
import type { Actor, EventView, MembersChanged, MessageView, User } from "./protocol.ts";
import { dayOf } from "./time.ts";

export type Row =
  | { kind: "day"; key: string; at: string }
  | { kind: "unread"; key: string }
  | { kind: "message"; key: string; entry: EventView; message: MessageView; joined: boolean }
  | { kind: "withheld"; key: string; at: string; count: number }
  | { kind: "members"; key: string; at: string; change: MembersChanged };

const JOIN_WITHIN = 5 * 60_000;

/** `readUpTo`: the read mark when the room was opened; `Infinity` where nothing was unread. */
export function rows(entries: readonly EventView[], user: User | null, readUpTo: number): Row[] {
  const made: Row[] = [];
  let day = "";
  let lineDrawn = false;
  for (const entry of entries) {
    if (entry.event.type === "attachment.judged") continue;
    if (dayOf(entry.at) !== day) {
      day = dayOf(entry.at);
      made.push({ kind: "day", key: `day-${day}`, at: entry.at });
    }
    if (!lineDrawn && entry.seq > readUpTo && isNews(entry, user)) {
      made.push({ kind: "unread", key: "unread" });
      lineDrawn = true;
    }
    addEvent(made, entry);
  }
  return made;
}

function addEvent(made: Row[], entry: EventView): void {
  const key = String(entry.seq);
  const last = made.at(-1);
  switch (entry.event.type) {
    case "message.posted":
      made.push({ kind: "message", key, entry, message: entry.event.message, joined: follows(last, entry, entry.event.message) });
      return;
    case "message.withheld":
      if (last?.kind === "withheld") made[made.length - 1] = { ...last, count: last.count + 1 };
      else made.push({ kind: "withheld", key, at: entry.at, count: 1 });
      return;
    case "members.changed":
      made.push({ kind: "members", key, at: entry.at, change: entry.event });
  }
}

function follows(last: Row | undefined, entry: EventView, message: MessageView): boolean {
  if (last?.kind !== "message" || last.message.made_in !== message.made_in) return false;
  return samePerson(last.message.author, message.author) && Date.parse(entry.at) - Date.parse(last.entry.at) < JOIN_WITHIN;
}

export function samePerson(one: Pick<Actor, "login" | "org">, other: Pick<Actor, "login" | "org">): boolean {
  return one.login === other.login && one.org === other.org;
}
