/**
 * One calm line under the band while the server rests from something; nothing while all is well or the connection is away.
 * The place for it is always there, so that screen readers hear what is put into it, and what is taken out.
 */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { isLive, model, t } from "../../store.ts";
import { restOf } from "../../rest.ts";
import { Clock } from "./Icons.tsx";

const OVER_FOR = 6_000;

export function RestNotice(): JSX.Element {
  const rest = isLive.value ? restOf(model.value.notice) : null;
  const over = useOver(rest !== null, isLive.value);
  return (
    <div class="rest" role="status">
      {rest !== null ? <Line text={t.value.rest[rest]} /> : over && <Line text={t.value.restOver} />}
    </div>
  );
}

function Line({ text }: { text: string }): JSX.Element {
  return (
    <p class="rest-line">
      <Clock size={18} />
      <span>{text}</span>
    </p>
  );
}

/** For some seconds after the last rest ended, it is said that it did. */
function useOver(resting: boolean, live: boolean): boolean {
  const rested = useRef(false);
  const [over, setOver] = useState(false);
  useEffect(() => {
    const ended = rested.current && !resting && live;
    rested.current = resting;
    setOver(ended);
    if (!ended) return;
    const timer = setTimeout(() => setOver(false), OVER_FOR);
    return () => clearTimeout(timer);
  }, [resting, live]);
  return over;
}
