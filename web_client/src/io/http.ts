/**
 * Requests to `/api/v1`. An answer is a value: the wished-for body, or a `Problem` with the server's stable code.
 *
 * Rules kept here: cookies authenticate, nothing secret is held here; every failure has a code, `network` for an
 * unreachable server; a 401 outside `login` is told to whoever asked for it by `onUnauthenticated`.
 *
 * Example: `const answer = await get<{rooms: RoomView[]}>("rooms"); if (answer.ok) show(answer.value.rooms);`
 */

export const API = "/api/v1/";

export interface Problem {
  readonly status: number;
  readonly code: string;
  /** The server's own sentence; may be empty. */
  readonly detail: string;
  /** Seconds to wait; 0 where the server named none. */
  readonly retryAfter: number;
}

export type Answer<T> = { ok: true; value: T; status: number } | { ok: false; problem: Problem };

let unauthenticated: () => void = () => undefined;
let language: () => string = () => "ja";

/** Sets what a 401 means to the application, and which language answers should be in. */
export function configureHttp(options: { onUnauthenticated: () => void; language: () => string }): void {
  unauthenticated = options.onUnauthenticated;
  language = options.language;
}

export const get = <T>(path: string): Promise<Answer<T>> => call<T>("GET", path);
export const post = <T>(path: string, body: unknown): Promise<Answer<T>> => call<T>("POST", path, body);

async function call<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
  const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": language() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const request: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) request.body = JSON.stringify(body);
  try {
    const response = await fetch(API + path, request);
    const text = await response.text();
    if (!response.ok) return failed(path, problemOf(response.status, text, response.headers.get("Retry-After")));
    return { ok: true, value: (text === "" ? null : JSON.parse(text)) as T, status: response.status };
  } catch {
    return { ok: false, problem: NETWORK };
  }
}

function failed<T>(path: string, problem: Problem): Answer<T> {
  if (problem.status === 401 && path !== "login" && path !== "setup") unauthenticated();
  return { ok: false, problem };
}

export const NETWORK: Problem = { status: 0, code: "network", detail: "", retryAfter: 0 };

/** Reads `application/problem+json`; any other body gives the code `unknown`. */
export function problemOf(status: number, text: string, retryAfter: string | null): Problem {
  let code = "unknown";
  let detail = "";
  try {
    const body = JSON.parse(text) as { code?: unknown; detail?: unknown; title?: unknown };
    if (typeof body.code === "string") code = body.code;
    if (typeof body.detail === "string") detail = body.detail;
    else if (typeof body.title === "string") detail = body.title;
  } catch {
    // not JSON: the status alone speaks
  }
  const seconds = Number(retryAfter);
  return { status, code, detail, retryAfter: Number.isFinite(seconds) && seconds > 0 ? seconds : 0 };
}
