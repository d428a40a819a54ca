/** The part of the page onto which files may be dropped. */
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { addFiles } from "../../actions/files.ts";
import { announcement, t } from "../../store.ts";
import { Clip } from "../shell/Icons.tsx";

export function DropArea({ room, children }: { room: string; children: ComponentChildren }): JSX.Element {
  const [depth, setDepth] = useState(0);
  const carries = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
  const enter = (event: DragEvent): void => {
    if (carries(event)) setDepth((now) => now + 1);
  };
  const leave = (event: DragEvent): void => {
    if (carries(event)) setDepth((now) => Math.max(0, now - 1));
  };
  const over = (event: DragEvent): void => {
    if (carries(event)) event.preventDefault();
  };
  const drop = (event: DragEvent): void => {
    if (!carries(event)) return;
    event.preventDefault();
    setDepth(0);
    addFiles(room, filesOf(event.dataTransfer));
    document.getElementById("composer")?.focus();
  };
  return (
    <div class="drop-area" onDragEnter={enter} onDragLeave={leave} onDragOver={over} onDrop={drop}>
      {children}
      {depth > 0 && <div class="drop-here" aria-hidden="true"><Clip size={32} />{t.value.dropHere}</div>}
    </div>
  );
}

/** The files of a drop or a paste; folders are named to the person and left out. */
export function filesOf(transfer: DataTransfer | null): File[] {
  const found: File[] = [];
  for (const item of transfer?.items ?? []) {
    const file = item.kind === "file" ? item.getAsFile() : null;
    if (!file) continue;
    if (item.webkitGetAsEntry()?.isDirectory) announcement.value = t.value.fileFolder;
    else found.push(file);
  }
  return found;
}
