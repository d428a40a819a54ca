/** Choices of this computer (colours, Enter, single keys) and the way out. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { unsent } from "../../actions/posting.ts";
import { logout } from "../../actions/session.ts";
import type { User } from "../../protocol.ts";
import { dialog, enterChoice, singleKeys, t, theme, type Theme } from "../../store.ts";
import { Modal } from "./Modal.tsx";
import { Sliders } from "./Icons.tsx";

export function Menu({ user }: { user: User | null }): JSX.Element {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useCloseOutside(box, open, () => setOpen(false));
  return (
    <div class="menu" ref={box}>
      <button class="band-button" type="button" aria-expanded={open} aria-controls="menu" onClick={() => setOpen(!open)}>
        {user ? <span class="band-name">{user.name}</span> : null}
        <Sliders size={18} />
        <span class="visually-hidden">{user ? t.value.menu : t.value.appearance}</span>
      </button>
      {open && (
        <div class="menu-sheet" id="menu">
          {user && <p class="menu-person"><strong>{user.name}</strong><span>{user.section}</span></p>}
          <Colours />
          {user && <Typing />}
          {user && (
            <button class="button plain wide" type="button" onClick={() => (setOpen(false), leave())}>{t.value.logout}</button>
          )}
        </div>
      )}
    </div>
  );
}

function Colours(): JSX.Element {
  return (
    <label class="field">
      <span class="field-name">{t.value.appearance}</span>
      <select value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
        {Object.entries(t.value.themes).map(([id, name]) => <option key={id} value={id}>{name}</option>)}
      </select>
    </label>
  );
}

function Typing(): JSX.Element {
  return (
    <>
      <fieldset class="field">
        <legend class="field-name">{t.value.enterChoice}</legend>
        <label class="choice">
          <input type="radio" name="enter" checked={enterChoice.value === "send"} onChange={() => (enterChoice.value = "send")} />
          <span>{t.value.enterSends}</span>
        </label>
        <label class="choice">
          <input type="radio" name="enter" checked={enterChoice.value === "newline"} onChange={() => (enterChoice.value = "newline")} />
          <span>{t.value.enterBreaks}</span>
        </label>
      </fieldset>
      <label class="choice">
        <input type="checkbox" checked={singleKeys.value} onChange={(event) => (singleKeys.value = event.currentTarget.checked)} />
        <span>{t.value.singleKeys}</span>
      </label>
    </>
  );
}

function leave(): void {
  if (unsent() > 0) dialog.value = "logout";
  else void logout();
}

/** Logging out removes what is unsent from this computer: say so, with the number, before it happens. */
export function LogoutDialog(): JSX.Element {
  return (
    <Modal title={t.value.logout} onClose={() => (dialog.value = "none")}>
      <p>{t.value.logoutWithDrafts(unsent())}</p>
      <div class="buttons">
        <button class="button" type="button" onClick={() => (dialog.value = "none")}>{t.value.cancel}</button>
        <button class="button danger" type="button" onClick={() => void logout()}>{t.value.logoutDiscard}</button>
      </div>
    </Modal>
  );
}

function useCloseOutside(box: { current: HTMLElement | null }, open: boolean, close: () => void): void {
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event): void => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) close();
    };
    const escape = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      close();
      box.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    box.current?.addEventListener("keydown", escape);
    const watched = box.current;
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
      watched?.removeEventListener("keydown", escape);
    };
  }, [open]);
}
