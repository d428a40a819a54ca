/** What the rebuild did to a file, for people: how like the original it looks, which pages differ, what was taken out where. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { askComparison, follow } from "../../actions/files.ts";
import { byPlace, percent, similarityOf, type Similarity } from "../../likeness.ts";
import type { AttachmentView, ComparisonView } from "../../protocol.ts";
import { details, failureText, t } from "../../store.ts";
import { bySeriousness, changedWords, placeName, removedWords } from "../attachments/words.ts";
import { Panel } from "../shell/Panel.tsx";
import { DifferingPage } from "./DifferingPage.tsx";

export function Compare({ id, name }: { id: string; name: string }): JSX.Element {
  useEffect(() => follow(id), [id]);
  const detail = details.value[id];
  const view = typeof detail === "object" && "zones" in detail ? detail : null;
  return (
    <Panel title={t.value.compareTitle} kind="compare">
      <div class="panel-body">
        <p class="certificate-name"><bdi>{name}</bdi></p>
        {view ? <Findings view={view} /> : <span class="bone w60 late" />}
      </div>
    </Panel>
  );
}

function Findings({ view }: { view: AttachmentView }): JSX.Element {
  const words = t.value;
  return (
    <>
      <Likeness view={view} />
      <Changes title={words.receiptRemoved} listed={view.report?.removed} nothing={words.receiptNothing} say={removedWords} />
      <Changes title={words.compareChanged} listed={view.report?.changed} nothing="" say={changedWords} />
    </>
  );
}

function Likeness({ view }: { view: AttachmentView }): JSX.Element {
  const words = t.value;
  const similarity = similarityOf(view);
  const { comparison } = view;
  if (comparison?.state === "on_request") return <OnRequest id={view.id} />;
  if (comparison === null || similarity === null) {
    return <p class="likeness-none" role="status">{comparison?.state === "waiting" ? words.compareWaiting : words.compareNone}</p>;
  }
  return (
    <section class="likeness" aria-label={words.likenessName}>
      <p class="likeness-figure">
        <span>{words.likenessName}</span>
        <strong class={comparison.pages.length > 0 ? "differs" : undefined}>{percent(similarity.mean)}<small> %</small></strong>
      </p>
      <p>{inWords(similarity, comparison)}</p>
      {similarity.pages < similarity.of && <p class="hint">{words.comparePartly(similarity.pages, similarity.of)}</p>}
      {comparison.pages.map((page) => <DifferingPage key={page.page} id={view.id} page={page} pages={similarity.pages} />)}
    </section>
  );
}

/** An Office file is laid out only when somebody wants to know. */
function OnRequest({ id }: { id: string }): JSX.Element {
  const [problem, setProblem] = useState("");
  const ask = async (): Promise<void> => {
    const answer = await askComparison(id);
    setProblem(answer.ok ? "" : failureText(answer));
    if (answer.ok) document.querySelector<HTMLElement>(".panel-compare h2")?.focus(); // the button is gone
  };
  return (
    <div class="likeness-none">
      <p>{t.value.compareOnRequest}</p>
      <button class="button small" type="button" onClick={() => void ask()}>{t.value.compareAsk}</button>
      <p class="error" role="status">{problem}</p>
    </div>
  );
}

function inWords(similarity: Similarity, { pages }: ComparisonView): string {
  if (pages.length > 0) return t.value.compareDiffers(pages.length, similarity.pages);
  return similarity.least >= 1 ? t.value.compareSame(similarity.pages) : t.value.compareAlike(similarity.pages);
}

interface ChangesProps {
  title: string;
  listed: unknown;
  nothing: string;
  say: (counted: { kind: string; count: number }) => string;
}

/** What was done, place by place; a place that is the whole file needs no heading where there is no other. */
function Changes({ title, listed, nothing, say }: ChangesProps): JSX.Element | null {
  const places = byPlace(listed);
  if (places.length === 0 && nothing === "") return null;
  return (
    <section class="taken">
      <h3>{title}</h3>
      {places.length === 0 && <p>{nothing}</p>}
      {places.map(([where, counted]) => (
        <div class="taken-place" key={where}>
          {(where !== "" || places.length > 1) && <h4>{placeName(where)}</h4>}
          <ul class="plain-list">{bySeriousness(counted).map((each) => <li key={each.kind}>{say(each)}</li>)}</ul>
        </div>
      ))}
    </section>
  );
}
