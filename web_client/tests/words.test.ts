import assert from "node:assert/strict";
import { test } from "node:test";
import { changes, previewOf, reportMessage, stepsOf } from "../src/attachment.ts";
import { base64 } from "../src/io/upload.ts";
import { problemOf } from "../src/io/http.ts";
import { en } from "../src/messages/en.ts";
import { ja } from "../src/messages/ja.ts";
import type { AttachmentView } from "../src/protocol.ts";
import { colourOf, fileKind, fileSize, initial, isIn, pieces, visibleLength } from "../src/text.ts";
import { clock, dayHeading, dayOf, daysAgo } from "../src/time.ts";
import { rows } from "../src/timeline.ts";
import { event, I, ME, OTHER, posted } from "./world.ts";

type Tree = { [name: string]: unknown };

function names(tree: Tree, path = ""): string[] {
  return Object.entries(tree).flatMap(([name, value]) =>
    typeof value === "object" && value !== null ? names(value as Tree, `${path}${name}.`) : [`${path}${name}:${typeof value}`],
  );
}

test("Japanese and English have the same texts, and none is empty", () => {
  assert.deepEqual(names(en).sort(), names(ja).sort());
  for (const tree of [ja, en]) {
    const empty = Object.entries(tree).filter(([, value]) => value === "");
    assert.deepEqual(empty, []);
  }
});

test("English shows no Japanese", () => {
  const said = JSON.stringify(en, (_, value: unknown) => (typeof value === "function" ? String((value as (...a: unknown[]) => string)(2, 2)) : value));
  assert.equal(/[\u3040-\u30ff\u4e00-\u9fff]/.test(said), false);
});

test("only web addresses become links, and the text stays whole", () => {
  for (const text of ["見る https://example.jp/a。次", "javascript:alert(1)", "http://", "（https://example.jp/）", "", "a\nhttps://例え.jp/x?y=1, b"]) {
    assert.equal(pieces(text).map((piece) => piece.text).join(""), text);
    for (const piece of pieces(text)) if (piece.href) assert.match(piece.href, /^https?:\/\//);
  }
  assert.equal(pieces("見る https://example.jp/a。次")[1]?.href, "https://example.jp/a");
});

test("a link ends before direction-changing characters", () => {
  assert.equal(pieces("https://example.jp/\u202egpj.exe")[0]?.href, "https://example.jp/");
});

test("names, sizes and lengths are counted as people see them", () => {
  assert.equal(initial("𠮷田 直子"), "𠮷");
  assert.equal(initial("葛\u{e0100}城"), "葛\u{e0100}");
  assert.equal(initial(""), "？");
  assert.equal(visibleLength("👨‍👩‍👧葛\u{e0100}"), 2);
  assert.deepEqual([0, 999, 1_000, 12_345, 3_240_000, 999_999_999].map(fileSize), ["0 B", "999 B", "1.0 KB", "12 KB", "3.2 MB", "1.0 GB"]);
  assert.deepEqual([fileKind("表.CSV"), fileKind("なし"), fileKind(".bashrc"), fileKind("a.とても")], ["CSV", "", "", ""]);
  assert.equal(colourOf("佐藤", 8), colourOf("佐藤", 8));
});

test("a sentence is known by its letters", () => {
  assert.deepEqual([isIn("ja", "送信できません"), isIn("en", "送信できません"), isIn("en", "No."), isIn("ja", "")], [true, false, true, false]);
});

test("times are Tokyo's, whatever the computer says", () => {
  assert.equal(clock("2026-11-21T15:05:00.000Z", "ja"), "00:05");
  assert.equal(dayOf("2026-11-21T15:05:00.000Z"), "2026-11-22");
  assert.equal(daysAgo("2026-11-21T14:59:59.999Z", Date.parse("2026-11-21T15:00:00Z")), 1);
  assert.match(dayHeading("2025-03-31T15:00:00.000Z", "ja", Date.parse("2026-04-01T00:00:00Z")), /^2025年4月1日/);
  assert.doesNotMatch(dayHeading("2026-04-01T00:00:00.000Z", "ja", Date.parse("2026-04-02T00:00:00Z")), /2026/);
  assert.equal(clock("not a time", "ja"), "not a time");
});

test("posts of one person are joined, until someone else, another day or the unread line comes between", () => {
  const drawn = rows([posted(1, OTHER), posted(2, OTHER), posted(3, I), posted(4, OTHER), posted(5, OTHER)], ME, 4);
  assert.deepEqual(drawn.map((row) => (row.kind === "message" ? `${row.key}${row.joined ? "+" : ""}` : row.kind)), ["day", "1", "2+", "3", "4", "unread", "5"]);
});

test("withheld posts become one row, verdicts none", () => {
  const withheld = (seq: number) => event(seq, OTHER, { type: "message.withheld" });
  const drawn = rows([withheld(1), event(2, OTHER, { type: "attachment.judged", attachment: "a", zones: {} }), withheld(3), posted(4, I)], ME, Infinity);
  assert.deepEqual(drawn.map((row) => row.kind), ["day", "withheld", "message"]);
  assert.equal(drawn[1]?.kind === "withheld" && drawn[1].count, 2);
});

test("the track says where a file is and where it stopped", () => {
  assert.deepEqual(stepsOf({ treatment: "rebuild", state: "quarantined" }), ["done", "active", "active", "active"]);
  assert.deepEqual(stepsOf({ treatment: "rebuild", state: "released" }), ["done", "done", "done", "done"]);
  assert.deepEqual(stepsOf({ treatment: "pass", state: "released" }), ["done", "done", "skipped", "skipped"]);
  assert.deepEqual(stepsOf({ treatment: "rebuild", state: "refused", code: "executable" }), ["done", "failed", "waiting", "waiting"]);
  assert.deepEqual(stepsOf({ treatment: "rebuild", state: "refused", code: "bomb" }), ["done", "done", "failed", "waiting"]);
  assert.deepEqual(stepsOf({ treatment: "rebuild", state: "refused", code: "verification-failed" }), ["done", "done", "done", "failed"]);
});

test("counts of one kind are added up; a broken report says nothing", () => {
  const removed = [{ kind: "javascript", count: 1, where: "page 1" }, { kind: "gps", count: 1 }, { kind: "javascript", count: 2 }];
  assert.deepEqual(changes({ removed }, "removed"), [{ kind: "javascript", count: 3 }, { kind: "gps", count: 1 }]);
  assert.deepEqual(changes({ removed: [{ kind: 3 }] }, "removed"), []);
  assert.deepEqual(changes(null, "changed"), []);
});

test("a report speaks of its own refusal alone; the server's codes have words in both languages", () => {
  const report = { code: "executable", message: "送れません。", message_en: "It cannot be sent." };
  assert.deepEqual([reportMessage(report, "executable", "ja"), reportMessage(report, "executable", "en")], ["送れません。", "It cannot be sent."]);
  assert.equal(reportMessage({ ...report, code: "released" }, "my_number", "ja"), "");
  assert.equal(reportMessage(null, "crashed", "ja"), "");
  for (const code of ["my_number", "unchecked", "damaged", "forbidden_crossing", "crashed"]) {
    assert.match(ja.refusals[code] ?? "", /残っています。.+(ください|連絡)/, code);
    assert.match(en.refusals[code] ?? "", /kept/, code);
  }
});

test("a file stopped by the My Number check was rebuilt before", () => {
  assert.deepEqual(stepsOf({ treatment: "rebuild", state: "refused", code: "my_number" }), ["done", "done", "done", "failed"]);
});

test("the viewer shows PDF, pictures and text, by the rebuilt type before the name, and never HTML or SVG", () => {
  const view = (name: string, type?: string): AttachmentView => ({
    id: "a", name, size: 1, room: "r", posted: true, uploader: I, at: "", zones: {}, thumbnail: false, receipt: false, comparison: null,
    report: type === undefined ? null : { output: { type } },
  });
  assert.equal(previewOf(view("a.heic", "image/jpeg")), "image");
  assert.equal(previewOf(view("a.pdf")), "pdf");
  assert.equal(previewOf(view("a.csv", "text/csv")), "csv");
  assert.equal(previewOf(view("a.html", "text/html")), null);
  assert.equal(previewOf(view("a.svg", "image/svg+xml")), null);
  assert.equal(previewOf(view("a.pdf", "application/zip")), null);
});

test("a problem is read from its body, and an unreadable body still is one", () => {
  assert.deepEqual(problemOf(429, '{"code":"rate_limited","detail":"待つ"}', "30"), { status: 429, code: "rate_limited", detail: "待つ", retryAfter: 30 });
  assert.deepEqual(problemOf(502, "<html>", null), { status: 502, code: "unknown", detail: "", retryAfter: 0 });
});

test("tus metadata is base64 of UTF-8", () => {
  assert.equal(base64("避難所.pdf"), Buffer.from("避難所.pdf", "utf8").toString("base64"));
});
