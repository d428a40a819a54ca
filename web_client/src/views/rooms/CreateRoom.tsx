/** Starting a room: its kind first, since that decides who will read it. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { create, type Person } from "../../actions/rooms.ts";
import type { RoomKind } from "../../protocol.ts";
import { dialog, failureText, t } from "../../store.ts";
import { Modal } from "../shell/Modal.tsx";
import { PeoplePicker } from "./PeoplePicker.tsx";

export function CreateRoom(): JSX.Element {
  const [kind, setKind] = useState<RoomKind>("direct");
  const [name, setName] = useState("");
  const [people, setPeople] = useState<Person[]>([]);
  const [error, setError] = useState("");
  const [working, setWorking] = useState(false);
  const close = (): void => void (dialog.value = "none");

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const missing = lacks(kind, name, people);
    setError(missing);
    if (missing) return;
    setWorking(true);
    const answer = await create(kind, kind === "direct" ? "" : name.trim(), people.map((person) => person.login));
    setWorking(false);
    if (!answer.ok) setError(failureText(answer));
  };

  return (
    <Modal title={t.value.createTitle} onClose={close}>
      <form class="form" onSubmit={(event) => void submit(event)} noValidate>
        <Kinds kind={kind} choose={(next) => (setKind(next), setError(""), next === "direct" && setPeople(people.slice(0, 1)))} />
        {kind !== "direct" && (
          <label class="field">
            <span class="field-name">{t.value.createName}</span>
            <input value={name} maxLength={80} placeholder={t.value.createNameHint} onInput={(event) => setName(event.currentTarget.value)} />
          </label>
        )}
        <PeoplePicker label={kind === "direct" ? t.value.createPerson : t.value.createPeople} chosen={people} single={kind === "direct"} onChange={setPeople} />
        {error && <p class="error" role="alert">{error}</p>}
        <div class="buttons">
          <button class="button" type="button" onClick={close}>{t.value.cancel}</button>
          <button class="button primary" type="submit" disabled={working}>{kind === "direct" ? t.value.createOpen : t.value.createButton}</button>
        </div>
      </form>
    </Modal>
  );
}

function Kinds({ kind, choose }: { kind: RoomKind; choose: (kind: RoomKind) => void }): JSX.Element {
  const words = t.value;
  const kinds: [RoomKind, string, string][] = [
    ["direct", words.createDirect, words.createDirectHint],
    ["group", words.createGroup, words.createGroupHint],
    ["channel", words.createChannel, words.createChannelHint],
  ];
  return (
    <fieldset class="field kinds">
      <legend class="field-name">{words.createKind}</legend>
      {kinds.map(([id, name, hint]) => (
        <label key={id} class="kind">
          <input type="radio" name="kind" value={id} checked={kind === id} onChange={() => choose(id)} />
          <span><strong>{name}</strong><span class="hint">{hint}</span></span>
        </label>
      ))}
    </fieldset>
  );
}

function lacks(kind: RoomKind, name: string, people: readonly Person[]): string {
  if (kind === "direct") return people.length === 0 ? t.value.createNeedPerson : "";
  if (name.trim() === "") return t.value.createNeedName;
  return people.length === 0 && kind === "group" ? t.value.createNeedPeople : "";
}
