/**
 * Shows a rendition beside the talk: PDF in a frame of its own, pictures as pictures, text and tables as text.
 *
 * The server answers with `Content-Security-Policy: sandbox`, so nothing in a file runs or reads this page. The frame itself
 * has no `sandbox`: browsers refuse to start their PDF reader inside a frame with that attribute.
 */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { ensureDetail } from "../../actions/files.ts";
import { previewOf, type Preview } from "../../attachment.ts";
import { API } from "../../io/http.ts";
import { details, t } from "../../store.ts";
import { Save } from "../shell/Icons.tsx";
import { Panel } from "../shell/Panel.tsx";
import { TextFile } from "./TextFile.tsx";

const SEPARATORS = { text: null, csv: ",", tsv: "\t" } as const;

export function Viewer({ id, name }: { id: string; name: string }): JSX.Element {
  useEffect(() => ensureDetail(id), [id]);
  const detail = details.value[id];
  const view = typeof detail === "object" && "zones" in detail ? detail : null;
  const address = `${API}attachments/${id}/content`;
  const tools = <a class="icon-button" href={address} download={name} aria-label={t.value.download} title={t.value.download}><Save /></a>;
  return (
    <Panel title={name} kind="viewer" tools={tools}>
      {view ? <Frame preview={previewOf(view)} address={`${address}?inline=1`} name={name} /> : <span class="bone w60 late" />}
    </Panel>
  );
}

function Frame({ preview, address, name }: { preview: Preview; address: string; name: string }): JSX.Element {
  switch (preview) {
    case "pdf":
      return <iframe class="viewer-frame" src={`${address}#navpanes=0&view=FitH`} title={name} />;
    case "image":
      return <div class="viewer-image"><img src={address} alt={name} /></div>;
    case "text":
    case "csv":
    case "tsv":
      return <TextFile address={address} name={name} separator={SEPARATORS[preview]} />;
    default:
      return <p class="empty">{t.value.cannotPreview}</p>;
  }
}
