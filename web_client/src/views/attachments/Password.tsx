/** The password of a protected file, asked for where the file is. It goes to the inspection and is kept nowhere. */
import type { JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { givePassword } from "../../actions/files.ts";
import { failureText, t } from "../../store.ts";

export function Password({ id, wrong }: { id: string; wrong: boolean }): JSX.Element {
  const [value, setValue] = useState("");
  const [message, setMessage] = useState("");
  const [working, setWorking] = useState(false);
  const field = useId();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (value === "") return;
    setWorking(true);
    const answer = await givePassword(id, value);
    setWorking(false);
    setValue("");
    setMessage(answer.ok ? t.value.passwordSent : failureText(answer));
  };
  const note = message || (wrong ? t.value.wrongPassword : "");
  return (
    <form class="card-password" onSubmit={(event) => void submit(event)}>
      <label for={field}>{t.value.needsPassword}</label>
      <span class="inline-form">
        <input id={field} type="password" autocomplete="off" aria-label={t.value.passwordLabel} value={value}
          aria-invalid={wrong && message === ""} aria-describedby={`${field}-note`} onInput={(event) => setValue(event.currentTarget.value)} />
        <button class="button small primary" type="submit" disabled={working || value === ""}>{t.value.passwordButton}</button>
      </span>
      <p class={wrong && message === "" ? "error" : "hint"} id={`${field}-note`} role="status">{note}</p>
    </form>
  );
}
