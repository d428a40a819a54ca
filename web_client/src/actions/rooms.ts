/** What people do with rooms: open, read back, mark as read, create, leave, keep as favourite. */
import { batch } from "@preact/signals";
import { get, post, type Answer } from "../io/http.ts";
import { personal, write } from "../io/keep.ts";
import { isNews, markBeginning, markRead, prependHistory, trimRoom, type RoomState } from "../model.ts";
import type { Actor, EventView, RoomKind, RoomView } from "../protocol.ts";
import { dialog, favourites, history, model, openRoom, panel, roomFilter, unreadFrom, zone } from "../store.ts";
import { sendRead } from "./live.ts";

const PAGE = 60;
const MOST = 500;
/** Events kept of a room that nobody looks at. */
const KEEP = 120;

/** Opens a room and puts it into the address, so that back, forward and reload keep it. */
export function open(id: string | null): void {
  const address = id === null ? location.pathname + location.search : `#${id}`;
  if (location.hash !== (id === null ? "" : `#${id}`)) window.history.pushState(null, "", address);
  show(id);
}

/** Shows what the address names. */
export function followAddress(): void {
  show(location.hash.length > 1 ? decodeURIComponent(location.hash.slice(1)) : null);
}

function show(id: string | null): void {
  const before = openRoom.value;
  if (before === id) return;
  batch(() => {
    if (before !== null) model.value = trimRoom(model.value, before, KEEP);
    openRoom.value = id;
    panel.value = null;
    if (id !== null) drawUnreadLine(id);
  });
  if (id !== null) void fill(id);
}

/** Fixes the unread line where reading stopped; it stays there until the room is opened anew. */
export function drawUnreadLine(id: string): void {
  const room = model.value.rooms[id];
  if (room) unreadFrom.value = { ...unreadFrom.value, [id]: room.view.unread > 0 ? room.view.read : Infinity };
}

/** Loads the newest events of a room of which too little is held to show. */
export async function fill(id: string): Promise<void> {
  const room = model.value.rooms[id];
  if (room && room.entries.length < 20 && room.oldest > 1) await loadOlder(id);
}

export async function loadOlder(id: string): Promise<void> {
  const room = model.value.rooms[id];
  if (!room || room.oldest <= 1 || history.value[id] === "loading") return;
  setHistory(id, "loading");
  const answer = await get<{ events: EventView[] }>(`rooms/${id}/events?before=${room.oldest}&limit=${wanted(room)}`);
  const wasReset = model.value.rooms[id]?.oldest !== room.oldest;
  if (wasReset) {
    setHistory(id, "idle");
    return fill(id);
  }
  batch(() => {
    if (answer.ok && answer.value.events.length === 0) model.value = markBeginning(model.value, id);
    if (answer.ok) model.value = prependHistory(model.value, id, answer.value.events);
    setHistory(id, answer.ok ? "idle" : "failed");
  });
}

/** A page; on first opening enough to reach the unread line. */
function wanted(room: RoomState): number {
  return room.entries.length > 0 ? PAGE : Math.min(MOST, Math.max(PAGE, room.view.head - room.view.read + 10));
}

function setHistory(id: string, state: "idle" | "loading" | "failed"): void {
  history.value = { ...history.value, [id]: state };
}

/** Everything up to the newest event of this room is on screen before a person. */
export function seen(id: string): void {
  const room = model.value.rooms[id];
  if (!room || room.view.read >= room.cursor) return;
  const wasNews = room.view.unread > 0 || room.entries.some((entry) => isNews(entry, model.value.user));
  model.value = markRead(model.value, id, room.cursor);
  if (wasNews) sendRead(id, room.cursor);
}

export interface Person {
  readonly login: string;
  readonly name: string;
  readonly section: string;
  readonly org?: string;
}

export type Member = Person & Actor;

/** People whose name, section or login holds `query`, without the person asking. */
export async function findPeople(query: string): Promise<Answer<Person[]>> {
  const answer = await get<{ people: Person[] } | Person[]>(`people?q=${encodeURIComponent(query)}`);
  if (!answer.ok) return answer;
  const people = Array.isArray(answer.value) ? answer.value : answer.value.people;
  return { ...answer, value: people.filter((person) => person.login !== model.value.user?.login) };
}

export async function create(kind: RoomKind, name: string, members: readonly string[]): Promise<Answer<RoomView>> {
  const answer = await post<RoomView>("rooms", { kind, name, members });
  if (answer.ok) {
    dialog.value = "none";
    roomFilter.value = "";
    open(answer.value.id);
  }
  return answer;
}

export const members = (id: string): Promise<Answer<{ members: Member[] }>> => get(`rooms/${id}`);

export const addMembers = (id: string, add: readonly string[]): Promise<Answer<unknown>> =>
  post(`rooms/${id}/members`, { add });

export async function leave(id: string): Promise<Answer<unknown>> {
  const answer = await post(`rooms/${id}/leave`, {});
  if (answer.ok) {
    dialog.value = "none";
    open(null);
  }
  return answer;
}

export function toggleFavourite(id: string): void {
  const now = favourites.value;
  favourites.value = now.includes(id) ? now.filter((each) => each !== id) : [...now, id];
  const user = model.value.user;
  if (user && zone.value) write(personal(zone.value.zone, user.login, "favourites"), favourites.value);
}
