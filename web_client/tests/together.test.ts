import assert from "node:assert/strict";
import { test } from "node:test";
import { newPost } from "../src/outbox.ts";
import { draftsTogether, postsTogether } from "../src/together.ts";

const post = (id: string) => newPost(id, "r_1", id, [], 0);

test("a page takes out what it has had, and nothing else", () => {
  const kept = [post("sent"), post("another's")];
  assert.deepEqual(postsTogether(kept, [post("new")], new Set(["sent", "new"])).map((each) => each.id), ["another's", "new"]);
  assert.deepEqual(postsTogether(kept, [], new Set()), kept);
});

test("whatever pages keep in whatever order, no unsent post is lost and none is there twice", () => {
  const pages = [0, 1, 2].map((page) => ({ ours: [0, 1, 2].map((n) => post(`${page}-${n}`)), had: new Set<string>() }));
  let kept: ReturnType<typeof postsTogether> = [];
  for (let turn = 0; turn < 60; turn += 1) {
    const page = pages[(turn * 7) % 3];
    assert.ok(page);
    for (const each of page.ours) page.had.add(each.id);
    kept = postsTogether(kept, page.ours, page.had);
  }
  assert.deepEqual(kept.map((each) => each.id).sort(), pages.flatMap((page) => page.ours.map((each) => each.id)).sort());
});

test("of drafts only the room's own changes", () => {
  assert.deepEqual(draftsTogether({ a: "1", b: "2" }, "a", "3"), { b: "2", a: "3" });
  assert.deepEqual(draftsTogether({ a: "1", b: "2" }, "a", undefined), { b: "2" });
});
