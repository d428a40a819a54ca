/** A small honest server for the tests: it holds rooms and says what the real one would say, from the same events. */
import type { Actor, EventFrame, EventView, ReadyFrame, RoomEvent, RoomView, User } from "../src/protocol.ts";

export const ME: User = { login: "sato", name: "佐藤 美咲", org: "o_1", org_name: "霞ヶ浜市", section: "総務課", roles: [] };
export const I: Actor = { login: "sato", name: "佐藤 美咲", org: "o_1" };
export const OTHER: Actor = { login: "suzuki", name: "鈴木 健一", org: "o_1" };

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function chances(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function posted(seq: number, actor: Actor, text = `post ${seq}`, clientMessageId = `c${seq}`): EventView {
  const message = { id: `m_${seq}`, author: actor, text, made_in: "lgwan", attachments: [], reply_to: null, client_msg_id: clientMessageId };
  return event(seq, actor, { type: "message.posted", message });
}

export function event(seq: number, actor: Actor, what: RoomEvent): EventView {
  return { seq, at: new Date(Date.UTC(2026, 10, 22, 0, 0, seq * 40)).toISOString(), actor, event: what };
}

export function frame(room: string, view: EventView): EventFrame {
  return { op: "event", room, ...view };
}

/** The room list entry that the server would give now. */
export function roomView(id: string, events: readonly EventView[], read: number): RoomView {
  const isNews = (each: EventView): boolean =>
    each.seq > read && each.actor.login !== ME.login && (each.event.type === "message.posted" || each.event.type === "message.withheld");
  return {
    id, kind: "group", name: id, head: events.length, read, unread: events.filter(isNews).length, zones: ["lgwan", "internet"],
    audience: { people: 5, other_organisations: 0, zones: ["lgwan", "internet"] },
  };
}

export function ready(rooms: readonly RoomView[], incarnation = "first"): ReadyFrame {
  return { op: "ready", user: ME, zone: "lgwan", rooms: [...rooms], incarnation };
}
