/** A dialog: the browser's own, which keeps the focus inside and gives it back. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../../store.ts";
import { Close } from "./Icons.tsx";

export function Modal({ title, onClose, children, wide }: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}): JSX.Element {
  const box = useRef<HTMLDialogElement>(null);
  const name = useId();
  useEffect(() => {
    const opened = box.current;
    const before = document.activeElement;
    opened?.showModal();
    return () => {
      opened?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog class={wide ? "modal wide" : "modal"} ref={box} aria-labelledby={name} onCancel={(event) => (event.preventDefault(), onClose())}>
      <div class="modal-head">
        <h2 id={name}>{title}</h2>
        <button class="icon-button" type="button" aria-label={t.value.close} onClick={onClose}><Close /></button>
      </div>
      {children}
    </dialog>
  );
}
