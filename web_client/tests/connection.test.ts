import assert from "node:assert/strict";
import { test } from "node:test";
import { INITIAL, pause, step, type ConnectionState, type Effect, type Input } from "../src/connection.ts";
import { chances } from "./world.ts";

function run(inputs: readonly Input[], from: ConnectionState = INITIAL): { state: ConnectionState; effects: Effect[] } {
  const effects: Effect[] = [];
  let state = from;
  for (const input of inputs) {
    const [next, more] = step(state, input);
    state = next;
    effects.push(...more);
  }
  return { state, effects };
}

const LIVE: Input[] = [{ type: "start" }, { type: "opened", socket: 1 }, { type: "ready", socket: 1 }];

test("start opens, opening says hello, ready is live", () => {
  const { state, effects } = run(LIVE);
  assert.equal(state.phase, "live");
  assert.deepEqual(effects.map((effect) => effect.type), ["open", "wait", "hello"]);
});

test("a lost line waits, then opens a new socket", () => {
  const { state, effects } = run([...LIVE, { type: "closed", socket: 1, code: 1006, chance: 0.5 }]);
  assert.equal(state.phase, "waiting");
  assert.deepEqual(effects.at(-1), { type: "wait", socket: 1, milliseconds: 375 });
  const again = run([{ type: "timer", socket: 1, chance: 0 }], state);
  assert.deepEqual([again.state.phase, again.state.socket], ["connecting", 2]);
});

test("the pause doubles, is capped, and is half chance", () => {
  assert.deepEqual([1, 2, 3, 4].map((tries) => pause(tries, 0)), [250, 500, 1000, 2000]);
  assert.equal(pause(40, 0), 15_000);
  assert.ok(pause(40, 0.999) <= 30_000);
});

test("tries add up while nothing answers and are forgotten by ready", () => {
  let state = run([{ type: "start" }]).state;
  for (let round = 0; round < 5; round += 1) {
    const socket = state.socket;
    state = run([{ type: "closed", socket, code: 1006, chance: 0 }, { type: "timer", socket, chance: 0 }], state).state;
  }
  assert.equal(state.tries, 5);
  assert.equal(run([{ type: "opened", socket: state.socket }, { type: "ready", socket: state.socket }], state).state.tries, 0);
});

test("an ended session is not tried again until one logs in", () => {
  for (const code of [4001, 4003]) {
    const { state, effects } = run([...LIVE, { type: "closed", socket: 1, code, chance: 0 }, { type: "timer", socket: 1, chance: 0 }, { type: "online" }]);
    assert.equal(state.phase, "ended");
    assert.equal(effects.filter((effect) => effect.type === "open").length, 1);
    assert.equal(run([{ type: "start" }], state).state.phase, "connecting");
  }
});

test("resync and shutdown come back soon, spread over two seconds", () => {
  for (const code of [1001, 4008]) {
    for (const [chance, milliseconds] of [[0, 250], [1, 2000]] as const) {
      assert.deepEqual(run([...LIVE, { type: "closed", socket: 1, code, chance }]).effects.at(-1), { type: "wait", socket: 1, milliseconds });
    }
  }
});

test("what an old socket says is ignored", () => {
  const { state } = run([...LIVE, { type: "stalled", chance: 0 }]);
  assert.equal(state.phase, "waiting");
  const late = run([{ type: "closed", socket: 1, code: 4001, chance: 0 }, { type: "ready", socket: 1 }], state);
  assert.deepEqual(late.state, state);
});

test("a socket that never becomes ready is given up", () => {
  const { state, effects } = run([{ type: "start" }, { type: "opened", socket: 1 }, { type: "timer", socket: 1, chance: 0 }]);
  assert.equal(state.phase, "waiting");
  assert.deepEqual(effects.slice(-2).map((effect) => effect.type), ["close", "wait"]);
});

test("offline waits for the network, online tries at once", () => {
  const { state } = run([...LIVE, { type: "offline" }]);
  assert.equal(state.phase, "offline");
  assert.equal(run([{ type: "timer", socket: state.socket, chance: 0 }], state).state.phase, "offline");
  assert.equal(run([{ type: "online" }], state).state.phase, "connecting");
});

test("stop closes and stays closed", () => {
  const { state, effects } = run([...LIVE, { type: "stop" }, { type: "closed", socket: 1, code: 1000, chance: 0 }, { type: "online" }]);
  assert.equal(state.phase, "idle");
  assert.equal(effects.at(-1)?.type, "close");
});

test("whatever happens in whatever order: one socket at a time, and always a way back unless stopped, offline or ended", () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const chance = chances(seed);
    let state = run([{ type: "start" }]).state;
    let pending = 1;
    for (let round = 0; round < 60; round += 1) {
      const socket = chance() < 0.8 ? state.socket : Math.max(0, state.socket - 1);
      const inputs: Input[] = [
        { type: "opened", socket }, { type: "ready", socket }, { type: "closed", socket, code: 1006, chance: chance() },
        { type: "timer", socket, chance: chance() }, { type: "stalled", chance: chance() }, { type: "online" }, { type: "offline" },
      ];
      const input = inputs[Math.floor(chance() * inputs.length)] as Input;
      const [next, effects] = step(state, input);
      const opened = effects.filter((effect) => effect.type === "open");
      assert.ok(opened.length <= 1);
      if (opened.length === 1) assert.ok(next.socket > state.socket);
      pending = effects.some((effect) => effect.type === "wait" && effect.socket === next.socket) ? 1 : pending;
      if (next.phase === "waiting") assert.equal(pending, 1, `seed ${seed}`);
      state = next;
    }
  }
});
