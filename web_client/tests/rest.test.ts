import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "../src/messages/en.ts";
import { ja } from "../src/messages/ja.ts";
import { EMPTY, update } from "../src/model.ts";
import type { Paused } from "../src/protocol.ts";
import { restOf, type Rest } from "../src/rest.ts";
import { ready } from "./world.ts";

const ORDER: Paused[] = ["marks", "previews", "search", "uploads"];

test("the line says the most that a person may miss", () => {
  const said = [0, 1, 2, 3, 4].map((level) => restOf({ why: ["busy"], paused: ORDER.slice(0, level) }));
  assert.deepEqual(said, [null, "marks", "previews", "search", "uploads"]);
});

test("a full disk is said before a busy server, and reading alone before all", () => {
  assert.equal(restOf({ why: ["storage"], paused: ["uploads"] }), "noFiles");
  assert.equal(restOf({ why: ["busy", "storage"], paused: ["marks", "uploads"] }), "noFiles");
  assert.equal(restOf({ why: ["busy", "storage"], paused: ORDER }), "uploads");
  assert.equal(restOf({ why: ["storage"], paused: ["uploads", "posts"] }), "readOnly");
});

test("what a newer server may pause says nothing", () => {
  assert.equal(restOf({ why: ["busy"], paused: ["presence" as Paused] }), null);
});

test("every line says that messages arrive or that nothing is lost, in both languages", () => {
  for (const rest of Object.keys(ja.rest) as Rest[]) {
    assert.match(ja.rest[rest], /メッセージは(届き|送れ)ます|残ります/);
    assert.match(en.rest[rest], /Messages (arrive|can be sent)|stays on this computer/);
  }
});

test("a notice stands until it is taken back or the connection begins anew", () => {
  const busy = update(EMPTY, { op: "notice", why: ["busy"], paused: ["marks", "previews", "search"] });
  assert.equal(restOf(busy.notice), "search");
  assert.equal(update(busy, { op: "notice", why: [], paused: [] }).notice, null);
  assert.equal(update(busy, ready([])).notice, null);
});
