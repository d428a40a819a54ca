/** The four steps of an attachment, 受付 → 検査 → 無害化 → 検証, by sign, word and colour. */
import type { JSX } from "preact";
import type { Step, Steps } from "../../attachment.ts";
import { t } from "../../store.ts";
import { Check, Close, Dash } from "../shell/Icons.tsx";

export function Track({ steps }: { steps: Steps }): JSX.Element {
  const words = t.value;
  const names = [words.stepReceived, words.stepInspect, words.stepRebuild, words.stepVerify];
  const states: Record<Step, string> = {
    done: words.stepDone, active: words.stepActive, failed: words.stepFailed, waiting: words.stepWaiting, skipped: words.stepSkipped,
  };
  return (
    <ol class="track" aria-label={words.track}>
      {steps.map((step, at) => (
        <li key={at} class={`step ${step}`}>
          <span class="step-mark"><Mark step={step} /></span>
          <span>{names[at]}</span>
          <span class="visually-hidden">{states[step]}</span>
        </li>
      ))}
    </ol>
  );
}

function Mark({ step }: { step: Step }): JSX.Element | null {
  if (step === "done") return <Check size={12} />;
  if (step === "failed") return <Close size={12} />;
  return step === "skipped" ? <Dash size={12} /> : null;
}
