/** What was said, oldest above. Scrolling up loads what is older; what one reads never jumps. */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { fill, loadOlder, seen } from "../../actions/rooms.ts";
import type { RoomState } from "../../model.ts";
import { connection, dialog, history, isLive, language, model, outbox, room, t, unreadFrom } from "../../store.ts";
import { dateAndTime, dayHeading, daysAgo } from "../../time.ts";
import { rows, type Row } from "../../timeline.ts";
import { Down, Hidden } from "../shell/Icons.tsx";
import { Message } from "./Message.tsx";
import { Pending } from "./Pending.tsx";

const NEAR_TOP = 500;
const AT_BOTTOM = 48;

export function Timeline({ id }: { id: string }): JSX.Element {
  const state = room.value;
  const pending = outbox.value.filter((post) => post.room === id && !shown(state, post.id));
  const { box, list, atBottom, toBottom } = useScrolling(id, state, pending.length);
  return (
    <div class="timeline-frame">
      <section class="timeline" id="timeline" ref={box} tabIndex={0} aria-label={t.value.timeline(state?.view.name ?? "")}>
        <div ref={list} class="timeline-list">
          <Beginning id={id} state={state} />
          <ol>
            {state && rows(state.entries, model.value.user, unreadFrom.value[id] ?? Infinity).map(drawRow)}
            {pending.map((post) => <Pending key={post.id} post={post} />)}
          </ol>
        </div>
      </section>
      {!atBottom && state && state.entries.length > 0 && (
        <button class="to-newest" type="button" onClick={toBottom}>
          <Down size={16} />{state.view.unread > 0 ? t.value.newBelow(state.view.unread) : t.value.toNewest}
        </button>
      )}
    </div>
  );
}

function drawRow(row: Row): JSX.Element {
  switch (row.kind) {
    case "day":
      return <li key={row.key} class="day"><h2>{heading(row.at)}</h2></li>;
    case "unread":
      return <li key={row.key} class="unread-line" id="unread"><span>{t.value.unreadLine}</span></li>;
    case "message":
      return <Message key={row.key} entry={row.entry} joined={row.joined} />;
    case "withheld":
      return (
        <li key={row.key} class="withheld">
          <Hidden size={18} /><span>{t.value.withheld(row.count)}</span>
        </li>
      );
    case "members":
      return <li key={row.key} class="happening">{happening(row)}</li>;
  }
}

function happening({ change, at }: Extract<Row, { kind: "members" }>): JSX.Element {
  const words = t.value;
  const names = (people: readonly { name: string }[]): string => people.map((person) => words.honorific(person.name)).join(words.listSeparator);
  const parts = [change.joined.length > 0 && words.joined(names(change.joined)), change.left.length > 0 && words.left(names(change.left))];
  return <time dateTime={at} title={dateAndTime(at, language.value)}>{parts.filter(Boolean).join(" ")}</time>;
}

function heading(at: string): string {
  const now = Date.now();
  const day = dayHeading(at, language.value, now);
  const ago = daysAgo(at, now);
  const near = ago === 0 ? t.value.today : ago === 1 ? t.value.yesterday : "";
  return near === "" ? day : `${near} ${day}`;
}

/** What stands above the oldest row: a skeleton while loading, the failure with its way out, or the room's beginning. */
function Beginning({ id, state }: { id: string; state: RoomState | null }): JSX.Element | null {
  const loading = history.value[id];
  if (loading === "failed") {
    return (
      <p class="notice" role="alert">
        {t.value.timelineFailed} <button class="link-button" type="button" onClick={() => void loadOlder(id)}>{t.value.tryAgain}</button>
      </p>
    );
  }
  if (state === null && isLive.value) return <p class="empty later">{t.value.errors.not_found}</p>;
  if (state === null || loading === "loading") return <Skeleton />;
  if (state.oldest > 1) return null;
  const silent = state.entries.every((entry) => !entry.event.type.startsWith("message."));
  if (silent && outbox.value.every((post) => post.room !== id)) {
    return <p class="empty"><strong>{t.value.timelineEmpty}</strong>{t.value.timelineEmptyHint}</p>;
  }
  return <p class="beginning">{t.value.timelineStart}</p>;
}

function Skeleton(): JSX.Element {
  return (
    <div class="skeleton posts late" role="status" aria-label={t.value.timelineLoading}>
      {[60, 40, 70].map((width) => (
        <div class="bone-post" key={width}><span class="bone round" /><span class="bone w30" /><span class={`bone w${width}`} /></div>
      ))}
    </div>
  );
}

/** Beside the list: what to do next, by whether there is anything to choose from. */
export function NoRoom(): JSX.Element {
  const none = connection.value.beenLive && Object.keys(model.value.rooms).length === 0;
  return (
    <div class="no-room empty" id="timeline" tabIndex={-1}>
      <h1>{none ? t.value.firstRoom : t.value.chooseRoom}</h1>
      <p>{none ? t.value.firstRoomHint : t.value.chooseRoomHint}</p>
      {none && <button class="button primary" type="button" onClick={() => (dialog.value = "create")}>{t.value.newRoom}</button>}
    </div>
  );
}

function shown(state: RoomState | null, clientMessageId: string): boolean {
  return state?.entries.some((entry) => entry.event.type === "message.posted" && entry.event.message.client_msg_id === clientMessageId) ?? false;
}

/** The first post of which a part is in sight. */
function firstInSight(view: HTMLElement, list: HTMLElement | null): Element | undefined {
  const { top } = view.getBoundingClientRect();
  return Array.from(list?.querySelectorAll("li[data-seq]") ?? []).find((row) => row.getBoundingClientRect().bottom > top);
}

interface Scrolling {
  box: { current: HTMLElement | null };
  list: { current: HTMLDivElement | null };
  atBottom: boolean;
  toBottom: () => void;
}

/**
 * Keeps the place: at the bottom it follows what is new; elsewhere what one reads stays where it is, and what one has just
 * pressed stays where it is also when a panel makes the timeline narrower.
 */
function useScrolling(id: string, state: RoomState | null, pending: number): Scrolling {
  const box = useRef<HTMLElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const placed = useRef(false);
  const stuck = useRef(true);
  /** Set while the unread line holds its place: cards that grow must not push it away before anyone has scrolled. */
  const holdLine = useRef(false);
  const anchor = useRef<{ row: Element; top: number } | null>(null);
  const [atBottom, setAtBottom] = useState(true);
  const [oldest, cursor] = [state?.oldest ?? 0, state?.cursor ?? 0];

  const note = (): void => {
    const view = box.current;
    if (!view) return;
    stuck.current = view.scrollHeight - view.scrollTop - view.clientHeight < AT_BOTTOM;
    setAtBottom(stuck.current);
    hold(firstInSight(view, list.current));
  };
  const hold = (row: Element | null | undefined): void => {
    anchor.current = row ? { row, top: row.getBoundingClientRect().top } : null;
  };
  const keepPlace = (): void => {
    if (!box.current || !anchor.current?.row.isConnected) return;
    box.current.scrollTop += anchor.current.row.getBoundingClientRect().top - anchor.current.top;
  };
  const toBottom = (): void => {
    holdLine.current = false;
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
    note();
  };

  useLayoutEffect(() => {
    const view = box.current;
    if (!view || !state || state.entries.length === 0) return;
    if (!placed.current) {
      placed.current = true;
      const line = list.current?.querySelector("#unread");
      holdLine.current = line != null;
      if (line) line.scrollIntoView({ block: "center" });
      else view.scrollTop = view.scrollHeight;
    } else if (!stuck.current) {
      keepPlace();
    }
    note();
  }, [oldest]);

  useLayoutEffect(() => {
    if (stuck.current && !holdLine.current) toBottom();
  }, [cursor]);

  useLayoutEffect(() => {
    if (pending > 0) toBottom();
  }, [pending]);

  useEffect(() => {
    const view = box.current;
    const content = list.current;
    if (!view || !content) return;
    const onScroll = (): void => {
      note();
      if (view.scrollTop < NEAR_TOP && history.value[id] !== "failed") void loadOlder(id);
    };
    let width = view.clientWidth;
    const resized = new ResizeObserver(() => {
      const narrowed = view.clientWidth !== width;
      width = view.clientWidth;
      if (holdLine.current) content.querySelector("#unread")?.scrollIntoView({ block: "center" });
      else if (stuck.current) toBottom();
      else keepPlace();
      if (narrowed) content.querySelector(":focus")?.closest("li")?.scrollIntoView({ block: "nearest" });
    });
    const release = (event: Event): void => {
      holdLine.current = false;
      const pressed = event.target instanceof Element ? event.target.closest("li[data-seq]") : null;
      if (pressed) hold(pressed);
    };
    const touches = ["wheel", "touchstart", "pointerdown", "keydown"] as const;
    for (const touch of touches) view.addEventListener(touch, release, { passive: true });
    resized.observe(content);
    resized.observe(view);
    view.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      resized.disconnect();
      view.removeEventListener("scroll", onScroll);
      for (const touch of touches) view.removeEventListener(touch, release);
    };
  }, [id]);

  useEffect(() => {
    const view = box.current;
    if (!view || !state) return;
    if (state.entries.length === 0) void fill(id);
    else if (view.scrollHeight <= view.clientHeight && history.value[id] !== "failed") void loadOlder(id);
  }, [id, oldest, state === null]);

  useEffect(() => {
    const look = (): void => {
      if (placed.current && stuck.current && document.visibilityState === "visible" && document.hasFocus()) seen(id);
    };
    look();
    addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [id, cursor, oldest, atBottom]);

  return { box, list, atBottom, toBottom };
}
