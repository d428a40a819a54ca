/**
 * What an attachment's card says, from what the server says of it: pure.
 *
 * Rules kept here: four steps 受付 → 検査 → 無害化 → 検証, each waiting, active, done, failed or skipped; the server tells
 * the verdict, not each step, so between reception and verdict the three inner steps count as under way together; a
 * refusal's code says at which step it stopped; kinds and counts come from the report, never names found in files.
 *
 * Example: `stepsOf({treatment: "rebuild", state: "released"})` → `["done", "done", "done", "done"]`.
 */
import type { AttachmentView, ZoneRelease } from "./protocol.ts";

export type Step = "waiting" | "active" | "done" | "failed" | "skipped";
export type Steps = readonly [received: Step, inspected: Step, rebuilt: Step, verified: Step];

export const UPLOADING: Steps = ["active", "waiting", "waiting", "waiting"];

const STOPPED_WHILE_REBUILDING = new Set([
  "unreadable", "too-many-pages", "too-many-pixels", "too-deep", "bomb", "timeout", "crashed", "memory", "output-too-large", "no-page",
]);

export function stepsOf(release: ZoneRelease): Steps {
  const rebuilt: Step = release.treatment === "pass" ? "skipped" : "done";
  switch (release.state) {
    case "quarantined":
      return ["done", "active", release.treatment === "pass" ? "skipped" : "active", release.treatment === "pass" ? "waiting" : "active"];
    case "released":
      return ["done", "done", rebuilt, rebuilt];
    case "awaiting_approval":
      return ["done", "done", rebuilt, rebuilt];
    case "needs_password":
      return ["done", "active", "waiting", "waiting"];
    case "refused":
      return stopped(release.code ?? "");
  }
}

/** The last step holds the My Number check too. */
const STOPPED_WHILE_VERIFYING = new Set(["verification-failed", "my_number", "unchecked"]);

function stopped(code: string): Steps {
  if (STOPPED_WHILE_VERIFYING.has(code)) return ["done", "done", "done", "failed"];
  if (STOPPED_WHILE_REBUILDING.has(code)) return ["done", "done", "failed", "waiting"];
  return ["done", "failed", "waiting", "waiting"];
}

export interface Counted {
  readonly kind: string;
  readonly count: number;
}

/** What was taken out (or mended) by the sanitizer's report, each kind once. */
export function changes(report: AttachmentView["report"], which: "removed" | "changed"): Counted[] {
  return summed(report?.[which]);
}

/** Each kind once, in the order of its first line, with the sum of its counts; what is no such list is empty. */
export function summed(listed: unknown): Counted[] {
  const sums = new Map<string, number>();
  for (const each of Array.isArray(listed) ? (listed as unknown[]) : []) {
    const { kind, count } = each as { kind?: unknown; count?: unknown };
    if (typeof kind === "string" && typeof count === "number") sums.set(kind, (sums.get(kind) ?? 0) + count);
  }
  return [...sums].map(([kind, count]) => ({ kind, count }));
}

export type Preview = "pdf" | "image" | "text" | "csv" | "tsv" | null;

/** How the viewer can show it: by the type of the file this zone reads, else by the name's extension. */
export function previewOf(view: AttachmentView): Preview {
  const type = typeOf(view.report, "output") || typeOf(view.report, "input") || byExtension(view.name);
  if (type === "application/pdf") return "pdf";
  if (/^image\/(png|jpeg|gif|webp|bmp)$/.test(type)) return "image";
  if (type === "text/csv") return "csv";
  if (type === "text/tab-separated-values") return "tsv";
  return type.startsWith("text/") && type !== "text/html" ? "text" : null;
}

/** The media type of the received or of the rebuilt file; empty where the report does not say. */
export function typeOf(report: AttachmentView["report"], which: "input" | "output"): string {
  const facts = report?.[which] as { type?: unknown } | null | undefined;
  return typeof facts?.type === "string" ? facts.type : "";
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  pdf: "application/pdf", png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp",
  txt: "text/plain", csv: "text/csv", tsv: "text/tab-separated-values",
};

function byExtension(name: string): string {
  return EXTENSIONS[name.slice(name.lastIndexOf(".") + 1).toLowerCase()] ?? "";
}

/**
 * The refusal's sentence in the reader's language, as the report gives it; empty where the report does not speak of this
 * refusal: the server may refuse what the sanitizer released (a My Number), or before the sanitizer saw it.
 */
export function reportMessage(report: AttachmentView["report"], code: string | null | undefined, language: "ja" | "en"): string {
  if (report?.code !== code) return "";
  const message = language === "en" ? (report?.message_en ?? report?.message) : report?.message;
  return typeof message === "string" ? message : "";
}
