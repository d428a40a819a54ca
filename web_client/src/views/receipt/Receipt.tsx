/** The crossing receipt (通関証) as a certificate one can read; the signed original can be saved beside it. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { summed } from "../../attachment.ts";
import { API, get, type Answer } from "../../io/http.ts";
import { language, panel, problemText, t, zoneName } from "../../store.ts";
import { fileSize } from "../../text.ts";
import { dateAndTime } from "../../time.ts";
import { bySeriousness, removedWords } from "../attachments/words.ts";
import { Pages, Save, ZoneIcon } from "../shell/Icons.tsx";
import { Panel } from "../shell/Panel.tsx";

interface FileFacts {
  sha256: string;
  size: number;
  type: string;
}

/** `rooms/receipt.py`: what is signed, and the signature. */
interface SignedReceipt {
  key: { id: string; public: string };
  receipt: {
    at: number;
    attachment: string;
    grammar: string;
    input: FileFacts;
    leaf: number;
    made_in: string;
    organisation: string;
    output: FileFacts;
    policy: string;
    read_in: string;
    removed: { kind: string; count: number }[];
    transformer: string;
    treatment: string;
    verifier: string;
  };
  signature: string;
}

export function Receipt({ id, name }: { id: string; name: string }): JSX.Element {
  const [answer, setAnswer] = useState<Answer<SignedReceipt> | null>(null);
  useEffect(() => void get<SignedReceipt>(`attachments/${id}/receipt`).then(setAnswer), [id]);
  return (
    <Panel title={t.value.receiptTitle} kind="receipt">
      <div class="panel-body">
        {answer === null ? <span class="bone w60 late" /> : answer.ok
          ? <Certificate id={id} name={name} signed={answer.value} />
          : <p class="empty">{answer.problem.code === "network" ? t.value.receiptFailed : problemText(answer.problem)}</p>}
      </div>
    </Panel>
  );
}

function Certificate({ id, name, signed }: { id: string; name: string; signed: SignedReceipt }): JSX.Element {
  const { receipt, signature, key } = signed;
  const words = t.value;
  return (
    <article class="certificate">
      <p class="certificate-name"><bdi>{name}</bdi></p>
      <Journey from={receipt.made_in} to={receipt.read_in} />
      <p class="hint">{words.receiptLead}</p>
      <dl>
        <Fact name={words.receiptAt}>{dateAndTime(receipt.at, language.value)}</Fact>
        <Fact name={words.receiptTreatment}>{words.treatments[receipt.treatment] ?? receipt.treatment}</Fact>
        <Fact name={words.receiptRemoved}><Removed removed={receipt.removed} /></Fact>
        <Fact name={words.receiptVerifiedBy}>{receipt.verifier}</Fact>
        <Fact name={words.receiptRebuiltBy}>{receipt.transformer}</Fact>
        <Fact name={words.receiptGrammar}>{receipt.grammar}</Fact>
        <Fact name={words.receiptPolicy}>{receipt.policy}</Fact>
        <Fact name={words.receiptLeaf}>{words.receiptLeafValue(String(receipt.leaf))}</Fact>
      </dl>
      <button class="button small" type="button" onClick={() => (panel.value = { kind: "compare", attachment: id, name })}>
        <Pages size={16} />{words.compareTitle}
      </button>
      <File title={words.receiptBefore} facts={receipt.input} />
      <File title={words.receiptAfter} facts={receipt.output} />
      <dl>
        <Fact name={words.receiptSignature}><code class="hash">{signature}</code></Fact>
        <Fact name={words.receiptKey}><code class="hash">{key.id}</code></Fact>
      </dl>
      <a class="button wide" href={`${API}attachments/${id}/receipt`} download={`${name}.receipt.json`}><Save size={18} />{words.receiptDownload}</a>
      <p class="hint">{words.receiptHow}</p>
    </article>
  );
}

function Journey({ from, to }: { from: string; to: string }): JSX.Element {
  return (
    <p class="journey">
      <span data-zone={from}><ZoneIcon zone={from} /><span class="visually-hidden">{t.value.receiptFrom}: </span>{short(from)}</span>
      <span class="journey-arrow" aria-hidden="true">→</span>
      <span data-zone={to}><ZoneIcon zone={to} /><span class="visually-hidden">{t.value.receiptTo}: </span>{short(to)}</span>
    </p>
  );
}

const short = (zone: string): string => t.value.zoneShort[zone] ?? zoneName(zone);

function Removed({ removed }: { removed: readonly { kind: string; count: number }[] }): JSX.Element {
  if (removed.length === 0) return <>{t.value.receiptNothing}</>;
  return <ul class="plain-list">{bySeriousness(summed(removed)).map((each) => <li key={each.kind}>{removedWords(each)}</li>)}</ul>;
}

function File({ title, facts }: { title: string; facts: FileFacts }): JSX.Element {
  return (
    <section class="certificate-file">
      <h3>{title}</h3>
      <dl>
        <Fact name={t.value.receiptType}>{facts.type}</Fact>
        <Fact name={t.value.receiptSize}>{t.value.receiptSizeValue(fileSize(facts.size), facts.size)}</Fact>
        <Fact name={t.value.receiptHash}><code class="hash">{facts.sha256}</code></Fact>
      </dl>
    </section>
  );
}

/** One line of the certificate; nothing where the receipt says nothing. */
function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element | null {
  if (children === "") return null;
  return <div class="fact"><dt>{name}</dt><dd>{children}</dd></div>;
}
