/** Who is in the room; adding colleagues; leaving, with its consequence said first. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { addMembers, leave, members, type Member, type Person } from "../../actions/rooms.ts";
import type { Answer } from "../../io/http.ts";
import type { RoomView } from "../../protocol.ts";
import { dialog, failureText, model, room, t } from "../../store.ts";
import { PeoplePicker } from "../rooms/PeoplePicker.tsx";
import { Avatar } from "../shell/Avatar.tsx";
import { Modal } from "../shell/Modal.tsx";
import { Panel } from "../shell/Panel.tsx";

export function Members({ id }: { id: string }): JSX.Element {
  const people = room.value?.view.audience.people ?? 0;
  const [answer, setAnswer] = useState<Answer<{ members: Member[] }> | null>(null);
  const load = (): void => void members(id).then(setAnswer);
  useEffect(load, [id, people]);
  return (
    <Panel title={t.value.membersCount(people)} kind="members">
      <div class="panel-body">
        {answer === null ? <span class="bone w60 late" /> : answer.ok
          ? <List members={answer.value.members} />
          : <p class="empty">{t.value.membersFailed} <button class="link-button" type="button" onClick={load}>{t.value.tryAgain}</button></p>}
        {room.value && room.value.view.kind !== "direct" && <Changing view={room.value.view} reload={load} />}
      </div>
    </Panel>
  );
}

function List({ members: listed }: { members: readonly Member[] }): JSX.Element {
  const me = model.value.user;
  return (
    <ul class="people">
      {inOrder(listed).map((person) => (
        <li key={`${person.org}/${person.login}`}>
          <Avatar name={person.name} small />
          <span><bdi>{person.name}</bdi>{person.login === me?.login && person.org === me.org && <span class="tag">{t.value.you}</span>}</span>
          <span class="quiet">{person.section}</span>
        </li>
      ))}
    </ul>
  );
}

/** Oneself first, then by section and name. */
function inOrder(listed: readonly Member[]): Member[] {
  const me = model.value.user;
  const key = (person: Member): string => `${person.login === me?.login && person.org === me.org ? 0 : 1}${person.section}\u0000${person.name}`;
  return [...listed].sort((one, other) => key(one).localeCompare(key(other), "ja"));
}

function Changing({ view, reload }: { view: RoomView; reload: () => void }): JSX.Element {
  const [chosen, setChosen] = useState<Person[]>([]);
  const [error, setError] = useState("");
  const add = async (event: Event): Promise<void> => {
    event.preventDefault();
    const answer = await addMembers(view.id, chosen.map((person) => person.login));
    setError(failureText(answer));
    if (!answer.ok) return;
    setChosen([]);
    reload();
  };
  return (
    <>
      <form class="form" onSubmit={(event) => void add(event)}>
        <PeoplePicker label={t.value.membersAdd} chosen={chosen} single={false} onChange={setChosen} />
        {error && <p class="error" role="alert">{error}</p>}
        {chosen.length > 0 && <button class="button primary" type="submit">{t.value.membersAddButton}</button>}
      </form>
      <button class="button plain danger-text" type="button" onClick={() => (dialog.value = "leave")}>{t.value.leave}</button>
    </>
  );
}

export function LeaveRoom({ room: view }: { room: RoomView }): JSX.Element {
  const [error, setError] = useState("");
  const close = (): void => void (dialog.value = "none");
  return (
    <Modal title={t.value.leave} onClose={close}>
      <p>{t.value.leaveAsk(view.name)}</p>
      {error && <p class="error" role="alert">{error}</p>}
      <div class="buttons">
        <button class="button" type="button" onClick={close}>{t.value.cancel}</button>
        <button class="button danger" type="button" onClick={() => void leave(view.id).then((answer) => setError(failureText(answer)))}>{t.value.leaveConfirm}</button>
      </div>
    </Modal>
  );
}
