/**
 * Writing: drafts, sending, and what could not be sent.
 *
 * Rules kept here: every keystroke is kept on this computer at once; a draft is emptied only in the same act that puts its
 * text into the outbox; a refused post gives its text back on request.
 */
import { read, personal, write } from "../io/keep.ts";
import { again, discarded, newPost, type Outbox, type PendingPost } from "../outbox.ts";
import { draftOf, drafts, model, NO_DRAFT, outbox, zone, type Draft, type DraftFile } from "../store.ts";
import { visibleLength } from "../text.ts";
import { flush, setOutbox } from "./live.ts";

export const LONGEST = 20_000;

export function setDraft(room: string, change: Partial<Draft>): void {
  const next = { ...draftOf(room), ...change };
  const empty = next.text === "" && next.files.length === 0;
  const { [room]: _old, ...others } = drafts.value;
  drafts.value = empty ? others : { ...others, [room]: next };
  keepDrafts();
}

/** The characters beyond the limit; 0 where the text fits. */
export function excess(text: string): number {
  return text.length <= LONGEST ? 0 : Math.max(0, visibleLength(text) - LONGEST);
}

/** Sends the draft, or arms it to leave by itself when its uploads are done. False where there is nothing to send or too much. */
export function sendDraft(room: string): boolean {
  const draft = draftOf(room);
  if ((draft.text.trim() === "" && draft.files.length === 0) || excess(draft.text) > 0) return false;
  if (draft.files.some((file) => file.problem !== null)) return false;
  if (draft.files.some((file) => file.id === "")) {
    setDraft(room, { armed: true });
    return true;
  }
  const attachments = draft.files.map(({ id, name, size }) => ({ id, name, size }));
  setOutbox([...outbox.value, newPost(newId(), room, draft.text.trimEnd(), attachments, Date.now())]);
  setDraft(room, NO_DRAFT);
  flush();
  return true;
}

/** Puts a refused post's text and files back into the composer, before whatever is written there. */
export function rewrite(post: PendingPost): void {
  const draft = draftOf(post.room);
  const files: DraftFile[] = post.attachments.map((file) => ({ ...file, key: file.id, progress: 1, problem: null }));
  const text = [post.text, draft.text].filter((part) => part !== "").join("\n");
  setDraft(post.room, { text, files: [...files, ...draft.files], armed: false });
  setOutbox(discarded(outbox.value, post.id));
}

export function sendAgain(post: PendingPost): void {
  setOutbox(again(outbox.value, post.id));
  flush();
}

export function discard(post: PendingPost): void {
  setOutbox(discarded(outbox.value, post.id));
}

/** Brings back what this person left on this computer. */
export function restore(): void {
  const kept = read<Record<string, Draft>>(place("drafts"), {});
  drafts.value = { ...kept, ...drafts.value };
  const posts = read<Outbox>(place("outbox"), []).map((post) => (post.state === "sent" ? { ...post, state: "waiting" as const } : post));
  outbox.value = [...posts.filter((post) => !outbox.value.some((mine) => mine.id === post.id)), ...outbox.value];
}

/** Texts that are not yet on the server. */
export function unsent(): number {
  return Object.keys(drafts.value).length + outbox.value.filter((post) => post.state !== "acknowledged").length;
}

export function forgetUnsent(): void {
  drafts.value = {};
  outbox.value = [];
  keepDrafts();
  keepOutbox();
}

export function keepOutbox(): void {
  if (model.value.user) write(place("outbox"), outbox.value);
}

/** Uploads still under way are not kept: the file itself is with the person, and its bytes are not ours to store. */
function keepDrafts(): void {
  if (!model.value.user) return;
  const kept: Record<string, Draft> = {};
  for (const [room, draft] of Object.entries(drafts.value)) {
    kept[room] = { text: draft.text, files: draft.files.filter((file) => file.id !== ""), armed: false };
  }
  write(place("drafts"), kept);
}

function place(what: string): string {
  return personal(zone.value?.zone ?? "", model.value.user?.login ?? "", what);
}

/** 128 random bits; `crypto.randomUUID` exists only in secure contexts. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
