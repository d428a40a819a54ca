/**
 * Attachments: putting files into a draft, following their way through the inspection, passwords.
 *
 * Rules kept here: an upload begins when the file is chosen, so that the inspection runs while the person writes; at most
 * `AT_ONCE` details are asked for at a time; a detail is asked for again whenever the server says the state changed.
 */
import { get, post, type Answer } from "../io/http.ts";
import { upload, type Upload } from "../io/upload.ts";
import type { AttachmentView, ServerFrame } from "../protocol.ts";
import { details, draftOf, drafts, problemText, t, type DraftFile } from "../store.ts";
import { fileSize } from "../text.ts";
import { sendDraft, setDraft } from "./posting.ts";

export const LARGEST = 200 * 1024 * 1024;
const AT_ONCE = 6;

const running = new Map<string, { upload: Upload; file: File }>();
const broken = new Map<string, File>();
const asked: string[] = [];
let asking = 0;
let nextKey = 1;

/** Adds files to a room's draft and starts sending them. */
export function addFiles(room: string, files: readonly File[]): void {
  for (const file of files) {
    const key = `f${nextKey++}`;
    const code = file.size > LARGEST ? "too_large" : file.size === 0 ? "empty" : "";
    const message = code === "too_large" ? t.value.fileTooLarge(fileSize(LARGEST)) : code === "empty" ? t.value.fileEmpty : "";
    const problem = code === "" ? null : { code, message };
    const entry: DraftFile = { key, id: "", name: file.name.normalize("NFC"), size: file.size, progress: 0, problem };
    setDraft(room, { files: [...draftOf(room).files, entry] });
    if (problem === null) void start(room, key, file);
  }
}

export function retry(room: string, key: string): void {
  const file = broken.get(key);
  if (!file) return;
  change(room, key, { problem: null, progress: 0 });
  void start(room, key, file);
}

export function canRetry(key: string): boolean {
  return broken.has(key);
}

/** Takes a file out of the draft; what is already on the server expires there. */
export function removeFile(room: string, key: string): void {
  running.get(key)?.upload.abort();
  running.delete(key);
  broken.delete(key);
  setDraft(room, { files: draftOf(room).files.filter((file) => file.key !== key) });
  sendIfArmed(room);
}

async function start(room: string, key: string, file: File): Promise<void> {
  broken.delete(key);
  const name = draftOf(room).files.find((each) => each.key === key)?.name ?? file.name;
  const sending = upload(room, name, file, (progress) => change(room, key, { progress }), (held) => change(room, key, { held }));
  running.set(key, { upload: sending, file });
  const answer = await sending.done;
  if (!running.delete(key)) return; // taken out meanwhile
  if (answer.ok) {
    change(room, key, { id: answer.value, progress: 1 });
    ensureDetail(answer.value);
    sendIfArmed(room);
    return;
  }
  broken.set(key, file);
  const { code } = answer.problem;
  const message = code === "network" ? t.value.uploadFailed : problemText(answer.problem);
  change(room, key, { problem: { code, message } });
  setDraft(room, { armed: false });
}

function sendIfArmed(room: string): void {
  if (draftOf(room).armed) sendDraft(room);
}

function change(room: string, key: string, values: Partial<DraftFile>): void {
  const { files } = draftOf(room);
  if (files.some((file) => file.key === key)) {
    setDraft(room, { files: files.map((file) => (file.key === key ? { ...file, ...values } : file)) });
  }
}

/** Asks for an attachment's whole state unless it is known or asked for already. */
export function ensureDetail(id: string): void {
  if (details.value[id] === undefined) ask(id);
}

/** Asks anew, keeping what is shown until the answer comes. */
export function ask(id: string): void {
  if (details.value[id] === undefined) set(id, "loading");
  if (!asked.includes(id)) asked.push(id);
  pump();
}

function pump(): void {
  while (asking < AT_ONCE && asked.length > 0) {
    const id = asked.shift() as string;
    asking += 1;
    void get<AttachmentView>(`attachments/${id}`).then((answer) => {
      asking -= 1;
      const known = details.value[id];
      const keep = !answer.ok && typeof known === "object" && "zones" in known;
      if (!keep) set(id, answer.ok ? answer.value : answer.problem);
      if (answer.ok) askLater(id, answer.value);
      pump();
    });
  }
}

/** A comparison follows the verdict by seconds, untold: it is asked for again, ever more slowly, a few times. */
const PATIENCE = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 60_000];
const waited = new Map<string, number>();

function askLater(id: string, view: AttachmentView): void {
  const times = waited.get(id) ?? 0;
  if (view.comparison?.state !== "waiting" || times >= PATIENCE.length) return;
  waited.set(id, times + 1);
  setTimeout(() => ask(id), PATIENCE[times]);
}

/** Asks anew, and goes on asking while the comparison is under way: somebody is looking. */
export function follow(id: string): void {
  waited.delete(id);
  ask(id);
}

/** Asks for a comparison that is not made by itself, and for what came of it. */
export async function askComparison(id: string): Promise<Answer<unknown>> {
  const answer = await post(`attachments/${id}/comparison`, {});
  if (answer.ok) follow(id);
  return answer;
}

function set(id: string, value: AttachmentView | "loading" | Extract<Answer<never>, { ok: false }>["problem"]): void {
  details.value = { ...details.value, [id]: value };
}

/** A frame was taken: ask again for what it says has changed. */
export function heard(frame: ServerFrame): void {
  if (frame.op === "attachment") ask(frame.attachment);
  if (frame.op === "event" && frame.event.type === "attachment.judged") ask(frame.event.attachment);
}

/** After a reconnection: what was unfinished may have changed unheard. */
export function refresh(): void {
  for (const [id, detail] of Object.entries(details.value)) {
    const settled = typeof detail === "object" && "zones" in detail && Object.values(detail.zones).every((zone) => zone.state === "released" || zone.state === "refused");
    if (!settled) ask(id);
  }
  for (const draft of Object.values(drafts.value)) for (const file of draft.files) if (file.id) ensureDetail(file.id);
}

export async function givePassword(id: string, password: string): Promise<Answer<unknown>> {
  const answer = await post(`attachments/${id}/password`, { password });
  if (answer.ok) ask(id);
  return answer;
}
