/**
 * What people are told of a rebuilt file beside its verdict: how like the original it looks, where it differs, what was
 * taken out where, and which parts may be had alone. Pure.
 *
 * Rules kept here: a likeness is rounded down, so that only equal pages are 100 %; a place is words, never coordinates; what
 * a broken report does not say is not said.
 *
 * Example: `percent(0.99987)` → `"99.98"`.
 */
import type { AttachmentView } from "./protocol.ts";

export interface Similarity {
  readonly pages: number;
  readonly of: number;
  readonly mean: number;
  readonly least: number;
}

/** The report's numbers, or null where nothing was compared. */
export function similarityOf(view: AttachmentView): Similarity | null {
  const found = view.report?.similarity as Partial<Similarity> | null | undefined;
  if (typeof found?.mean !== "number" || typeof found.pages !== "number") return null;
  return { pages: found.pages, of: found.of ?? found.pages, mean: found.mean, least: found.least ?? found.mean };
}

/** 0 … 1 as a percentage with two digits, rounded down; `"100"` for equal alone. */
export function percent(likeness: number): string {
  return likeness >= 1 ? "100" : (Math.floor(likeness * 10_000) / 100).toFixed(2);
}

export type Row = "top" | "middle" | "bottom";
export type Column = "left" | "centre" | "right";

/** Which part of the page a box (thousandths) is in; null for one that covers most of the page. */
export function partOfPage(place: readonly number[]): `${Row}-${Column}` | null {
  const [left = 0, top = 0, right = 1000, bottom = 1000] = place;
  if (right - left > 700 && bottom - top > 700) return null;
  const third = (at: number): 0 | 1 | 2 => (at < 360 ? 0 : at > 640 ? 2 : 1);
  const row = (["top", "middle", "bottom"] as const)[third((top + bottom) / 2)];
  const column = (["left", "centre", "right"] as const)[right - left > 700 ? 1 : third((left + right) / 2)];
  return `${row}-${column}`;
}

export interface Counted {
  readonly kind: string;
  readonly count: number;
}

/** Kinds by place, the whole file first, then by kind of place and number: `["", …]`, `["page 2", …]`, `["page 10", …]`. */
export function byPlace(listed: unknown): [where: string, counted: Counted[]][] {
  const places = new Map<string, Map<string, number>>();
  for (const each of Array.isArray(listed) ? (listed as unknown[]) : []) {
    const { kind, count, where } = each as { kind?: unknown; count?: unknown; where?: unknown };
    if (typeof kind !== "string" || typeof count !== "number") continue;
    const place = typeof where === "string" ? where : "";
    const counts = places.get(place) ?? new Map<string, number>();
    places.set(place, counts.set(kind, (counts.get(kind) ?? 0) + count));
  }
  const sorted = [...places].sort(([one], [other]) => inOrder.compare(one, other));
  return sorted.map(([where, counts]) => [where, [...counts].map(([kind, count]) => ({ kind, count }))]);
}

const inOrder = new Intl.Collator("en", { numeric: true });

/** Whether files of this type are compared with their originals. */
export function isCompared(type: string): boolean {
  return type === "application/pdf" || (type.startsWith("image/") && type !== "image/svg+xml");
}

export type Part = "text" | "table" | "pictures";

const OFFICE = /^application\/vnd\.(openxmlformats-officedocument|oasis\.opendocument)\./;

/** Which parts a reader may want of a file of this type; none where the file is nothing but that part. */
export function partsOf(type: string): readonly Part[] {
  if (type === "application/pdf" || OFFICE.test(type) || type === "text/html") return ["text", "table", "pictures"];
  return type === "message/rfc822" || type === "application/vnd.ms-outlook" ? ["text"] : [];
}
