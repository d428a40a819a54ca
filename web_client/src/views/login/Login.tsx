/** The way in, for this zone. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { login } from "../../actions/session.ts";
import type { Problem } from "../../io/http.ts";
import { model, notice, problemText, t, zone, zoneName } from "../../store.ts";
import { Eye, Hidden, ZoneIcon } from "../shell/Icons.tsx";

export function Login(): JSX.Element {
  const [error, setError] = useState("");
  const [working, setWorking] = useState(false);
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => (name.current?.value ? password : name).current?.focus(), []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const [who, secret] = [name.current?.value ?? "", password.current?.value ?? ""];
    if (who.trim() === "" || secret === "") return setError(t.value.loginEmpty);
    setWorking(true);
    const answer = await login(who, secret);
    if (answer.ok) return;
    setWorking(false);
    setError(sentence(answer.problem));
    password.current?.select();
  };

  return (
    <main class="outside login">
      <form class="login-card" onSubmit={(event) => void submit(event)} noValidate>
        <p class="login-product"><span>{t.value.productName}</span>{t.value.productLine}</p>
        <h1>{t.value.loginTitle}</h1>
        {notice.value !== "none" && (
          <p class="notice" role="status">{{ ended: t.value.sessionEnded, loggedOut: t.value.loggedOut, setUp: t.value.setupDone }[notice.value]}</p>
        )}
        <label class="field">
          <span class="field-name">{t.value.loginName}</span>
          <input ref={name} name="username" autocomplete="username" autocapitalize="none" defaultValue={model.value.user?.login ?? ""} spellcheck={false} required
            aria-describedby={error ? "login-error" : undefined} aria-invalid={error !== ""} />
        </label>
        <PasswordField input={password} error={error} />
        {error && <p class="error" id="login-error" role="alert">{error}</p>}
        <button class="button primary wide" type="submit" disabled={working}>
          {working ? t.value.loginWorking : t.value.loginButton}
        </button>
        {zone.value && (
          <p class="login-zone"><ZoneIcon zone={zone.value.zone} /><span>{zoneName(zone.value.zone)} — {t.value.loginNote}</span></p>
        )}
      </form>
    </main>
  );
}

export function PasswordField({ input, error, fresh }: { input: { current: HTMLInputElement | null }; error: string; fresh?: boolean }): JSX.Element {
  const [shown, setShown] = useState(false);
  return (
    <div class="field">
      <label class="field-name" for="login-password">{t.value.loginPassword}</label>
      <span class="field-with-button">
        <input id="login-password" ref={input} name="password" {...(shown ? { type: "text" as const } : { type: "password" as const })} autocomplete={fresh ? "new-password" : "current-password"}
          required aria-describedby={error ? "login-error" : undefined} aria-invalid={error !== ""} />
        <button class="icon-button" type="button" aria-pressed={shown} aria-label={t.value.loginShow} title={t.value.loginShow} onClick={() => setShown(!shown)}>
          {shown ? <Hidden /> : <Eye />}
        </button>
      </span>
    </div>
  );
}

function sentence(problem: Problem): string {
  if (problem.status === 401) return t.value.loginFailed;
  if (problem.status === 429) return t.value.loginLimited(Math.max(1, Math.ceil(problem.retryAfter / 60)));
  return problemText(problem);
}
