import assert from "node:assert/strict";
import { test } from "node:test";
import { chordKeys, enterAction, shortcutFor, SHORTCUTS, type Stroke } from "../src/keyboard.ts";
import { ja } from "../src/messages/ja.ts";

function key(name: string, more: Partial<Stroke> = {}): Stroke {
  return { key: name, keyCode: 0, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false, ...more };
}

test("Enter during a conversion never sends, whatever was chosen and whatever else is pressed", () => {
  for (const choice of ["send", "newline"] as const) {
    for (const converting of [{ isComposing: true }, { keyCode: 229 }, { isComposing: true, keyCode: 229 }]) {
      for (const held of [{}, { ctrlKey: true }, { metaKey: true }, { shiftKey: true }]) {
        assert.equal(enterAction(key("Enter", { ...converting, ...held }), choice), "none");
      }
    }
  }
});

test("Enter does what the person chose; Ctrl and Shift are fixed", () => {
  assert.equal(enterAction(key("Enter"), "send"), "send");
  assert.equal(enterAction(key("Enter"), "newline"), "newline");
  for (const choice of ["send", "newline"] as const) {
    assert.equal(enterAction(key("Enter", { ctrlKey: true }), choice), "send");
    assert.equal(enterAction(key("Enter", { metaKey: true }), choice), "send");
    assert.equal(enterAction(key("Enter", { shiftKey: true }), choice), "newline");
  }
  assert.equal(enterAction(key("a"), "send"), "none");
});

test("no shortcut fires during a conversion", () => {
  assert.equal(shortcutFor(key("k", { ctrlKey: true, isComposing: true }), false, true), null);
  assert.equal(shortcutFor(key("Escape", { keyCode: 229 }), false, true), null);
});

test("single keys fire only outside fields and only while they are on", () => {
  assert.equal(shortcutFor(key("?", { shiftKey: true }), false, true), "help");
  assert.equal(shortcutFor(key("?", { shiftKey: true }), true, true), null);
  assert.equal(shortcutFor(key("n"), false, false), null);
  assert.equal(shortcutFor(key("k", { ctrlKey: true }), true, false), "jump");
  assert.equal(shortcutFor(key("ArrowDown", { altKey: true }), true, false), "nextRoom");
  assert.equal(shortcutFor(key("ArrowDown", { altKey: true, shiftKey: true }), true, false), "nextUnread");
});

test("no two shortcuts share a chord, and each has words for the help", () => {
  const chords = SHORTCUTS.flatMap((shortcut) => shortcut.chords.map((chord) => chordKeys(chord, false).join("+")));
  assert.equal(new Set(chords).size, chords.length);
  for (const { id } of SHORTCUTS) assert.ok(ja.shortcuts[id], id);
});

test("every single key has another way", () => {
  for (const { id, chords } of SHORTCUTS) {
    assert.ok(chords.some((chord) => chord.mod || chord.alt || chord.key === "Escape"), id);
  }
});
