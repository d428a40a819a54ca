/**
 * Coming and going: which zone this is, who is logged in, logging in and out.
 *
 * Rules kept here: the zone is what the server says, never a guess from the address; a session that ends keeps everything
 * typed; logging out by hand removes it from this computer.
 */
import { effect } from "@preact/signals";
import { configureHttp, get, post, type Answer } from "../io/http.ts";
import { personal, read, write } from "../io/keep.ts";
import type { EnterChoice } from "../keyboard.ts";
import { isLanguage } from "../messages/index.ts";
import { EMPTY } from "../model.ts";
import type { User } from "../protocol.ts";
import {
  announcement, details, dialog, drafts, enterChoice, favourites, history, language, model, notice, openRoom, outbox,
  panel, roomFilter, session, singleKeys, theme, unreadFrom, zone, type Theme, type ZoneInfo,
} from "../store.ts";
import * as files from "./files.ts";
import { connect, disconnect } from "./live.ts";
import { forgetUnsent, keepOutbox, restore } from "./posting.ts";
import { drawUnreadLine, fill, followAddress } from "./rooms.ts";

const TRY_START_AGAIN = 3_000;

/** The first steps of the page: choices, zone, session. */
export async function start(): Promise<void> {
  choose();
  configureHttp({ onUnauthenticated: ended, language: () => language.value });
  addEventListener("popstate", () => session.value === "loggedIn" && followAddress());
  await arrive();
}

async function arrive(): Promise<void> {
  const here = await get<ZoneInfo>("zone");
  if (!here.ok) return tryAgainLater();
  zone.value = here.value;
  if (setupSecret() !== "") return void (session.value = "settingUp");
  if (here.value.user === null) session.value = "loggedOut";
  else enter(here.value.user);
}

function tryAgainLater(): void {
  session.value = "unreachable";
  setTimeout(() => void arrive(), TRY_START_AGAIN);
}

/** The one-time secret of `/setup#SECRET`, made by `sekisho init`; empty on every other page. */
function setupSecret(): string {
  return location.pathname === "/setup" ? location.hash.slice(1) : "";
}

export interface FirstAdministrator {
  readonly organisation: string;
  readonly login: string;
  readonly name: string;
  readonly password: string;
}

/** Uses the one-time link up: registers the organisation and its first administrator, then shows the login. */
export async function setUp(first: FirstAdministrator): Promise<Answer<unknown>> {
  const answer = await post("setup", { token: setupSecret(), ...first });
  if (!answer.ok) return answer;
  window.history.replaceState(null, "", `/${location.search}`);
  notice.value = "setUp";
  session.value = "loggedOut";
  return answer;
}

export async function login(name: string, password: string): Promise<Answer<{ user: User }>> {
  const answer = await post<{ user: User }>("login", { login: name.trim(), password });
  if (answer.ok) enter(answer.value.user);
  return answer;
}

function enter(user: User): void {
  const before = model.value.user;
  if (before?.login !== user.login || before.org !== user.org) {
    forgetPerson();
    model.value = { ...EMPTY, user, zone: zone.value?.zone ?? "" };
  }
  favourites.value = read<string[]>(personal(zone.value?.zone ?? "", user.login, "favourites"), []);
  restore();
  notice.value = "none";
  session.value = "loggedIn";
  followAddress();
  connect({ ready: onReady, ended, taken: files.heard, outboxChanged: keepOutbox });
}

function onReady(): void {
  files.refresh();
  const open = openRoom.value;
  if (open !== null && unreadFrom.value[open] === undefined) drawUnreadLine(open);
  if (open !== null) queueMicrotask(() => void fill(open));
}

/** The server no longer knows the session. What was typed stays. */
function ended(): void {
  if (session.value !== "loggedIn") return;
  disconnect();
  notice.value = "ended";
  session.value = "loggedOut";
  dialog.value = "none";
}

export async function logout(): Promise<void> {
  await post("logout", {});
  disconnect();
  forgetUnsent();
  forgetPerson();
  window.history.replaceState(null, "", location.pathname + location.search);
  notice.value = "loggedOut";
  session.value = "loggedOut";
}

/** Empties the page of everything of the person before; what is kept on the computer under their name stays there. */
function forgetPerson(): void {
  dialog.value = "none";
  panel.value = null;
  openRoom.value = null;
  model.value = EMPTY;
  drafts.value = {};
  outbox.value = [];
  details.value = {};
  history.value = {};
  unreadFrom.value = {};
  roomFilter.value = "";
  announcement.value = "";
}

/** Reads the choices kept on this computer and keeps them from now on; `?lang=` in the address wins. */
function choose(): void {
  const asked = new URLSearchParams(location.search).get("lang");
  const kept = read<unknown>("sekisho:language", "ja");
  language.value = isLanguage(asked) ? asked : isLanguage(kept) ? kept : "ja";
  theme.value = read<Theme>("sekisho:theme", "auto");
  enterChoice.value = read<EnterChoice>("sekisho:enter", "send");
  singleKeys.value = read("sekisho:single-keys", true);
  effect(() => write("sekisho:language", language.value));
  effect(() => write("sekisho:theme", theme.value));
  effect(() => write("sekisho:enter", enterChoice.value));
  effect(() => write("sekisho:single-keys", singleKeys.value));
  effect(() => void (document.documentElement.lang = language.value));
  followSystemColours();
}

/** Puts the colours to use on the root element: the choice, or what the computer wishes. */
function followSystemColours(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const contrast = matchMedia("(prefers-contrast: more)");
  const apply = (): void => {
    const wished = contrast.matches ? "contrast" : dark.matches ? "dark" : "light";
    document.documentElement.dataset.theme = theme.value === "auto" ? wished : theme.value;
  };
  effect(apply);
  dark.addEventListener("change", apply);
  contrast.addEventListener("change", apply);
}
