/** The one panel beside the timeline. Opening moves the focus to its heading, closing gives it back. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { panel, t } from "../../store.ts";
import { Close } from "./Icons.tsx";

export function Panel({ title, tools, children, kind }: {
  title: string;
  kind: string;
  tools?: ComponentChildren;
  children: ComponentChildren;
}): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null);
  const name = useId();
  useEffect(() => {
    const before = document.activeElement;
    heading.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <aside class={`pane panel panel-${kind}`} aria-labelledby={name}>
      <div class="panel-head">
        <h2 id={name} tabIndex={-1} ref={heading}>{title}</h2>
        {tools}
        <button class="icon-button" type="button" aria-label={t.value.close} onClick={() => (panel.value = null)}><Close /></button>
      </div>
      {children}
    </aside>
  );
}
