import assert from "node:assert/strict";
import { test } from "node:test";
import { cursors, EMPTY, greeting, markBeginning, markRead, prependHistory, totalUnread, trimRoom, update, type Model } from "../src/model.ts";
import type { EventView } from "../src/protocol.ts";
import { chances, event, frame, I, OTHER, posted, ready, roomView } from "./world.ts";

const R = "r_1";

function start(events: readonly EventView[], read = 0): Model {
  return update(EMPTY, ready([roomView(R, events, read)]));
}

function follow(model: Model, events: readonly EventView[]): Model {
  return events.reduce((now, each) => update(now, frame(R, each)), model);
}

function randomEvents(count: number, seed: number): EventView[] {
  const chance = chances(seed);
  return Array.from({ length: count }, (_, at) => {
    const actor = chance() < 0.4 ? I : OTHER;
    const kind = chance();
    if (kind < 0.7) return posted(at + 1, actor);
    if (kind < 0.85) return event(at + 1, actor, { type: "message.withheld" });
    return event(at + 1, actor, { type: "attachment.judged", attachment: `a_${at}`, zones: { lgwan: { treatment: "rebuild", state: "released" } } });
  });
}

test("start + events == fresh load, wherever the start was and however often the line broke", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const chance = chances(seed);
    const events = randomEvents(30, seed);
    const begin = Math.floor(chance() * 30);
    const read = Math.floor(chance() * begin);
    let lived = start(events.slice(0, begin), read);
    let heard = begin;
    while (heard < events.length) {
      const broken = chance() < 0.3;
      if (broken) lived = update(lived, ready([roomView(R, events.slice(0, Math.min(events.length, heard + 4)), read)]));
      const from = broken ? (cursors(lived)[R] ?? 0) : heard;
      const next = Math.min(events.length, heard + 4);
      lived = follow(lived, events.slice(from, next));
      heard = next;
    }
    lived = prependHistory(lived, R, events.slice(0, begin));
    const fresh = prependHistory(start(events, read), R, events);
    assert.deepEqual(lived.rooms[R]?.entries, fresh.rooms[R]?.entries, `seed ${seed}`);
    assert.deepEqual(lived.rooms[R]?.view, fresh.rooms[R]?.view, `seed ${seed}`);
    assert.deepEqual(cursors(lived), cursors(fresh), `seed ${seed}`);
  }
});

test("an event that came already is not taken twice", () => {
  const once = follow(start([]), [posted(1, OTHER)]);
  const twice = update(once, frame(R, posted(1, OTHER)));
  assert.equal(twice, once);
});

test("an event that leaves a hole is not taken and asks for the gap", () => {
  const model = follow(start([]), [posted(1, OTHER), posted(3, OTHER)]);
  assert.equal(model.gap, true);
  assert.deepEqual(cursors(model), { [R]: 1 });
  assert.equal(update(model, ready([roomView(R, [posted(1, OTHER)], 0)])).gap, false);
});

test("events of a room one is not in are ignored", () => {
  const model = start([]);
  assert.equal(update(model, frame("r_other", posted(1, OTHER))), model);
});

test("one's own posts and verdicts are never unread; withheld posts are", () => {
  const judged = event(2, OTHER, { type: "attachment.judged", attachment: "a_1", zones: {} });
  const model = follow(start([]), [posted(1, I), judged, posted(3, OTHER), event(4, OTHER, { type: "message.withheld" })]);
  assert.equal(model.rooms[R]?.view.unread, 2);
  assert.equal(totalUnread(model), 2);
});

test("a read mark counts anew what is after it, and never moves back", () => {
  const model = follow(start([]), [posted(1, OTHER), posted(2, OTHER), posted(3, OTHER)]);
  const read = update(model, { op: "read_mark", room: R, seq: 2 });
  assert.deepEqual([read.rooms[R]?.view.read, read.rooms[R]?.view.unread], [2, 1]);
  assert.equal(update(read, { op: "read_mark", room: R, seq: 1 }), read);
  assert.equal(markRead(read, R, 99).rooms[R]?.view.read, 3);
});

test("reset drops what is held and starts from the new head", () => {
  const model = follow(start([]), [posted(1, OTHER), posted(2, OTHER)]);
  const reset = update(model, { op: "reset", room: R, head: 9 });
  assert.deepEqual(reset.rooms[R]?.entries, []);
  assert.deepEqual(cursors(reset), { [R]: 9 });
});

test("hello names the history that its cursors are of", () => {
  assert.deepEqual(greeting(EMPTY), { op: "hello", notices: true, cursors: {} });
  const model = follow(start([]), [posted(1, OTHER), posted(2, OTHER)]);
  assert.deepEqual(greeting(model), { op: "hello", notices: true, cursors: { [R]: 2 }, incarnation: "first" });
  const restored = update(model, ready([roomView(R, [posted(1, OTHER)], 0)], "i_2"));
  assert.deepEqual(greeting(restored), { op: "hello", notices: true, cursors: { [R]: 2 }, incarnation: "i_2" });
  assert.deepEqual(update(restored, { op: "reset", room: R, head: 1 }).rooms[R]?.entries, []);
});

test("a joined room begins after the given seq, a left one is gone", () => {
  const joined = update(EMPTY, { op: "room", room: roomView("r_2", [], 0), after: 0 });
  const talked = update(joined, frame("r_2", posted(1, OTHER)));
  assert.equal(talked.rooms["r_2"]?.entries.length, 1);
  assert.deepEqual(update(talked, { op: "room_left", room: "r_2" }).rooms, {});
});

test("ready drops rooms that are no longer listed and forgets another person's", () => {
  const model = start([posted(1, OTHER)]);
  assert.deepEqual(update(model, ready([])).rooms, {});
  const stranger = { ...ready([roomView(R, [posted(1, OTHER)], 1)]), user: { login: "x", name: "x", org: "o_1", org_name: "", section: "", roles: [] } };
  assert.deepEqual(update(follow(model, [posted(2, OTHER)]), stranger).rooms[R]?.entries, []);
});

test("history is taken only where it joins what is held", () => {
  const events = [1, 2, 3, 4].map((seq) => posted(seq, OTHER));
  const model = follow(start(events.slice(0, 3)), [events[3] as EventView]);
  assert.equal(prependHistory(model, R, events.slice(0, 2)), model);
  const whole = prependHistory(model, R, events);
  assert.deepEqual(whole.rooms[R]?.entries.map((each) => each.seq), [1, 2, 3, 4]);
  assert.equal(whole.rooms[R]?.oldest, 1);
  assert.equal(prependHistory(whole, R, events), whole);
});

test("trimming keeps the newest and can load the rest again", () => {
  const events = [1, 2, 3, 4, 5].map((seq) => posted(seq, OTHER));
  const trimmed = trimRoom(follow(start([]), events), R, 2);
  assert.deepEqual(trimmed.rooms[R]?.entries.map((each) => each.seq), [4, 5]);
  assert.equal(prependHistory(trimmed, R, events).rooms[R]?.entries.length, 5);
});

test("a room whose beginning may not be read counts as begun where it ends", () => {
  assert.equal(markBeginning(start([posted(1, OTHER)]), R).rooms[R]?.oldest, 1);
});

test("members who come and go change the audience", () => {
  const model = follow(start([]), [event(1, OTHER, { type: "members.changed", joined: [I, OTHER], left: [] })]);
  assert.equal(model.rooms[R]?.view.audience.people, 7);
});

test("the newest word on an attachment is kept until the next ready", () => {
  const zones = { lgwan: { treatment: "rebuild", state: "refused", code: "bomb" } } as const;
  const model = update(start([]), { op: "attachment", attachment: "a_1", zones });
  assert.deepEqual(model.releases["a_1"], zones);
  assert.deepEqual(update(model, ready([])).releases, {});
});
