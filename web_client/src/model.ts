/**
 * What the server has told us, as one immutable value.
 *
 * Rules kept here:
 * - `update(model, frame)` is pure: no clock, no chance, no storage, no socket. Start + events == fresh load.
 * - Of each room we hold one contiguous run of events, `oldest <= seq <= cursor`. Nothing is shown twice or out of order;
 *   an event that would leave a hole sets `gap` and is not taken, and the connection comes back with its cursors.
 * - `view.unread` counts what others wrote after the read mark, up to `view.head`.
 *
 * Example: `update(update(EMPTY, ready), event).rooms["r_1"].entries.at(-1)` is the event just received.
 */
import type {
  EventFrame,
  EventView,
  HelloFrame,
  ReadyFrame,
  RoomView,
  ServerFrame,
  User,
  ZoneRelease,
} from "./protocol.ts";
import type { Notice } from "./rest.ts";

export interface RoomState {
  readonly view: RoomView;
  /** Events held, ascending, without a hole. */
  readonly entries: readonly EventView[];
  /** The lowest seq held; `cursor + 1` where none is. 1 means the room's beginning is held. */
  readonly oldest: number;
  /** The last seq taken. */
  readonly cursor: number;
}

export interface Model {
  readonly user: User | null;
  readonly zone: string;
  readonly rooms: Readonly<Record<string, RoomState>>;
  /** The newest word on each attachment heard over this connection; a new one asks for the whole state again. */
  readonly releases: Readonly<Record<string, Readonly<Record<string, ZoneRelease>>>>;
  /** The history that the cursors speak of; null before the first `ready`. */
  readonly incarnation: string | null;
  /** An event arrived that does not follow the one before it: come back with the cursors. */
  readonly gap: boolean;
  /** What the server rests from at the moment; null where all is well. */
  readonly notice: Notice | null;
}

export const EMPTY: Model = { user: null, zone: "", rooms: {}, releases: {}, incarnation: null, gap: false, notice: null };

/** The model after one frame. `ack`, `refused` and `resync` belong to the connection and the outbox and change nothing. */
export function update(model: Model, frame: ServerFrame): Model {
  switch (frame.op) {
    case "ready":
      return becomeReady(model, frame);
    case "event":
      return takeEvent(model, frame);
    case "room":
      return withRoom(model, frame.room.id, freshRoom(frame.room, frame.after));
    case "room_left":
      return withoutRoom(model, frame.room);
    case "reset":
      return mapRoom(model, frame.room, (room) =>
        freshRoom({ ...room.view, head: Math.max(frame.head, room.view.head) }, frame.head),
      );
    case "read_mark":
      return mapRoom(model, frame.room, (room) => moveReadMark(room, frame.seq, model.user));
    case "attachment":
      return withReleases(model, frame.attachment, frame.zones);
    case "notice":
      return { ...model, notice: frame.paused.length > 0 ? { why: frame.why, paused: frame.paused } : null };
    default:
      return model;
  }
}

/** Puts events loaded over HTTP (`GET rooms/{room}/events?before=…`) before those held; others than the next older are ignored. */
export function prependHistory(model: Model, roomId: string, events: readonly EventView[]): Model {
  return mapRoom(model, roomId, (room) => {
    const older = events.filter((event) => event.seq < room.oldest);
    const last = older.at(-1);
    if (last === undefined || last.seq !== room.oldest - 1) return room;
    return { ...room, entries: [...older, ...room.entries], oldest: older[0]?.seq ?? room.oldest };
  });
}

/** The server said there is nothing older: everything from here on counts as the beginning. */
export function markBeginning(model: Model, roomId: string): Model {
  return mapRoom(model, roomId, (room) => ({ ...room, oldest: 1 }));
}

/** Lets go of all but the last `keep` events of a room nobody is looking at. */
export function trimRoom(model: Model, roomId: string, keep: number): Model {
  return mapRoom(model, roomId, (room) => {
    if (room.entries.length <= keep) return room;
    const entries = room.entries.slice(-keep);
    return { ...room, entries, oldest: entries[0]?.seq ?? room.cursor + 1 };
  });
}

/** This person has seen everything up to `seq`; told to the server by the caller. */
export function markRead(model: Model, roomId: string, seq: number): Model {
  return mapRoom(model, roomId, (room) => moveReadMark(room, seq, model.user));
}

/** The last seq taken of every room. */
export function cursors(model: Model): Record<string, number> {
  return Object.fromEntries(Object.entries(model.rooms).map(([id, room]) => [id, room.cursor]));
}

/** What `hello` carries; a server that was restored since answers `reset` where the cursors speak of what it no longer has. */
export function greeting(model: Model): HelloFrame {
  const held = { op: "hello", cursors: cursors(model), notices: true } as const;
  return model.incarnation === null ? held : { ...held, incarnation: model.incarnation };
}

/** Does this event count as something said by someone else? */
export function isNews(event: EventView, user: User | null): boolean {
  const kind = event.event.type;
  if (kind !== "message.posted" && kind !== "message.withheld") return false;
  return !(user !== null && event.actor.login === user.login && event.actor.org === user.org);
}

export function totalUnread(model: Model): number {
  return Object.values(model.rooms).reduce((sum, room) => sum + room.view.unread, 0);
}

function becomeReady(model: Model, frame: ReadyFrame): Model {
  const known = model.user?.login === frame.user.login && model.zone === frame.zone ? model.rooms : {};
  const rooms: Record<string, RoomState> = {};
  for (const view of frame.rooms) {
    const held = known[view.id];
    rooms[view.id] = held === undefined ? freshRoom(view, view.head) : { ...held, view };
  }
  return { user: frame.user, zone: frame.zone, rooms, releases: {}, incarnation: frame.incarnation, gap: false, notice: null };
}

function freshRoom(view: RoomView, cursor: number): RoomState {
  return { view, entries: [], oldest: cursor + 1, cursor };
}

function takeEvent(model: Model, frame: EventFrame): Model {
  const room = model.rooms[frame.room];
  if (room === undefined || frame.seq <= room.cursor) return model;
  if (frame.seq !== room.cursor + 1) return { ...model, gap: true };
  const { seq, at, actor, event } = frame;
  const entry: EventView = { seq, at, actor, event };
  const taken = { ...room, entries: [...room.entries, entry], cursor: seq, view: viewAfter(room.view, entry, model.user) };
  const next = withRoom(model, frame.room, taken);
  return event.type === "attachment.judged" ? withReleases(next, event.attachment, event.zones) : next;
}

function viewAfter(view: RoomView, entry: EventView, user: User | null): RoomView {
  const moved = entry.event.type === "members.changed" ? withMembers(view, entry.event) : view;
  if (entry.seq <= view.head) return view; // replayed: the head and count of `ready` already include it
  const unread = moved.unread + (isNews(entry, user) ? 1 : 0);
  return { ...moved, head: entry.seq, unread };
}

function withMembers(view: RoomView, change: { joined: readonly unknown[]; left: readonly unknown[] }): RoomView {
  const people = Math.max(1, view.audience.people + change.joined.length - change.left.length);
  return { ...view, audience: { ...view.audience, people } };
}

function moveReadMark(room: RoomState, seq: number, user: User | null): RoomState {
  const read = Math.min(seq, room.view.head);
  if (read <= room.view.read) return room;
  return { ...room, view: { ...room.view, read, unread: unreadAfter(room, read, user) } };
}

/** What remains unread after `read`: counted where we hold those events, else the old count less what we know was read. */
function unreadAfter(room: RoomState, read: number, user: User | null): number {
  if (read >= room.view.head) return 0;
  const news = room.entries.filter((entry) => isNews(entry, user));
  if (room.oldest <= read + 1 && room.cursor >= room.view.head) {
    return news.filter((entry) => entry.seq > read).length;
  }
  const seen = news.filter((entry) => entry.seq > room.view.read && entry.seq <= read).length;
  return Math.max(0, room.view.unread - seen);
}

function withReleases(model: Model, attachment: string, zones: Record<string, ZoneRelease>): Model {
  return { ...model, releases: { ...model.releases, [attachment]: zones } };
}

function withRoom(model: Model, id: string, room: RoomState): Model {
  return { ...model, rooms: { ...model.rooms, [id]: room } };
}

function withoutRoom(model: Model, id: string): Model {
  const { [id]: _left, ...rooms } = model.rooms;
  return { ...model, rooms };
}

function mapRoom(model: Model, id: string, change: (room: RoomState) => RoomState): Model {
  const room = model.rooms[id];
  if (room === undefined) return model;
  const changed = change(room);
  return changed === room ? model : withRoom(model, id, changed);
}
