/** The rooms as the list shows them: filtered, in sections, in order. The keyboard walks the same order. */
import { computed } from "@preact/signals";
import type { RoomState } from "../../model.ts";
import { favourites, model, roomFilter } from "../../store.ts";

export interface Section {
  readonly id: "favourites" | "channel" | "group" | "direct";
  readonly rooms: readonly RoomState[];
}

const collator = new Intl.Collator("ja", { numeric: true });

export const sections = computed<Section[]>(() => {
  const wanted = fold(roomFilter.value);
  const found = Object.values(model.value.rooms)
    .filter((room) => wanted === "" || fold(room.view.name).includes(wanted))
    .sort((one, other) => collator.compare(one.view.name, other.view.name));
  const starred = (room: RoomState): boolean => favourites.value.includes(room.view.id);
  const kinds = ["channel", "group", "direct"] as const;
  return [
    { id: "favourites" as const, rooms: found.filter(starred) },
    ...kinds.map((kind) => ({ id: kind, rooms: found.filter((room) => room.view.kind === kind && !starred(room)) })),
  ].filter((section) => section.rooms.length > 0);
});

export const listedRooms = computed<RoomState[]>(() => sections.value.flatMap((section) => section.rooms));

/** Full-width and half-width, upper and lower case, hiragana and katakana find one another. */
function fold(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\u30a1-\u30f6]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60))
    .trim();
}
