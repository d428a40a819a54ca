import assert from "node:assert/strict";
import { test } from "node:test";
import * as posts from "../src/outbox.ts";
import { I, OTHER, posted } from "./world.ts";

const one = posts.newPost("c1", "r_1", "こんにちは", [], 1_000);

test("a post is gone only when its own event is there", () => {
  const sent = posts.sent([one], "c1", 7, 2_000);
  const acknowledged = posts.acknowledged(sent, 7, 5);
  assert.equal(acknowledged[0]?.state, "acknowledged");
  assert.equal(posts.arrived(acknowledged, "r_1", [posted(4, OTHER)], 4).length, 1);
  assert.deepEqual(posts.arrived(acknowledged, "r_1", [posted(5, I, "こんにちは", "c1")], 5), []);
});

test("the event may come before the acknowledgement", () => {
  const sent = posts.sent([one], "c1", 7, 2_000);
  const shown = posts.arrived(sent, "r_1", [posted(5, I, "こんにちは", "c1")], 5);
  assert.deepEqual(posts.acknowledged(shown, 7, 5), []);
});

test("an acknowledged post whose event was passed by a reset is not kept for ever", () => {
  const acknowledged = posts.acknowledged(posts.sent([one], "c1", 7, 2_000), 7, 5);
  assert.deepEqual(posts.arrived(acknowledged, "r_1", [], 9), []);
});

test("what was acknowledged in a history that is lost is sent again", () => {
  const acknowledged = posts.acknowledged(posts.sent([one], "c1", 7, 2_000), 7, 5);
  const waiting = posts.historyLost(acknowledged);
  assert.deepEqual([waiting[0]?.state, waiting[0]?.id, waiting[0]?.seq], ["waiting", "c1", 0]);
});

test("a lost line makes what was unanswered wait again, under the same id", () => {
  const waiting = posts.connectionLost(posts.sent([one], "c1", 7, 2_000));
  assert.deepEqual([waiting[0]?.state, waiting[0]?.id], ["waiting", "c1"]);
});

test("a late acknowledgement of an older sending changes nothing", () => {
  const resent = posts.sent(posts.connectionLost(posts.sent([one], "c1", 7, 2_000)), "c1", 8, 3_000);
  assert.equal(posts.acknowledged(resent, 7, 5)[0]?.state, "sent");
});

test("busy waits for another try, other refusals stay with their reason", () => {
  const sent = posts.sent([one], "c1", 7, 2_000);
  assert.equal(posts.refused(sent, 7, { code: "busy", message: "" })[0]?.state, "waiting");
  const refused = posts.refused(sent, 7, { code: "forbidden_crossing", message: "番号" });
  assert.deepEqual([refused[0]?.state, refused[0]?.refusal?.message], ["refused", "番号"]);
  assert.equal(posts.connectionLost(refused)[0]?.state, "refused");
  assert.deepEqual(posts.discarded(refused, "c1"), []);
  assert.equal(posts.again(refused, "c1")[0]?.state, "waiting");
});

test("an unanswered post tells that the line is dead", () => {
  const sent = posts.sent([one], "c1", 7, 2_000);
  assert.equal(posts.stalled(sent, 10_000, 12_000), false);
  assert.equal(posts.stalled(sent, 15_000, 12_000), true);
  assert.equal(posts.stalled([one], 99_999, 12_000), false);
});
