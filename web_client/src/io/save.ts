/**
 * Saves what the server gives out where a plain link would not do, because the server may say that there is nothing: the
 * bytes are fetched first, then handed to the browser's own download.
 */
import { API, NETWORK, problemOf, type Problem } from "./http.ts";

/** The name of the saved file, or why there is none. */
export async function save(path: string): Promise<{ ok: true; name: string } | { ok: false; problem: Problem }> {
  try {
    const response = await fetch(API + path, { credentials: "same-origin", cache: "no-store" });
    if (!response.ok) return { ok: false, problem: problemOf(response.status, await response.text(), response.headers.get("Retry-After")) };
    const name = nameOf(response.headers.get("Content-Disposition"));
    hand(await response.blob(), name);
    return { ok: true, name };
  } catch {
    return { ok: false, problem: NETWORK };
  }
}

/** The file name of a `Content-Disposition` (RFC 6266, `filename*` alone: the server writes no other). */
export function nameOf(disposition: string | null): string {
  const encoded = /filename\*=utf-8''([^;]+)/i.exec(disposition ?? "")?.[1];
  try {
    return decodeURIComponent(encoded ?? "") || "file";
  } catch {
    return "file";
  }
}

function hand(bytes: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(bytes);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
