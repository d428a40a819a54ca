/** The list of rooms: favourites, channels, groups, direct; the one number that counts beside each. */
import type { JSX } from "preact";
import { open } from "../../actions/rooms.ts";
import type { RoomState } from "../../model.ts";
import { connection, dialog, drafts, model, openRoom, roomFilter, t } from "../../store.ts";
import { Avatar } from "../shell/Avatar.tsx";
import { Hash, People, Plus, Search } from "../shell/Icons.tsx";
import { listedRooms, sections, type Section } from "./order.ts";

export function RoomList(): JSX.Element {
  return (
    <nav class="pane rooms" aria-label={t.value.rooms}>
      <div class="rooms-head">
        <label class="search">
          <Search size={18} />
          <span class="visually-hidden">{t.value.roomsFilter}</span>
          <input id="room-filter" type="search" placeholder={t.value.roomsFilterHint} value={roomFilter.value}
            onInput={(event) => (roomFilter.value = event.currentTarget.value)} onKeyDown={onFilterKey} />
        </label>
        <button class="icon-button" type="button" aria-label={t.value.newRoom} title={t.value.newRoom} onClick={() => (dialog.value = "create")}>
          <Plus />
        </button>
      </div>
      <div class="rooms-body">{body()}</div>
    </nav>
  );
}

function body(): JSX.Element | JSX.Element[] {
  const none = Object.keys(model.value.rooms).length === 0;
  if (none && !connection.value.beenLive) return <Skeleton />;
  if (none) return <p class="empty"><strong>{t.value.roomsEmpty}</strong>{t.value.roomsEmptyHint}</p>;
  if (sections.value.length === 0) return <p class="empty">{t.value.roomsNone}</p>;
  return sections.value.map((section) => <RoomSection key={section.id} section={section} />);
}

function RoomSection({ section }: { section: Section }): JSX.Element {
  const words = t.value;
  const names = { favourites: words.favourites, channel: words.kindChannel, group: words.kindGroup, direct: words.kindDirect };
  return (
    <section class="room-section">
      <h2 id={`rooms-${section.id}`}>{names[section.id]}</h2>
      <ul aria-labelledby={`rooms-${section.id}`}>
        {section.rooms.map((room) => <RoomLine key={room.view.id} room={room} />)}
      </ul>
    </section>
  );
}

function RoomLine({ room }: { room: RoomState }): JSX.Element {
  const { id, name, unread } = room.view;
  const current = openRoom.value === id;
  const draft = !current && drafts.value[id] !== undefined;
  return (
    <li>
      <a class={unread > 0 ? "room-line unread" : "room-line"} href={`#${id}`} aria-current={current ? "page" : undefined}
        onClick={(event) => follow(event, id)}>
        <RoomIcon room={room} />
        <span class="room-name"><bdi>{name}</bdi></span>
        {draft && <span class="draft-mark" aria-label={t.value.notSent}>✎</span>}
        {unread > 0 && <span class="count"><span aria-hidden="true">{unread > 99 ? "99+" : unread}</span><span class="visually-hidden">{t.value.unread(unread)}</span></span>}
      </a>
    </li>
  );
}

function RoomIcon({ room }: { room: RoomState }): JSX.Element {
  if (room.view.kind === "direct") return <Avatar name={room.view.name} small />;
  return room.view.kind === "channel" ? <Hash size={18} /> : <People size={18} />;
}

function Skeleton(): JSX.Element {
  return (
    <div class="skeleton late" role="status" aria-label={t.value.loadingRooms}>
      {[70, 50, 60, 40, 65, 55].map((width, at) => <span key={at} class={`bone w${width}`} />)}
    </div>
  );
}

function follow(event: MouseEvent, id: string): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(id);
}

/** Enter in the filter opens the first room found; Escape empties it. */
function onFilterKey(event: KeyboardEvent): void {
  if (event.isComposing || event.keyCode === 229) return;
  const first = listedRooms.value[0];
  if (event.key === "Enter" && first) {
    event.preventDefault();
    roomFilter.value = "";
    open(first.view.id);
    queueMicrotask(() => document.getElementById("composer")?.focus());
  } else if (event.key === "Escape" && roomFilter.value !== "") {
    event.preventDefault();
    roomFilter.value = "";
  }
}
