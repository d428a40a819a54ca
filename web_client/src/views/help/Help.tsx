/** All keyboard shortcuts, from the same table that dispatches them. */
import type { JSX } from "preact";
import { chordKeys, SHORTCUTS, type Chord } from "../../keyboard.ts";
import { dialog, enterChoice, singleKeys, t } from "../../store.ts";
import { Modal } from "../shell/Modal.tsx";

const APPLE = /Mac|iPhone|iPad/.test(navigator.userAgent);
const ENTER: Chord = { key: "Enter" };
const SHIFT_ENTER: Chord = { key: "Enter", shift: true };
const CTRL_ENTER: Chord = { key: "Enter", mod: true };

export function Help(): JSX.Element {
  const sends = enterChoice.value === "send";
  return (
    <Modal title={t.value.help} onClose={() => (dialog.value = "none")}>
      <dl class="shortcuts">
        <Line name={t.value.helpSend} chords={sends ? [ENTER, CTRL_ENTER] : [CTRL_ENTER]} />
        <Line name={t.value.helpBreak} chords={sends ? [SHIFT_ENTER] : [ENTER, SHIFT_ENTER]} />
        {SHORTCUTS.map(({ id, chords }) => (
          <Line key={id} name={t.value.shortcuts[id] ?? id} chords={chords.filter((chord) => singleKeys.value || chord.mod || chord.alt || chord.key === "Escape")} />
        ))}
      </dl>
    </Modal>
  );
}

function Line({ name, chords }: { name: string; chords: readonly Chord[] }): JSX.Element {
  return (
    <div class="shortcut">
      <dt>{name}</dt>
      <dd>
        {chords.map((chord, at) => (
          <span key={at} class="chord">
            {at > 0 && <span class="quiet">{t.value.or}</span>}
            {chordKeys(chord, APPLE).map((key) => <kbd key={key}>{key}</kbd>)}
          </span>
        ))}
      </dd>
    </div>
  );
}
