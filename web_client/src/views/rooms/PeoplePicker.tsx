/** Finding people by name, section or login: a combobox whose choices become removable marks. */
import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { findPeople, type Person } from "../../actions/rooms.ts";
import { isConverting } from "../../keyboard.ts";
import { failureText, t } from "../../store.ts";
import { Avatar } from "../shell/Avatar.tsx";
import { Close } from "../shell/Icons.tsx";

const PAUSE = 150;

export function PeoplePicker({ label, chosen, single, onChange }: {
  label: string;
  chosen: readonly Person[];
  single: boolean;
  onChange: (people: Person[]) => void;
}): JSX.Element {
  const [query, setQuery] = useState("");
  const { found, message } = usePeople(query);
  const [at, setAt] = useState(0);
  const list = useId();
  const field = useRef<HTMLInputElement>(null);
  const open = query.trim() !== "" || (found.length > 0 && !single);
  const offered = found.filter((person) => !chosen.some((each) => each.login === person.login));
  useEffect(() => setAt(0), [query]);

  const choose = (person: Person | undefined): void => {
    if (!person) return;
    onChange(single ? [person] : [...chosen, person]);
    setQuery("");
    field.current?.focus();
  };
  const onKey = (event: KeyboardEvent): void => {
    if (isConverting(event)) return;
    if (event.key === "ArrowDown") setAt(Math.min(at + 1, offered.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else if (event.key === "Enter" && query.trim() !== "") choose(offered[at]);
    else if (event.key === "Backspace" && query === "" && chosen.length > 0) return onChange(chosen.slice(0, -1));
    else return;
    event.preventDefault();
  };

  return (
    <div class="field">
      <label class="field-name" for={`${list}-input`}>{label}</label>
      <Chosen people={chosen} remove={(login) => onChange(chosen.filter((each) => each.login !== login))} />
      <input id={`${list}-input`} ref={field} role="combobox" autocomplete="off" aria-expanded={open} aria-controls={list}
        aria-activedescendant={open && offered[at] ? `${list}-${at}` : undefined} aria-autocomplete="list"
        placeholder={t.value.createSearch} value={query} onInput={(event) => setQuery(event.currentTarget.value)} onKeyDown={onKey} />
      <ul class={open ? "options" : "options empty-options"} id={list} role="listbox" aria-label={label}>
        {open && offered.map((person, index) => (
          <li key={person.login} id={`${list}-${index}`} role="option" aria-selected={index === at}
            onPointerDown={(event) => (event.preventDefault(), choose(person))}>
            <Avatar name={person.name} small /><bdi>{person.name}</bdi><span class="quiet">{person.section}</span>
          </li>
        ))}
      </ul>
      <p class="hint" role="status">{query.trim() !== "" && offered.length === 0 ? message : ""}</p>
    </div>
  );
}

function Chosen({ people, remove }: { people: readonly Person[]; remove: (login: string) => void }): JSX.Element | null {
  if (people.length === 0) return null;
  return (
    <ul class="chips">
      {people.map((person) => (
        <li key={person.login} class="chip">
          <bdi>{person.name}</bdi>
          <button type="button" aria-label={t.value.createRemove(person.name)} onClick={() => remove(person.login)}><Close size={14} /></button>
        </li>
      ))}
    </ul>
  );
}

/** Asks the server a moment after the last key; the answer to an older question is dropped. */
function usePeople(query: string): { found: Person[]; message: string } {
  const [found, setFound] = useState<Person[]>([]);
  const [message, setMessage] = useState("");
  useEffect(() => {
    if (query.trim() === "") return setFound([]);
    let wanted = true;
    setMessage(t.value.createSearching);
    const timer = setTimeout(async () => {
      const answer = await findPeople(query.trim());
      if (!wanted) return;
      setFound(answer.ok ? answer.value : []);
      setMessage(answer.ok ? t.value.createNobody : failureText(answer));
    }, PAUSE);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [query]);
  return { found, message };
}
