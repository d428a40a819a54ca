/**
 * Carries out what `connection.ts` decides: the only place with a WebSocket.
 *
 * Rules kept here: every frame goes through `update`; posts leave through the outbox alone; a post unanswered for
 * `ANSWER_WITHIN` means the line is dead, and it is left for a new one.
 */
import { batch } from "@preact/signals";
import { step, type Effect, type Input } from "../connection.ts";
import { greeting, isNews, update } from "../model.ts";
import * as posts from "../outbox.ts";
import { SUBPROTOCOL, type ClientFrame, type ServerFrame } from "../protocol.ts";
import { announcement, connection, language, model, openRoom, outbox, t } from "../store.ts";

const ANSWER_WITHIN = 12_000;
const RETRY_REFUSED = 3_000;

let socket: WebSocket | null = null;
let nextRef = 1;
let watching = false;

export interface Listener {
  /** The connection is up and `ready` is taken. */
  ready(): void;
  /** The server says that the session is over. */
  ended(): void;
  /** A frame was taken into the model. */
  taken(frame: ServerFrame): void;
  /** The outbox changed. */
  outboxChanged(): void;
}

let listener: Listener = { ready() {}, ended() {}, taken() {}, outboxChanged() {} };

export function connect(heard: Listener): void {
  listener = heard;
  if (!watching) watch();
  dispatch({ type: "start" });
}

export function disconnect(): void {
  dispatch({ type: "stop" });
}

export function reconnectNow(): void {
  dispatch({ type: "online" });
}

export function setOutbox(next: posts.Outbox): void {
  if (next === outbox.value) return;
  outbox.value = next;
  listener.outboxChanged();
}

/** Sends what waits, oldest first, if the connection is live. */
export function flush(): void {
  if (connection.value.phase !== "live") return;
  for (const post of outbox.value.filter((each) => each.state === "waiting")) {
    const ref = nextRef++;
    const attachments = post.attachments.map((each) => each.id);
    if (!send({ op: "post", ref, room: post.room, client_msg_id: post.id, text: post.text, attachments })) return;
    setOutbox(posts.sent(outbox.value, post.id, ref, Date.now()));
  }
}

/** Tells the server how far this person has read; lost where there is no connection (the next opening says it again). */
export function sendRead(room: string, seq: number): void {
  if (connection.value.phase === "live") send({ op: "read", room, seq });
}

function watch(): void {
  watching = true;
  addEventListener("online", () => dispatch({ type: "online" }));
  addEventListener("offline", () => dispatch({ type: "offline" }));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && connection.value.phase === "waiting") dispatch({ type: "online" });
  });
  setInterval(() => {
    if (posts.stalled(outbox.value, Date.now(), ANSWER_WITHIN)) dispatch({ type: "stalled", chance: Math.random() });
  }, 2_000);
}

function dispatch(input: Input): void {
  const before = connection.value.phase;
  const [next, effects] = step(connection.value, input);
  connection.value = next;
  if (before === "live" && next.phase !== "live") setOutbox(posts.connectionLost(outbox.value));
  for (const effect of effects) carryOut(effect);
  if (before !== "ended" && next.phase === "ended") listener.ended();
}

function carryOut(effect: Effect): void {
  switch (effect.type) {
    case "open":
      return open(effect.socket);
    case "hello":
      send(greeting(model.value));
      return;
    case "close":
      socket?.close(1000);
      socket = null;
      return;
    case "wait":
      setTimeout(() => dispatch({ type: "timer", socket: effect.socket, chance: Math.random() }), effect.milliseconds);
  }
}

function open(number: number): void {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const opened = new WebSocket(`${scheme}//${location.host}/api/v1/ws?lang=${language.value}`, SUBPROTOCOL);
  socket = opened;
  opened.onopen = () => dispatch({ type: "opened", socket: number });
  opened.onclose = (event) => dispatch({ type: "closed", socket: number, code: event.code, chance: Math.random() });
  opened.onmessage = (event) => {
    if (number === connection.value.socket) receive(JSON.parse(String(event.data)) as ServerFrame, number);
  };
}

function send(frame: ClientFrame): boolean {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(frame));
  return true;
}

function receive(frame: ServerFrame, number: number): void {
  batch(() => {
    const history = model.value.incarnation;
    model.value = update(model.value, frame);
    switch (frame.op) {
      case "ready":
        dispatch({ type: "ready", socket: number });
        if (history !== frame.incarnation) setOutbox(posts.historyLost(outbox.value));
        listener.ready();
        settle(Object.keys(model.value.rooms));
        flush();
        break;
      case "ack":
        acknowledge(frame.ref, frame.seq);
        break;
      case "refused":
        refuse(frame.ref, { code: frame.code, message: frame.message, ...(frame.advice && { advice: frame.advice }) });
        break;
      case "event":
        settle([frame.room]);
        if (isNews(frame, model.value.user)) announce(frame);
        break;
    }
    listener.taken(frame);
  });
  if (model.value.gap) dispatch({ type: "stalled", chance: Math.random() });
}

function acknowledge(ref: number, seq: number): void {
  const post = outbox.value.find((each) => each.state === "sent" && each.ref === ref);
  setOutbox(posts.acknowledged(outbox.value, ref, seq));
  if (post) settle([post.room]);
}

function refuse(ref: number, refusal: posts.Refusal): void {
  setOutbox(posts.refused(outbox.value, ref, refusal));
  setTimeout(flush, RETRY_REFUSED * (1 + Math.random()));
}

/** Takes out of the outbox what the rooms now show. */
function settle(rooms: readonly string[]): void {
  let rest = outbox.value;
  for (const id of rooms) {
    const room = model.value.rooms[id];
    if (room) rest = posts.arrived(rest, id, room.entries, room.cursor);
  }
  setOutbox(rest);
}

function announce(frame: Extract<ServerFrame, { op: "event" }>): void {
  const words = t.value;
  if (frame.room !== openRoom.value) {
    announcement.value = words.announceOther(model.value.rooms[frame.room]?.view.name ?? "");
  } else if (frame.event.type === "message.posted") {
    const { text, attachments } = frame.event.message;
    const files = attachments.length > 0 ? words.announceFiles(attachments.length) : "";
    announcement.value = words.announcePost(frame.actor.name, [text, files].filter(Boolean).join(language.value === "ja" ? "、" : ", "));
  }
}
