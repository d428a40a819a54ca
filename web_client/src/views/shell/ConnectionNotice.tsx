/** One line under the band while the connection is away; nothing while it is there. */
import type { JSX } from "preact";
import { reconnectNow } from "../../actions/live.ts";
import { connection, t } from "../../store.ts";
import { Cut } from "./Icons.tsx";

export function ConnectionNotice(): JSX.Element | null {
  const { phase, beenLive, tries } = connection.value;
  if (phase === "live" || phase === "idle" || phase === "ended") return null;
  if (phase === "offline") return <Line text={t.value.offline} />;
  if (!beenLive && tries < 2) return null;
  return <Line text={t.value.reconnecting} button={phase === "waiting"} />;
}

function Line({ text, button }: { text: string; button?: boolean }): JSX.Element {
  return (
    <div class="connection" role="status">
      <Cut size={18} />
      <span>{text}</span>
      {button && <button class="link-button" type="button" onClick={reconnectNow}>{t.value.reconnectNow}</button>}
    </div>
  );
}
