/** "Only the text, the tables, the pictures": a small menu at the download of a file; what there is none of is said in place. */
import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { save } from "../../io/save.ts";
import type { Part } from "../../likeness.ts";
import { problemText, t } from "../../store.ts";
import { Chevron } from "../shell/Icons.tsx";

export function Parts({ id, parts, tell }: { id: string; parts: readonly Part[]; tell: (text: string) => void }): JSX.Element {
  const [open, setOpen] = useState(false);
  const [working, setWorking] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const sheet = useRef<HTMLUListElement>(null);
  useClosing(button, sheet, open, () => setOpen(false));
  const take = async (part: Part): Promise<void> => {
    setOpen(false);
    button.current?.focus();
    setWorking(true);
    tell(t.value.partWorking);
    const answer = await save(`attachments/${id}/content?as=${part}`);
    setWorking(false);
    const nothing = !answer.ok && answer.problem.code === "not_found";
    tell(answer.ok ? t.value.partSaved(answer.name) : nothing ? t.value.partNone[part] ?? "" : problemText(answer.problem));
  };
  return (
    <>
      <button class="button small" type="button" aria-label={t.value.parts} title={t.value.parts} aria-expanded={open} aria-disabled={working}
        ref={button} onClick={() => setOpen(!open && !working)}><Chevron size={16} /></button>
      {open && (
        <ul class="parts-sheet" ref={sheet}>
          {parts.map((part) => (
            <li key={part}><button type="button" onClick={() => void take(part)}>{t.value.partName[part]}</button></li>
          ))}
        </ul>
      )}
    </>
  );
}

type Holder<T> = { current: T | null };

/** Shows all of the sheet; closes it on Escape (the focus goes back to the button) and when anything else is touched. */
function useClosing(button: Holder<HTMLElement>, sheet: Holder<HTMLElement>, open: boolean, close: () => void): void {
  useLayoutEffect(() => {
    if (!open) return;
    sheet.current?.scrollIntoView({ block: "nearest" });
    const outside = (event: Event): void => {
      const { target } = event;
      if (target instanceof Node && !sheet.current?.contains(target) && !button.current?.contains(target)) close();
    };
    const escape = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      close();
      button.current?.focus();
    };
    const watched = button.current?.parentElement;
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    watched?.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
      watched?.removeEventListener("keydown", escape);
    };
  }, [open]);
}
