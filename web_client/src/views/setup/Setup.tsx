/** First set-up: the holder of the one-time link names the organisation and becomes its first administrator. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { setUp } from "../../actions/session.ts";
import { problemText, t } from "../../store.ts";
import { PasswordField } from "../login/Login.tsx";

export function Setup(): JSX.Element {
  const [error, setError] = useState("");
  const [working, setWorking] = useState(false);
  const password = useRef<HTMLInputElement>(null);
  const submit = async (event: SubmitEvent & { currentTarget: HTMLFormElement }): Promise<void> => {
    event.preventDefault();
    const entered = new FormData(event.currentTarget);
    const of = (name: string): string => String(entered.get(name) ?? "").trim();
    const first = { organisation: of("organisation"), name: of("name"), login: of("username"), password: password.current?.value ?? "" };
    if (Object.values(first).some((value) => value === "")) return setError(t.value.setupEmpty);
    setWorking(true);
    const answer = await setUp(first);
    if (answer.ok) return;
    setWorking(false);
    setError(answer.problem.status === 404 ? t.value.setupExpired : problemText(answer.problem));
  };
  return (
    <main class="outside login">
      <form class="login-card" onSubmit={(event) => void submit(event)} noValidate>
        <h1>{t.value.setupTitle}</h1>
        <p class="hint">{t.value.setupLead}</p>
        <Field name="organisation" label={t.value.setupOrganisation} hint={t.value.setupOrganisationHint} />
        <Field name="name" label={t.value.setupName} />
        <Field name="username" label={t.value.loginName} />
        <PasswordField input={password} error={error} fresh />
        <p class="hint">{t.value.setupPasswordHint}</p>
        {error && <p class="error" id="login-error" role="alert">{error}</p>}
        <button class="button primary wide" type="submit" disabled={working}>{t.value.setupButton}</button>
      </form>
    </main>
  );
}

function Field({ name, label, hint }: { name: string; label: string; hint?: string }): JSX.Element {
  return (
    <label class="field">
      <span class="field-name">{label}</span>
      <input name={name} placeholder={hint} autocomplete={name === "username" ? "username" : "off"} autocapitalize="none" required />
    </label>
  );
}
