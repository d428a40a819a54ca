/** The whole page: band, and by session either the login or the three panes. */
import { Component, type ComponentChildren, type JSX } from "preact";
import { useEffect } from "preact/hooks";
import { announcement, dialog, openRoom, panel, room, session, t, unreadTotal, zone } from "../../store.ts";
import { Compare } from "../compare/Compare.tsx";
import { Composer } from "../composer/Composer.tsx";
import { Help } from "../help/Help.tsx";
import { Login } from "../login/Login.tsx";
import { LeaveRoom, Members } from "../members/Members.tsx";
import { Receipt } from "../receipt/Receipt.tsx";
import { CreateRoom } from "../rooms/CreateRoom.tsx";
import { RoomHeader } from "../rooms/RoomHeader.tsx";
import { RoomList } from "../rooms/RoomList.tsx";
import { DropArea } from "../composer/DropArea.tsx";
import { NoRoom, Timeline } from "../timeline/Timeline.tsx";
import { Setup } from "../setup/Setup.tsx";
import { Viewer } from "../viewer/Viewer.tsx";
import { Band } from "./Band.tsx";
import { ConnectionNotice } from "./ConnectionNotice.tsx";
import { LogoutDialog } from "./Menu.tsx";
import { RestNotice } from "./RestNotice.tsx";
import { listenToKeys } from "./keys.ts";

export function App(): JSX.Element {
  useTitle();
  return (
    <Safe>
      <div class="page" data-zone={zone.value?.zone ?? "unknown"}>
        <Band />
        {session.value === "loggedIn" ? <Workplace /> : <Outside />}
        <p class="visually-hidden" role="status" aria-live="polite">{announcement.value}</p>
      </div>
    </Safe>
  );
}

function Outside(): JSX.Element {
  if (session.value === "loggedOut") return <Login />;
  if (session.value === "settingUp") return <Setup />;
  return (
    <main class="outside">
      {session.value === "unreachable" ? (
        <p class="notice" role="alert">{t.value.startFailed}</p>
      ) : (
        <p class="quiet late">{t.value.connecting}</p>
      )}
    </main>
  );
}

function Workplace(): JSX.Element {
  useEffect(listenToKeys, []);
  const id = openRoom.value;
  return (
    <>
      <a class="skip" href="#timeline" onClick={skip}>{t.value.skipToTimeline}</a>
      <ConnectionNotice />
      <RestNotice />
      <div class="panes" data-open={id === null ? "rooms" : "room"} data-panel={panel.value?.kind ?? "none"}>
        <RoomList />
        <main class="pane talk">
          {id === null ? <NoRoom /> : (
            <DropArea room={id} key={id}>
              <RoomHeader />
              <Timeline id={id} />
              <Composer id={id} />
            </DropArea>
          )}
        </main>
        <SidePanel />
      </div>
      <Dialogs />
    </>
  );
}

function SidePanel(): JSX.Element | null {
  const open = panel.value;
  if (open === null) return null;
  if (open.kind === "members") return openRoom.value === null ? null : <Members id={openRoom.value} />;
  if (open.kind === "viewer") return <Viewer id={open.attachment} name={open.name} key={open.attachment} />;
  if (open.kind === "compare") return <Compare id={open.attachment} name={open.name} key={open.attachment} />;
  return <Receipt id={open.attachment} name={open.name} key={open.attachment} />;
}

function Dialogs(): JSX.Element | null {
  switch (dialog.value) {
    case "create":
      return <CreateRoom />;
    case "help":
      return <Help />;
    case "logout":
      return <LogoutDialog />;
    case "leave":
      return room.value ? <LeaveRoom room={room.value.view} /> : null;
    default:
      return null;
  }
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("timeline")?.focus();
}

/** Window title: unread count, room, product; the zone's name last, for the task bar. */
function useTitle(): void {
  const count = unreadTotal.value;
  const name = room.value?.view.name;
  const words = t.value;
  const title = [name, words.productName, zone.value && (words.zoneShort[zone.value.zone] ?? zone.value.name)];
  const text = (session.value === "loggedIn" && count > 0 ? `(${count}) ` : "") + title.filter(Boolean).join(" — ");
  useEffect(() => void (document.title = text), [text]);
}

/** If drawing fails, say so instead of a blank page; nothing typed is lost, since it is kept at every keystroke. */
class Safe extends Component<{ children: ComponentChildren }, { failed: boolean }> {
  override state = { failed: false };

  static override getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ComponentChildren {
    if (!this.state.failed) return this.props.children;
    return (
      <main class="outside">
        <h1>{t.value.brokenTitle}</h1>
        <p role="alert">{t.value.brokenText}</p>
        <button class="button primary" type="button" onClick={() => location.reload()}>{t.value.reload}</button>
      </main>
    );
  }
}
