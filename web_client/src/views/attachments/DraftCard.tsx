/** A file in the composer: its upload, its first steps of inspection, and the way to take it out again. */
import type { JSX } from "preact";
import { canRetry, removeFile, retry } from "../../actions/files.ts";
import { stepsOf, UPLOADING } from "../../attachment.ts";
import type { AttachmentView } from "../../protocol.ts";
import { details, isLive, model, t, type DraftFile } from "../../store.ts";
import { fileKind, fileSize } from "../../text.ts";
import { Close } from "../shell/Icons.tsx";
import { Password } from "./Password.tsx";
import { Track } from "./Track.tsx";
import { refusalText } from "./words.ts";

export function DraftCard({ room, file }: { room: string; file: DraftFile }): JSX.Element {
  return (
    <li class={file.problem ? "card draft refused" : "card draft"}>
      <span class="card-picture type small" aria-hidden="true">{fileKind(file.name) || "?"}</span>
      <div class="card-body">
        <p class="card-name"><bdi>{file.name}</bdi><span class="quiet">{fileSize(file.size)}</span></p>
        {file.problem ? <Problem room={room} file={file} /> : file.id === "" ? <Uploading file={file} /> : <Inspected id={file.id} />}
      </div>
      <button class="icon-button" type="button" aria-label={t.value.removeAttachment(file.name)} title={t.value.removeAttachment(file.name)} onClick={() => removeFile(room, file.key)}>
        <Close size={18} />
      </button>
    </li>
  );
}

function Uploading({ file }: { file: DraftFile }): JSX.Element {
  const percent = Math.floor(file.progress * 100);
  const label = file.held ? t.value.uploadHeld : isLive.value || percent > 0 ? t.value.uploading(percent) : t.value.uploadWaiting;
  return (
    <>
      <Track steps={UPLOADING} />
      <p class="card-line"><progress max={100} value={file.held ? 0 : percent} aria-label={file.name} />{label}</p>
    </>
  );
}

function Problem({ room, file }: { room: string; file: DraftFile }): JSX.Element {
  return (
    <p class="card-line stop" role="alert">
      <span>{file.problem?.message}</span>
      {canRetry(file.key) && <button class="link-button" type="button" onClick={() => retry(room, file.key)}>{t.value.retryUpload}</button>}
    </p>
  );
}

/** Before posting, the strictest zone speaks: what is refused anywhere is said now, while it can still be replaced. */
function Inspected({ id }: { id: string }): JSX.Element {
  const detail = details.value[id];
  const view = typeof detail === "object" && "zones" in detail ? detail : null;
  const zones = model.value.releases[id] ?? view?.zones ?? {};
  const release = worst(Object.values(zones));
  if (!release) return <Track steps={["done", "active", "active", "active"]} />;
  return (
    <>
      <Track steps={stepsOf(release)} />
      {release.state === "refused" && (
        <p class="card-line stop" role="alert"><span><strong>{t.value.refusedTitle}</strong>{refusalText(view, release)}</span></p>
      )}
      {release.state === "needs_password" && <Password id={id} wrong={release.code === "wrong-password" || release.code === "wrong_password"} />}
    </>
  );
}

type Release = AttachmentView["zones"][string];
const ORDER: Release["state"][] = ["refused", "needs_password", "quarantined", "awaiting_approval", "released"];

function worst(releases: readonly Release[]): Release | undefined {
  const concerned = releases.filter((each) => each.treatment !== "forbid");
  return concerned.sort((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state))[0];
}
