/**
 * What the page knows, as signals: views read them, actions set them, nothing else holds state.
 *
 * Rules kept here: values are replaced, never changed in place; what came from the server over the connection lives in
 * `model` and is changed only by `update`; this file does no I/O.
 */
import { computed, signal } from "@preact/signals";
import { INITIAL, type ConnectionState } from "./connection.ts";
import type { EnterChoice } from "./keyboard.ts";
import { MESSAGES, type Language } from "./messages/index.ts";
import { EMPTY, totalUnread, type Model, type RoomState } from "./model.ts";
import type { Outbox, Refusal } from "./outbox.ts";
import type { AttachmentInMessage, AttachmentView, User } from "./protocol.ts";
import type { Answer, Problem } from "./io/http.ts";
import { isIn } from "./text.ts";

export interface ZoneInfo {
  readonly zone: string;
  readonly name: string;
  readonly languages: readonly string[];
  /** Who the browser's cookie speaks for. */
  readonly user: User | null;
}

export type Theme = "auto" | "light" | "dark" | "contrast";
export type Session = "starting" | "unreachable" | "settingUp" | "loggedOut" | "loggedIn";
export type Notice = "none" | "ended" | "loggedOut" | "setUp";
export type Panel =
  | { kind: "members" }
  | { kind: "viewer"; attachment: string; name: string }
  | { kind: "receipt"; attachment: string; name: string }
  | { kind: "compare"; attachment: string; name: string };
export type Dialog = "none" | "create" | "help" | "logout" | "leave";
export type History = "idle" | "loading" | "failed";

/** A file in the composer. `id` is set once the server has it; until then `upload` says how far it is. */
export interface DraftFile extends AttachmentInMessage {
  /** The page's own number for it. */
  readonly key: string;
  readonly progress: number;
  /** The server is busy and takes it later. */
  readonly held?: boolean;
  readonly problem: Refusal | null;
}

export interface Draft {
  readonly text: string;
  readonly files: readonly DraftFile[];
  /** The person pressed send; it leaves when the last upload is done. */
  readonly armed: boolean;
}

export const NO_DRAFT: Draft = { text: "", files: [], armed: false };

export type Detail = AttachmentView | "loading" | Problem;

export const language = signal<Language>("ja");
export const theme = signal<Theme>("auto");
export const enterChoice = signal<EnterChoice>("send");
export const singleKeys = signal(true);

export const zone = signal<ZoneInfo | null>(null);
export const session = signal<Session>("starting");
export const notice = signal<Notice>("none");

export const model = signal<Model>(EMPTY);
export const connection = signal<ConnectionState>(INITIAL);
export const outbox = signal<Outbox>([]);
export const drafts = signal<Readonly<Record<string, Draft>>>({});
export const details = signal<Readonly<Record<string, Detail>>>({});
export const favourites = signal<readonly string[]>([]);

export const openRoom = signal<string | null>(null);
export const panel = signal<Panel | null>(null);
export const dialog = signal<Dialog>("none");
export const roomFilter = signal("");
/** Per room, whether older events are being loaded. */
export const history = signal<Readonly<Record<string, History>>>({});
/** Per room, the read mark when it was opened: where the unread line stands and stays. */
export const unreadFrom = signal<Readonly<Record<string, number>>>({});
/** The text of the one polite live region. */
export const announcement = signal("");

export const t = computed(() => MESSAGES[language.value]);
export const room = computed<RoomState | null>(() => {
  const id = openRoom.value;
  return id === null ? null : (model.value.rooms[id] ?? null);
});
export const unreadTotal = computed(() => totalUnread(model.value));
export const isLive = computed(() => connection.value.phase === "live");

/** The name of a zone in the reader's language; the server's own name for one this client does not know. */
export function zoneName(id: string): string {
  return t.value.zoneNames[id] ?? (zone.value?.zone === id ? zone.value.name : id);
}

/**
 * What to tell a person about a refusal: the server's sentence, which knows the exact reason, where it is in the reader's
 * language; else our sentence for the code.
 */
export function problemText(problem: Pick<Problem, "code" | "detail">): string {
  const fromServer = isIn(language.value, problem.detail) ? problem.detail : "";
  return fromServer || t.value.errors[problem.code] || problem.detail || (t.value.errors.unknown ?? "");
}

export function failureText(answer: Answer<unknown>): string {
  return answer.ok ? "" : problemText(answer.problem);
}

export function draftOf(roomId: string): Draft {
  return drafts.value[roomId] ?? NO_DRAFT;
}
