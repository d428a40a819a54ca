/**
 * Every keyboard shortcut, once: the same table feeds the dispatch and the `?` help.
 *
 * Rules kept here:
 * - Nothing fires while Japanese is being converted.
 * - A shortcut without a modifier fires only outside text fields, and only while single-key shortcuts are on
 *   (WCAG 2.1.4); every one of them has another way.
 * - No shortcut takes a key that Japanese or English browsers use for themselves.
 *
 * Example: `shortcutFor({key: "k", ctrlKey: true, …}, false, true)` → `"jump"`.
 */

export type ShortcutId =
  | "jump"
  | "previousRoom"
  | "nextRoom"
  | "nextUnread"
  | "newRoom"
  | "compose"
  | "attach"
  | "members"
  | "close"
  | "help";

export interface Chord {
  readonly key: string;
  readonly mod?: boolean;
  readonly alt?: boolean;
  readonly shift?: boolean;
}

export interface Shortcut {
  readonly id: ShortcutId;
  readonly chords: readonly Chord[];
}

/** In the order of the help. The words stand in the messages under `shortcut.<id>`. */
export const SHORTCUTS: readonly Shortcut[] = [
  { id: "jump", chords: [{ key: "k", mod: true }] },
  { id: "previousRoom", chords: [{ key: "ArrowUp", alt: true }] },
  { id: "nextRoom", chords: [{ key: "ArrowDown", alt: true }] },
  { id: "nextUnread", chords: [{ key: "ArrowDown", alt: true, shift: true }] },
  { id: "compose", chords: [{ key: "m" }, { key: "m", alt: true, shift: true }] },
  { id: "newRoom", chords: [{ key: "n" }, { key: "n", alt: true, shift: true }] },
  { id: "attach", chords: [{ key: "u" }, { key: "u", alt: true, shift: true }] },
  { id: "members", chords: [{ key: "i" }, { key: "i", alt: true, shift: true }] },
  { id: "close", chords: [{ key: "Escape" }] },
  { id: "help", chords: [{ key: "?" }, { key: "/", mod: true }] },
];

/** The part of a `KeyboardEvent` that decides. */
export interface Stroke {
  readonly key: string;
  readonly keyCode: number;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly isComposing: boolean;
}

/** Is a conversion under way? 229 is what browsers report for keys the input method takes (Safari after its end too). */
export function isConverting(stroke: Pick<Stroke, "isComposing" | "keyCode">): boolean {
  return stroke.isComposing || stroke.keyCode === 229;
}

/** The shortcut a key press stands for, or null. `inField`: the focus is in something one types into. */
export function shortcutFor(stroke: Stroke, inField: boolean, singleKeys: boolean): ShortcutId | null {
  if (isConverting(stroke)) return null;
  for (const { id, chords } of SHORTCUTS) {
    if (chords.some((chord) => matches(chord, stroke) && allowed(chord, inField, singleKeys))) return id;
  }
  return null;
}

function matches(chord: Chord, stroke: Stroke): boolean {
  const mod = stroke.ctrlKey || stroke.metaKey;
  const shift = chord.key === "?" ? stroke.shiftKey : (chord.shift ?? false);
  return (
    chord.key.toLowerCase() === stroke.key.toLowerCase() &&
    (chord.mod ?? false) === mod &&
    (chord.alt ?? false) === stroke.altKey &&
    shift === stroke.shiftKey
  );
}

function allowed(chord: Chord, inField: boolean, singleKeys: boolean): boolean {
  const single = !chord.mod && !chord.alt && chord.key !== "Escape";
  return !single || (singleKeys && !inField);
}

export type EnterChoice = "send" | "newline";

/**
 * What Enter does in the composer. During a conversion it belongs to the input method, whatever else is pressed.
 * Ctrl/⌘+Enter always sends, Shift+Enter always breaks the line, Enter alone does what the person chose.
 */
export function enterAction(stroke: Stroke, choice: EnterChoice): "send" | "newline" | "none" {
  if (stroke.key !== "Enter" || isConverting(stroke)) return "none";
  if (stroke.ctrlKey || stroke.metaKey) return "send";
  if (stroke.shiftKey || stroke.altKey) return "newline";
  return choice;
}

const KEY_NAMES: Record<string, string> = { ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc" };

/** The keys of a chord as one reads them, in order: `["Ctrl", "K"]`, on Apple machines `["⌘", "K"]`. */
export function chordKeys(chord: Chord, apple: boolean): string[] {
  const keys: string[] = [];
  if (chord.mod) keys.push(apple ? "⌘" : "Ctrl");
  if (chord.alt) keys.push(apple ? "⌥" : "Alt");
  if (chord.shift) keys.push(apple ? "⇧" : "Shift");
  keys.push(KEY_NAMES[chord.key] ?? (chord.key.length === 1 ? chord.key.toUpperCase() : chord.key));
  return keys;
}
