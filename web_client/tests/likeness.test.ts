import assert from "node:assert/strict";
import { test } from "node:test";
import { nameOf } from "../src/io/save.ts";
import { byPlace, isCompared, partOfPage, partsOf, percent, similarityOf } from "../src/likeness.ts";
import { en } from "../src/messages/en.ts";
import { ja } from "../src/messages/ja.ts";
import { placeName } from "../src/views/attachments/words.ts";
import type { AttachmentView } from "../src/protocol.ts";

const view = (similarity: unknown): AttachmentView => ({ report: { similarity } }) as unknown as AttachmentView;

test("only what is equal is 100 %", () => {
  assert.deepEqual([1, 0.9999999, 0.9998, 0.5, 0].map(percent), ["100", "99.99", "99.98", "50.00", "0.00"]);
});

test("a report without numbers says nothing of likeness", () => {
  assert.deepEqual(similarityOf(view({ pages: 2, of: 5, mean: 0.9, least: 0.8 })), { pages: 2, of: 5, mean: 0.9, least: 0.8 });
  for (const broken of [undefined, null, {}, { mean: "1", pages: 1 }]) assert.equal(similarityOf(view(broken)), null);
});

test("a place on the page is words", () => {
  assert.equal(partOfPage([700, 800, 900, 950]), "bottom-right");
  assert.equal(partOfPage([0, 0, 100, 100]), "top-left");
  assert.equal(partOfPage([450, 450, 550, 550]), "middle-centre");
  assert.equal(partOfPage([50, 0, 950, 100]), "top-centre");
  assert.equal(partOfPage([0, 0, 1000, 1000]), null);
  for (const words of [ja, en]) {
    for (const row of ["top", "middle", "bottom"]) for (const column of ["left", "centre", "right"]) assert.ok(words.partsOfPage[`${row}-${column}`]);
  }
});

test("what was taken out is told place by place, the whole file first, pages in their order", () => {
  const removed = [
    { kind: "javascript", count: 1, where: "page 10" }, { kind: "javascript", count: 2, where: "page 2" },
    { kind: "metadata", count: 1, where: "" }, { kind: "javascript", count: 1, where: "page 2" }, { kind: 5 },
  ];
  assert.deepEqual(byPlace(removed), [
    ["", [{ kind: "metadata", count: 1 }]], ["page 2", [{ kind: "javascript", count: 3 }]], ["page 10", [{ kind: "javascript", count: 1 }]],
  ]);
  assert.deepEqual(byPlace("nonsense"), []);
});

test("places have names in both languages, inside containers too", () => {
  assert.deepEqual(["", "page 3", "sheet 1", "slide 2", "member 4/page 2", "elsewhere"].map((where) => placeName(where, ja)),
    ["ファイル全体", "3ページ目", "シート1", "スライド2", "中のファイル4・2ページ目", "elsewhere"]);
  assert.deepEqual(["", "page 3", "sheet 1", "member 4/page 2"].map((where) => placeName(where, en)), ["The whole file", "Page 3", "Sheet 1", "File 4 inside, Page 2"]);
});

test("parts are offered where a file is more than that part", () => {
  assert.deepEqual(partsOf("application/pdf"), ["text", "table", "pictures"]);
  assert.deepEqual(partsOf("application/vnd.oasis.opendocument.spreadsheet"), ["text", "table", "pictures"]);
  for (const type of ["image/png", "text/csv", "text/plain", ""]) assert.deepEqual(partsOf(type), []);
  assert.deepEqual(["application/pdf", "image/heif", "image/svg+xml", "text/csv"].map(isCompared), [true, true, false, false]);
});

test("a saved part has the server's name", () => {
  assert.equal(nameOf("attachment; filename*=utf-8''%E8%A1%A8.csv"), "表.csv");
  for (const broken of [null, "attachment", "attachment; filename*=utf-8''%E8"]) assert.equal(nameOf(broken), "file");
});
