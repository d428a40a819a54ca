/** Writing: who will read it stands above the field; Enter does as chosen and never acts during a conversion. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { addFiles } from "../../actions/files.ts";
import { excess, sendDraft, setDraft } from "../../actions/posting.ts";
import { enterAction } from "../../keyboard.ts";
import type { RoomView } from "../../protocol.ts";
import { draftOf, enterChoice, model, room, t } from "../../store.ts";
import { DraftCard } from "../attachments/DraftCard.tsx";
import { Clip, Person, Send } from "../shell/Icons.tsx";
import { filesOf } from "./DropArea.tsx";

export function Composer({ id }: { id: string }): JSX.Element {
  const view = room.value?.view;
  const draft = draftOf(id);
  const [error, setError] = useState("");
  const over = excess(draft.text);
  const words = t.value;
  const send = (): void => {
    setError(sendDraft(id) || over > 0 || draft.files.length > 0 ? "" : words.nothingToSend);
    document.getElementById("composer")?.focus();
  };
  return (
    <form class="composer" onSubmit={(event) => (event.preventDefault(), send())}>
      {view && <AudienceLine view={view} />}
      {draft.files.length > 0 && (
        <ul class="draft-files">{draft.files.map((file) => <DraftCard key={file.key} room={id} file={file} />)}</ul>
      )}
      <div class={over > 0 ? "composer-box over" : "composer-box"}>
        <Writing id={id} name={view?.name ?? ""} send={send} clear={() => setError("")} />
        <div class="composer-tools">
          <Picker id={id} />
          <span class="hint only-wide">{enterChoice.value === "send" ? words.enterHintSend : words.enterHintBreak}</span>
          <button class="button primary send" type="submit" disabled={over > 0 || view === undefined}><Send size={18} /><span>{words.send}</span></button>
        </div>
      </div>
      <div class="composer-foot" role="status" id="composer-note">
        {over > 0 ? <p class="error">{words.tooLong(over)}</p> : error !== "" ? <p class="error">{error}</p> : null}
        {draft.armed && (
          <p class="hint">{words.sendAfterUpload} <button class="link-button" type="button" onClick={() => setDraft(id, { armed: false })}>{words.cancelSend}</button></p>
        )}
      </div>
    </form>
  );
}

function Writing({ id, name, send, clear }: { id: string; name: string; send: () => void; clear: () => void }): JSX.Element {
  const composing = useRef(false);
  const text = draftOf(id).text;
  const onKey = (event: KeyboardEvent): void => {
    const stroke = { key: event.key, keyCode: event.keyCode, ctrlKey: event.ctrlKey, metaKey: event.metaKey, altKey: event.altKey, shiftKey: event.shiftKey, isComposing: event.isComposing || composing.current };
    if (enterAction(stroke, enterChoice.value) !== "send") return;
    event.preventDefault();
    send();
  };
  const onPaste = (event: ClipboardEvent): void => {
    const files = filesOf(event.clipboardData);
    if (files.length === 0) return;
    event.preventDefault();
    addFiles(id, files.map(named));
  };
  return (
    <textarea id="composer" rows={Math.min(8, Math.max(1, text.split("\n").length))} dir="auto" value={text} enterkeyhint={enterChoice.value === "send" ? "send" : "enter"}
      aria-label={t.value.composerLabel(name)} aria-describedby="audience composer-note" placeholder={t.value.composerPlaceholder}
      onInput={(event) => (clear(), setDraft(id, { text: event.currentTarget.value, armed: false }))}
      onCompositionStart={() => (composing.current = true)} onCompositionEnd={() => (composing.current = false)}
      onKeyDown={onKey} onPaste={onPaste} />
  );
}

function Picker({ id }: { id: string }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const pick = (event: { currentTarget: HTMLInputElement }): void => {
    addFiles(id, Array.from(event.currentTarget.files ?? []));
    event.currentTarget.value = "";
    document.getElementById("composer")?.focus();
  };
  return (
    <>
      <button class="icon-button" id="attach" type="button" aria-label={t.value.attach} title={t.value.attach} onClick={() => input.current?.click()}><Clip /></button>
      <input ref={input} class="visually-hidden" type="file" multiple tabIndex={-1} aria-hidden="true" onChange={pick} />
    </>
  );
}

/** "42人・うち他団体7人・インターネット区画からも見えます": who reads what is about to leave. */
function AudienceLine({ view }: { view: RoomView }): JSX.Element {
  return (
    <p class="audience" id="audience">
      <Person size={16} /><span>{audienceText(view, model.value.zone)}</span>
    </p>
  );
}

function audienceText({ audience, kind }: RoomView, here: string): string {
  const words = t.value;
  const name = (zone: string): string => words.zoneNames[zone] ?? zone;
  const others = audience.zones.filter((zone) => zone !== here);
  const foreign = audience.other_organisations > 0 ? [words.audienceOthers(audience.other_organisations)] : [];
  const who = kind === "direct" ? [words.audienceDirect] : [words.audience(audience.people), ...foreign];
  const where = others.length > 0 ? words.audienceZones(others.map(name).join(words.listSeparator)) : words.audienceOnly(name(here));
  return [...who, where].join(words.audienceSeparator);
}

/** A pasted picture has no name of its own: give it one that says when. */
function named(file: File): File {
  if (!/^image\.\w+$/i.test(file.name)) return file;
  const stamp = new Date(Date.now() + 9 * 3_600_000).toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
  return new File([file], file.name.replace(/^image/i, `${t.value.pastedName}-${stamp}`), { type: file.type });
}
