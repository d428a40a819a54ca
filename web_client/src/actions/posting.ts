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
import { draftsTogether, postsTogether } from "../together.ts";
import { flush, setOutbox } from "./live.ts";

export const LONGEST = 20_000;

/** The posts that this page has had: another page of the same person may keep others in the same place. */
const had = new Set<string>();

export function setDraft(room: string, change: Partial<Draft>): void {
  const next = { ...draftOf(room), ...change };
  const empty = next.text === "" && next.files.length === 0;
  const { [room]: _old, ...others } = drafts.value;
  drafts.value = empty ? others : { ...others, [room]: next };
  keepDraft(room);
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
  for (const post of posts) had.add(post.id);
  outbox.value = [...posts.filter((post) => !outbox.value.some((mine) => mine.id === post.id)), ...outbox.value];
}

/** Texts that are not yet on the server. */
export function unsent(): number {
  return Object.keys(drafts.value).length + outbox.value.filter((post) => post.state !== "acknowledged").length;
}

export function forgetUnsent(): void {
  drafts.value = {};
  outbox.value = [];
  if (!model.value.user) return;
  write(place("drafts"), {});
  write(place("outbox"), []);
}

export function keepOutbox(): void {
  if (!model.value.user) return;
  for (const post of outbox.value) had.add(post.id);
  write(place("outbox"), postsTogether(read<Outbox>(place("outbox"), []), outbox.value, had));
}

/** Uploads still under way are not kept: the file itself is with the person, and its bytes are not ours to store. */
function keepDraft(room: string): void {
  if (!model.value.user) return;
  const draft = drafts.value[room];
  const kept: Draft | undefined = draft && { text: draft.text, files: draft.files.filter((file) => file.id !== ""), armed: false };
  write(place("drafts"), draftsTogether(read<Record<string, Draft>>(place("drafts"), {}), room, kept));
}

function place(what: string): string {
  return personal(zone.value?.zone ?? "", model.value.user?.login ?? "", what);
}

/** 128 random bits; `crypto.randomUUID` exists only in secure contexts. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
