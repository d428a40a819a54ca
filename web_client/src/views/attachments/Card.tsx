/**
 * An attachment as a card: what it is, how far its inspection is, what was taken out, and what one can do now.
 * The picture is made from the rebuilt file, never from the one received.
 */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, ensureDetail } from "../../actions/files.ts";
import { changes, stepsOf, typeOf } from "../../attachment.ts";
import { API } from "../../io/http.ts";
import { isCompared, partsOf, percent, similarityOf } from "../../likeness.ts";
import type { AttachmentView, ZoneRelease } from "../../protocol.ts";
import { details, model, panel, problemText, t } from "../../store.ts";
import { fileKind, fileSize } from "../../text.ts";
import { Eye, Pages, Save, Seal, Warning, ZoneIcon } from "../shell/Icons.tsx";
import { Parts } from "./Parts.tsx";
import { Password } from "./Password.tsx";
import { Track } from "./Track.tsx";
import { refusalText, treatmentText } from "./words.ts";

interface CardProps {
  id: string;
  name: string;
  size: number;
  /** Did the reader send it? */
  own: boolean;
}

export function Card({ id, name, size, own }: CardProps): JSX.Element {
  useEffect(() => ensureDetail(id), [id]);
  const detail = details.value[id];
  const view = typeof detail === "object" && "zones" in detail ? detail : null;
  const release = model.value.releases[id]?.[model.value.zone] ?? view?.zones[model.value.zone];
  return (
    <section class={`card ${release?.state ?? "unknown"}`} aria-label={t.value.attachment(name)}>
      <Picture id={id} name={name} view={view} released={release?.state === "released"} />
      <div class="card-body">
        <p class="card-name"><bdi>{name}</bdi><span class="quiet">{fileSize(size)}</span></p>
        {release ? <State id={id} name={name} view={view} release={release} own={own} /> : <Unknown id={id} />}
      </div>
    </section>
  );
}

function Unknown({ id }: { id: string }): JSX.Element {
  const detail = details.value[id];
  if (typeof detail !== "object" || "zones" in detail) return <span class="bone w60 late" />;
  return (
    <p class="card-line error">
      {detail.code === "network" ? t.value.detailsFailed : problemText(detail)}{" "}
      <button class="link-button" type="button" onClick={() => ask(id)}>{t.value.tryAgain}</button>
    </p>
  );
}

function Picture({ id, name, view, released }: { id: string; name: string; view: AttachmentView | null; released: boolean }): JSX.Element {
  if (!released || !view?.thumbnail) return <span class="card-picture type" aria-hidden="true">{fileKind(name) || "?"}</span>;
  return (
    <button class="card-picture" type="button" aria-label={`${t.value.open}: ${name}`} onClick={() => show("viewer", id, name)}>
      <img src={`${API}attachments/${id}/thumbnail`} alt={t.value.thumbnailOf(name)} loading="lazy" decoding="async" />
    </button>
  );
}

type Zones = Readonly<Record<string, ZoneRelease>>;

interface StateProps {
  id: string;
  name: string;
  view: AttachmentView | null;
  release: ZoneRelease;
  own: boolean;
}

function State({ id, name, view, release, own }: StateProps): JSX.Element {
  const allowed = release.treatment !== "forbid" && release.code !== "forbidden_crossing";
  return (
    <>
      {allowed && <Track steps={stepsOf(release)} />}
      <Says id={id} view={view} release={release} own={own} allowed={allowed} />
      {release.state === "released" && <Acts id={id} name={name} view={view} treated={release.treatment !== "pass"} />}
      {own && view && <OtherZones view={view} zones={model.value.releases[id] ?? view.zones} here={release} />}
    </>
  );
}

/** The one line in plain words, and the field where something must be entered. */
function Says({ id, view, release, own, allowed }: Omit<StateProps, "name"> & { allowed: boolean }): JSX.Element {
  const words = t.value;
  if (!allowed) return <Line kind="stop">{words.refusals.forbidden_crossing}</Line>;
  switch (release.state) {
    case "quarantined":
      return <Line>{words.inspecting}</Line>;
    case "released":
      return <Line>{releasedText(view, release)}{view && <Likeness view={view} />}</Line>;
    case "refused":
      return <Line kind="stop"><strong>{words.refusedTitle}</strong>{refusalText(view, release)}</Line>;
    case "awaiting_approval":
      return <Line>{words.awaiting}</Line>;
    case "needs_password":
      return own ? <Password id={id} wrong={release.code === "wrong-password" || release.code === "wrong_password"} /> : <Line>{words.needsPasswordOther}</Line>;
  }
}

function Line({ children, kind }: { children: ComponentChildren; kind?: "stop" }): JSX.Element {
  if (kind !== "stop") return <p class="card-line">{children}</p>;
  return <p class="card-line stop"><Warning size={18} /><span>{children}</span></p>;
}

function releasedText(view: AttachmentView | null, release: ZoneRelease): string {
  if (release.treatment === "pass") return t.value.releasedPass;
  if (view?.report == null) return "";
  return treatmentText(changes(view.report, "removed"), changes(view.report, "changed"));
}

/** How like the original it looks, once that is known. */
function Likeness({ view }: { view: AttachmentView }): JSX.Element | null {
  const similarity = similarityOf(view);
  return similarity && <>{" "}<span class="card-likeness">{t.value.likeness(percent(similarity.mean))}</span></>;
}

function Acts({ id, name, view, treated }: { id: string; name: string; view: AttachmentView | null; treated: boolean }): JSX.Element {
  const type = typeOf(view?.report ?? null, "output") || typeOf(view?.report ?? null, "input");
  const parts = partsOf(type);
  const compares = isCompared(type) || view?.comparison?.state === "on_request" || (view !== null && similarityOf(view) !== null);
  const [told, setTold] = useState("");
  return (
    <>
      <div class="card-acts">
        <button class="button small primary" type="button" onClick={() => show("viewer", id, name)}><Eye size={16} />{t.value.open}</button>
        <div class="split">
          <a class="button small" href={`${API}attachments/${id}/content`} download={name}><Save size={16} />{t.value.download}</a>
          {parts.length > 0 && <Parts id={id} parts={parts} tell={setTold} />}
        </div>
        {treated && <button class="button small" type="button" onClick={() => show("compare", id, name)}><Pages size={16} />{compares ? t.value.compare : t.value.changes}</button>}
        {view?.receipt && <button class="button small" type="button" onClick={() => show("receipt", id, name)}><Seal size={16} />{t.value.certificate}</button>}
      </div>
      <p class="parts-told" role="status">{told}</p>
    </>
  );
}

/** To its sender: how it stands in the other zones of the room, and why where only those refused it. */
function OtherZones({ view, zones, here }: { view: AttachmentView; zones: Zones; here: ZoneRelease }): JSX.Element | null {
  const others = Object.entries(zones).filter(([zone]) => zone !== model.value.zone);
  const refused = here.state === "refused" ? undefined : others.find(([, { state, treatment }]) => state === "refused" && treatment !== "forbid");
  if (others.length === 0) return null;
  return (
    <>
      <ul class="card-zones" aria-label={t.value.otherZones}>
        {others.map(([zone, { state, treatment }]) => (
          <li key={zone} data-zone={zone}>
            <ZoneIcon zone={zone} size={14} />
            {t.value.zoneShort[zone] ?? zone}: {treatment === "forbid" ? t.value.treatments.forbid : t.value.zoneState[state]}
          </li>
        ))}
      </ul>
      {refused && <Line kind="stop">{refusalText(view, refused[1])}</Line>}
    </>
  );
}

function show(kind: "viewer" | "receipt" | "compare", attachment: string, name: string): void {
  panel.value = { kind, attachment, name };
}
