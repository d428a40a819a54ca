// Generated from server/wire.py by `python -m ops.generate_protocol`. Do not edit.

export const SUBPROTOCOL = "sekisho.v1";

export const MAX_FRAME = 65536;

export type RoomKind = "direct" | "group" | "channel";

export type ReleaseState = "quarantined" | "released" | "refused" | "needs_password" | "awaiting_approval";

export type Treatment = "pass" | "rebuild" | "flatten" | "forbid";

export type NoticeReason = "busy" | "storage";

export type Paused = "marks" | "previews" | "search" | "uploads" | "posts";

/** First frame of a connection. ``cursors`` maps a room to the last seq the client holds; 0 means from the start. ``incarnation``: that of the ``ready`` under which it got them. ``notices``: tell this client when the server rests from something (``notice``). */
export interface HelloFrame {
  op: "hello";
  token?: string | null;
  cursors?: Record<string, number>;
  incarnation?: string | null;
  notices?: boolean;
}

/** Post a message; answered by ``ack`` or ``refused`` with the same ``ref``. Safe to send again. */
export interface PostFrame {
  op: "post";
  ref: number;
  room: string;
  client_msg_id: string;
  text?: string;
  attachments?: string[];
  reply_to?: string | null;
}

/** Everything in the room up to ``seq`` has been seen by this person. Not answered. */
export interface ReadFrame {
  op: "read";
  room: string;
  seq: number;
}

export type ClientFrame =
  | HelloFrame
  | PostFrame
  | ReadFrame;

/** Who acted. */
export interface Actor {
  login: string;
  name: string;
  org: string;
}

/** The person who is logged in. */
export interface User {
  login: string;
  name: string;
  org: string;
  org_name: string;
  section: string;
  roles: string[];
}

/** Who reads what is posted to a room: shown above the composer before a message leaves. */
export interface Audience {
  people: number;
  other_organisations: number;
  zones: string[];
}

/** A room as one person sees it in the room list. ``head`` is the last seq, ``read`` the last one they saw. */
export interface RoomView {
  id: string;
  kind: RoomKind;
  name: string;
  head: number;
  read: number;
  audience: Audience;
  zones: string[];
  unread: number;
}

/** An attachment named by a message. ``size`` is the received size in bytes. */
export interface AttachmentInMessage {
  id: string;
  name: string;
  size: number;
}

/** A message as a zone may read it. */
export interface MessageView {
  id: string;
  author: Actor;
  text: string;
  made_in: string;
  attachments: AttachmentInMessage[];
  reply_to: string | null;
  client_msg_id: string;
}

export interface MessagePosted {
  type: "message.posted";
  message: MessageView;
}

/** Something was said here that may not be read in this zone: no text, no name, no size. */
export interface MessageWithheld {
  type: "message.withheld";
}

/** The verdict on a posted attachment changed; the reader fetches ``GET attachments/{id}`` for the whole of it. */
export interface AttachmentJudged {
  type: "attachment.judged";
  attachment: string;
  zones: Record<string, ZoneRelease>;
}

export interface MembersChanged {
  type: "members.changed";
  joined: Actor[];
  left: Actor[];
}

export type RoomEvent =
  | MessagePosted
  | MessageWithheld
  | AttachmentJudged
  | MembersChanged;

/** One entry of ``GET rooms/{room}/events``. */
export interface EventView {
  seq: number;
  at: string;
  actor: Actor;
  event: RoomEvent;
}

/** What one zone may read of an attachment. ``code`` says why not, where it may not. */
export interface ZoneRelease {
  treatment: Treatment;
  state: ReleaseState;
  code?: string | null;
}

/** A page that differs from the original's, counted from 1. ``place``: where, as left, top, right and bottom in thousandths of the page. ``original``, ``rebuilt``: whether there is a picture of it at ``comparison``. */
export interface ComparedPage {
  page: number;
  place: number[] | null;
  original: boolean;
  rebuilt: boolean;
}

/** How like its original the rebuilt file looks, worked out after the verdict; the numbers are the report's ``similarity``. ``pages`` are those that differ. ``on_request``: an Office file, compared when somebody asks for it (``POST attachments/{id}/comparison``). */
export interface ComparisonView {
  state: "done" | "on_request" | "waiting";
  pages: ComparedPage[];
}

/** ``GET attachments/{id}``. ``report`` is the sanitizer's report for the caller's zone, null before the verdict; ``comparison`` is null where nothing was rebuilt. */
export interface AttachmentView {
  id: string;
  name: string;
  size: number;
  room: string;
  posted: boolean;
  uploader: Actor;
  at: string;
  zones: Record<string, ZoneRelease>;
  report: Record<string, unknown> | null;
  thumbnail: boolean;
  receipt: boolean;
  comparison: ComparisonView | null;
}

/** ``incarnation`` names this history: another one than before says that a backup was brought back since. */
export interface ReadyFrame {
  op: "ready";
  user: User;
  zone: string;
  rooms: RoomView[];
  incarnation: string;
}

export interface AckFrame {
  op: "ack";
  ref: number;
  message_id: string;
  seq: number;
}

export interface RefusedFrame {
  op: "refused";
  ref: number;
  code: string;
  message: string;
  advice?: string;
}

export interface EventFrame {
  op: "event";
  room: string;
  seq: number;
  at: string;
  actor: Actor;
  event: RoomEvent;
}

/** Joined or created: events after ``after`` follow. */
export interface RoomFrame {
  op: "room";
  room: RoomView;
  after: number;
}

export interface RoomLeftFrame {
  op: "room_left";
  room: string;
}

/** The cursor is beyond the head, pruned, or of a history that was given up by a restore: load the room afresh from ``head``. */
export interface ResetFrame {
  op: "reset";
  room: string;
  head: number;
}

/** Too slow: come back with your cursors; the close code 4008 follows. */
export interface ResyncFrame {
  op: "resync";
}

/** This person's read mark moved, here or on another device. */
export interface ReadMarkFrame {
  op: "read_mark";
  room: string;
  seq: number;
}

/** To the uploader only, before and after posting: the state of an own upload changed. */
export interface AttachmentChangedFrame {
  op: "attachment";
  attachment: string;
  zones: Record<string, ZoneRelease>;
}

/** To those whose ``hello`` asked for it, after ``ready`` (unless all is well) and whenever it changes: what the server rests from. ``paused`` is in the order in which it is given up; ``posts`` are refused only on a full disk. It comes back by itself. */
export interface ServerNoticeFrame {
  op: "notice";
  why: NoticeReason[];
  paused: Paused[];
}

export type ServerFrame =
  | ReadyFrame
  | AckFrame
  | RefusedFrame
  | EventFrame
  | RoomFrame
  | RoomLeftFrame
  | ResetFrame
  | ResyncFrame
  | ReadMarkFrame
  | AttachmentChangedFrame
  | ServerNoticeFrame;

export const CLOSE_GOING_AWAY = 1001;

export const CLOSE_UNSUPPORTED = 1003;

export const CLOSE_TOO_BIG = 1009;

export const CLOSE_UNAUTHENTICATED = 4001;

export const CLOSE_ENDED = 4003;

export const CLOSE_RESYNC = 4008;
