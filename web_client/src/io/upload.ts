/**
 * Sending files: one request for small ones, tus 1.0 (resumable) above 8 MiB.
 *
 * Rules kept here:
 * - Progress is what the browser has sent, 0–1; it never runs backwards to the eye.
 * - A tus upload that loses the network asks the server how far it got (HEAD) and goes on from there, for as long as its
 *   owner does not abort it; a small one is sent again from its start.
 * - A busy server is asked again at the time that it names, until it takes the file or its owner takes it out.
 * - The answer is the attachment's id, or a `Problem`.
 *
 * Protocol: https://tus.io/protocols/resumable-upload (1.0.0; creation, termination).
 */
import { API, NETWORK, problemOf, type Answer, type Problem } from "./http.ts";

export const RESUMABLE_ABOVE = 8 * 1024 * 1024;
const CHUNK = 8 * 1024 * 1024;
const TUS = { "Tus-Resumable": "1.0.0" };
const ATTACHMENT = "Sekisho-Attachment";
const GIVE_UP_AFTER = 8;

export interface Upload {
  readonly done: Promise<Answer<string>>;
  abort(): void;
}

export type Progress = (fraction: number) => void;
/** Whether a busy server is waited for. */
export type Held = (held: boolean) => void;

export function upload(room: string, name: string, file: Blob, progress: Progress, held: Held): Upload {
  const aborter = new AbortController();
  let highest = 0;
  const forward: Progress = (fraction) => progress((highest = Math.max(highest, Math.min(1, fraction))));
  const send = file.size > RESUMABLE_ABOVE ? sendResumable : sendWhole;
  const waiting: Waiting = { signal: aborter.signal, held };
  return { done: send(room, name, file, forward, waiting), abort: () => aborter.abort() };
}

interface Waiting {
  readonly signal: AbortSignal;
  readonly held: Held;
}

async function sendWhole(room: string, name: string, file: Blob, progress: Progress, waiting: Waiting): Promise<Answer<string>> {
  const path = `${API}attachments?room=${encodeURIComponent(room)}&name=${encodeURIComponent(name)}`;
  const headers = { "Content-Type": "application/octet-stream", Accept: "application/json" };
  const answer = await persistently(waiting, () => request("POST", path, headers, file, waiting.signal, progress));
  if (!answer.ok) return answer;
  const id = (JSON.parse(answer.value.responseText) as { id: string }).id;
  return { ok: true, value: id, status: answer.status };
}

async function sendResumable(room: string, name: string, file: Blob, progress: Progress, waiting: Waiting): Promise<Answer<string>> {
  const { signal } = waiting;
  const created = await persistently(waiting, () => create(room, name, file.size, signal));
  if (!created.ok) return created;
  const place = created.value.getResponseHeader("Location");
  let id = created.value.getResponseHeader(ATTACHMENT) ?? "";
  if (place === null) return { ok: false, problem: { ...NETWORK, code: "unknown" } };
  for (let offset = 0; offset < file.size; ) {
    const step = await persistently(waiting, async (attempt) => {
      if (attempt > 0) offset = await offsetAt(place, signal, offset);
      return patch(place, file, offset, signal, (part) => progress((offset + part) / file.size));
    });
    if (!step.ok) return step;
    offset = Number(step.value.getResponseHeader("Upload-Offset") ?? file.size);
    id = step.value.getResponseHeader(ATTACHMENT) ?? id;
  }
  return { ok: true, value: id, status: 202 };
}

function create(room: string, name: string, size: number, signal: AbortSignal): Promise<Answer<XMLHttpRequest>> {
  const metadata = `room ${base64(room)},filename ${base64(name)}`;
  const headers = { ...TUS, "Upload-Length": String(size), "Upload-Metadata": metadata };
  return request("POST", `${API}uploads/`, headers, null, signal);
}

function patch(place: string, file: Blob, offset: number, signal: AbortSignal, sent: (bytes: number) => void): Promise<Answer<XMLHttpRequest>> {
  const piece = file.slice(offset, offset + CHUNK);
  const headers = { ...TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) };
  return request("PATCH", place, headers, piece, signal, (fraction) => sent(fraction * piece.size));
}

async function offsetAt(place: string, signal: AbortSignal, otherwise: number): Promise<number> {
  const answer = await request("HEAD", place, TUS, null, signal);
  return answer.ok ? Number(answer.value.getResponseHeader("Upload-Offset") ?? otherwise) : otherwise;
}

/** Tries again after a lost network or a busy server, ever more slowly; any other answer is final. */
async function persistently<T>({ signal, held }: Waiting, act: (attempt: number) => Promise<Answer<T>>): Promise<Answer<T>> {
  for (let attempt = 0, lost = 0; ; attempt += 1) {
    const answer = await act(attempt);
    if (answer.ok || signal.aborted || !isPassing(answer.problem)) return answer;
    const busy = answer.problem.code === "busy";
    if (!busy && (lost += 1) >= GIVE_UP_AFTER) return answer;
    held(busy);
    await resting(Math.max(answer.problem.retryAfter * 1_000, Math.min(15_000, 500 * 2 ** Math.min(attempt, 5))), signal);
    held(false);
  }
}

/** 409 is tus's answer to a wrong offset (a piece arrived whose answer was lost): asking again mends it. */
function isPassing(problem: Problem): boolean {
  return problem.status === 0 || problem.status === 409 || problem.status === 429 || problem.code === "busy";
}

function resting(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

function request(
  method: string,
  url: string,
  headers: Record<string, string>,
  body: Blob | null,
  signal: AbortSignal,
  progress?: Progress,
): Promise<Answer<XMLHttpRequest>> {
  return new Promise((resolve) => {
    const xhr = new XMLHttpRequest();
    xhr.open(method, url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    if (progress) xhr.upload.onprogress = (event) => progress(event.total ? event.loaded / event.total : 0);
    const failed = (): void => resolve({ ok: false, problem: NETWORK });
    xhr.onerror = failed;
    xhr.onabort = failed;
    xhr.onload = () => resolve(answerOf(xhr));
    signal.addEventListener("abort", () => xhr.abort(), { once: true });
    if (signal.aborted) failed();
    else xhr.send(body);
  });
}

function answerOf(xhr: XMLHttpRequest): Answer<XMLHttpRequest> {
  if (xhr.status >= 200 && xhr.status < 300) return { ok: true, value: xhr, status: xhr.status };
  return { ok: false, problem: problemOf(xhr.status, xhr.responseText, xhr.getResponseHeader("Retry-After")) };
}

/** Base64 of the UTF-8 bytes, as tus metadata wants it. */
export function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
}
