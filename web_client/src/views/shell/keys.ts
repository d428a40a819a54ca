/** From key presses to acts, by the table in `keyboard.ts`. */
import { open } from "../../actions/rooms.ts";
import { shortcutFor, type ShortcutId } from "../../keyboard.ts";
import { dialog, openRoom, panel, singleKeys } from "../../store.ts";
import { listedRooms } from "../rooms/order.ts";

const ACTS: Record<ShortcutId, () => void> = {
  jump: () => focus("room-filter"),
  previousRoom: () => move(-1),
  nextRoom: () => move(1),
  nextUnread: () => {
    const here = openRoom.value;
    const unread = listedRooms.value.filter((room) => room.view.unread > 0 && room.view.id !== here);
    if (unread[0]) open(unread[0].view.id);
  },
  newRoom: () => (dialog.value = "create"),
  compose: () => focus("composer"),
  attach: () => document.getElementById("attach")?.click(),
  members: () => (panel.value = panel.value?.kind === "members" || openRoom.value === null ? null : { kind: "members" }),
  close: () => (panel.value = null),
  help: () => (dialog.value = "help"),
};

/** Starts listening; gives back what stops it. */
export function listenToKeys(): () => void {
  const heard = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || dialog.value !== "none") return;
    const id = shortcutFor(event, isField(event.target), singleKeys.value);
    if (id === null) return;
    if (id === "close" && panel.value === null) return;
    event.preventDefault();
    ACTS[id]();
  };
  document.addEventListener("keydown", heard);
  return () => document.removeEventListener("keydown", heard);
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}

function move(by: number): void {
  const rooms = listedRooms.value;
  const at = rooms.findIndex((room) => room.view.id === openRoom.value);
  const next = rooms[at < 0 ? (by > 0 ? 0 : rooms.length - 1) : (at + by + rooms.length) % rooms.length];
  if (next) open(next.view.id);
}

function focus(id: string): void {
  document.getElementById(id)?.focus();
}
