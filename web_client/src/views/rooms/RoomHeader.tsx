/** Above the timeline: which room, who is in it, and the way back on narrow screens. */
import type { JSX } from "preact";
import { open, toggleFavourite } from "../../actions/rooms.ts";
import { favourites, panel, room, t, unreadTotal } from "../../store.ts";
import { Back, People, Star } from "../shell/Icons.tsx";

export function RoomHeader(): JSX.Element {
  const view = room.value?.view;
  const starred = view !== undefined && favourites.value.includes(view.id);
  const showing = panel.value?.kind === "members";
  return (
    <div class="room-head">
      <button class="icon-button only-narrow" type="button" aria-label={t.value.openRooms} onClick={() => open(null)}>
        <Back />
        {unreadTotal.value > 0 && <span class="count" aria-hidden="true">{unreadTotal.value}</span>}
      </button>
      {view ? <h1><bdi>{view.name}</bdi></h1> : <span class="bone w40" />}
      {view && (
        <>
          <button class="icon-button" type="button" aria-pressed={starred} aria-label={starred ? t.value.removeFavourite : t.value.addFavourite}
            title={starred ? t.value.removeFavourite : t.value.addFavourite} onClick={() => toggleFavourite(view.id)}>
            <Star filled={starred} />
          </button>
          <button class="head-button" type="button" aria-expanded={showing} aria-label={t.value.membersCount(view.audience.people)} title={t.value.members}
            onClick={() => (panel.value = showing ? null : { kind: "members" })}>
            <People size={18} /><span>{view.audience.people}</span>
          </button>
        </>
      )}
    </div>
  );
}
