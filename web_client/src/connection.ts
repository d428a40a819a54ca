/**
 * The life of the connection, as a pure table of transitions.
 *
 * Rules kept here:
 * - `step(state, input)` has no socket, timer, clock or chance: chance arrives in the input, waits leave as effects.
 * - A lost connection is tried again for ever, ever more slowly and never in step with others (jitter); a session that has
 *   ended (4001, 4003) is not tried again: the person is asked to log in.
 * - Any `ready` resets the back-off. A computer that says it is offline waits for `online` instead of trying.
 * - Every socket carries a number; what an old socket still says is ignored.
 *
 * | phase      | means                                   | leaves by                                |
 * |------------|-----------------------------------------|------------------------------------------|
 * | idle       | not wanted                              | start                                    |
 * | connecting | socket asked for                        | opened, closed                           |
 * | greeting   | hello sent, ready awaited               | ready, closed, timer                     |
 * | live       | ready received                          | closed, stalled                          |
 * | waiting    | lost; next try after a pause            | timer, online, start                     |
 * | offline    | the computer has no network             | online, start                            |
 * | ended      | the session ended or was refused        | start                                    |
 *
 * Example: `step(INITIAL, {type: "start"})` → connecting, with the effect `{type: "open", socket: 1}`.
 */
import {
  CLOSE_ENDED,
  CLOSE_GOING_AWAY,
  CLOSE_RESYNC,
  CLOSE_UNAUTHENTICATED,
} from "./protocol.ts";

export type Phase = "idle" | "connecting" | "greeting" | "live" | "waiting" | "offline" | "ended";

export interface ConnectionState {
  readonly phase: Phase;
  /** The number of the newest socket. */
  readonly socket: number;
  /** Tries since the last `ready`. */
  readonly tries: number;
  /** Has this session ever been live? Until then "connecting" is no "reconnecting". */
  readonly beenLive: boolean;
}

export type Input =
  | { type: "start" }
  | { type: "stop" }
  | { type: "opened"; socket: number }
  | { type: "ready"; socket: number }
  | { type: "closed"; socket: number; code: number; chance: number }
  | { type: "timer"; socket: number; chance: number }
  | { type: "stalled"; chance: number }
  | { type: "online" }
  | { type: "offline" };

export type Effect =
  | { type: "open"; socket: number }
  | { type: "hello"; socket: number }
  | { type: "close" }
  | { type: "wait"; socket: number; milliseconds: number };

export type Step = readonly [ConnectionState, readonly Effect[]];

export const INITIAL: ConnectionState = { phase: "idle", socket: 0, tries: 0, beenLive: false };

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;
/** How long a socket may take to become ready. */
export const READY_WITHIN = 15_000;

/** The pause before try number `tries` (from 1), in milliseconds: doubling, capped, half of it chance. `chance` is in [0, 1). */
export function pause(tries: number, chance: number): number {
  const ceiling = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.max(0, tries - 1));
  return Math.round(ceiling / 2 + (ceiling / 2) * chance);
}

export function step(state: ConnectionState, input: Input): Step {
  if ("socket" in input && input.socket !== state.socket) return [state, []];
  switch (input.type) {
    case "start":
      return isUp(state) ? [state, []] : open({ ...state, tries: 0 });
    case "stop":
      return [{ ...INITIAL, socket: state.socket }, [{ type: "close" }]];
    case "opened":
      return [{ ...state, phase: "greeting" }, [{ type: "hello", socket: state.socket }]];
    case "ready":
      return [{ ...state, phase: "live", tries: 0, beenLive: true }, []];
    case "closed":
      return isUp(state) ? afterClose(state, input.code, input.chance) : [state, []];
    case "timer":
      return onTimer(state, input.chance);
    case "stalled":
      return state.phase === "live" ? abandon(state, input.chance) : [state, []];
    case "online":
      return state.phase === "waiting" || state.phase === "offline" ? open({ ...state, tries: 0 }) : [state, []];
    case "offline":
      return goOffline(state);
  }
}

function isUp(state: ConnectionState): boolean {
  return state.phase === "connecting" || state.phase === "greeting" || state.phase === "live";
}

function open(state: ConnectionState): Step {
  const socket = state.socket + 1;
  return [
    { ...state, phase: "connecting", socket },
    [{ type: "open", socket }, { type: "wait", socket, milliseconds: READY_WITHIN }],
  ];
}

function afterClose(state: ConnectionState, code: number, chance: number): Step {
  if (code === CLOSE_UNAUTHENTICATED || code === CLOSE_ENDED) return [{ ...state, phase: "ended" }, []];
  const promised = code === CLOSE_RESYNC || code === CLOSE_GOING_AWAY;
  return wait(state, promised && state.phase === "live" ? Math.round(250 + 1_750 * chance) : undefined, chance);
}

function wait(state: ConnectionState, milliseconds: number | undefined, chance: number): Step {
  const tries = state.tries + 1;
  const effect: Effect = { type: "wait", socket: state.socket, milliseconds: milliseconds ?? pause(tries, chance) };
  return [{ ...state, phase: "waiting", tries }, [effect]];
}

function onTimer(state: ConnectionState, chance: number): Step {
  if (state.phase === "waiting") return open(state);
  return state.phase === "connecting" || state.phase === "greeting" ? abandon(state, chance) : [state, []];
}

/** Gives up a socket that no longer answers. It gets no further word: its number is passed. */
function abandon(state: ConnectionState, chance: number): Step {
  const [next, effects] = wait({ ...state, socket: state.socket + 1 }, undefined, chance);
  return [next, [{ type: "close" }, ...effects]];
}

function goOffline(state: ConnectionState): Step {
  if (state.phase === "idle" || state.phase === "ended") return [state, []];
  return [{ ...state, phase: "offline", socket: state.socket + 1 }, [{ type: "close" }]];
}
