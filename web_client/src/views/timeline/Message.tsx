/** One post. Joined posts leave out what the first of them has said; their time shows when pointed at. */
import type { JSX } from "preact";
import type { EventView } from "../../protocol.ts";
import { language, model, t, zoneName } from "../../store.ts";
import { pieces } from "../../text.ts";
import { clock, dateAndTime } from "../../time.ts";
import { Card } from "../attachments/Card.tsx";
import { Avatar } from "../shell/Avatar.tsx";
import { ZoneIcon } from "../shell/Icons.tsx";

export function Message({ entry, joined }: { entry: EventView; joined: boolean }): JSX.Element | null {
  if (entry.event.type !== "message.posted") return null;
  const { author, text, attachments, made_in } = entry.event.message;
  const time = <time dateTime={entry.at} title={dateAndTime(entry.at, language.value)}>{clock(entry.at, language.value)}</time>;
  return (
    <li class={joined ? "message joined" : "message"} data-seq={entry.seq}>
      {joined ? <span class="side-time" aria-hidden="true">{time}</span> : <Avatar name={author.name} />}
      <div class="message-body">
        <p class={joined ? "message-head visually-hidden" : "message-head"}>
          <bdi class="author">{author.name}</bdi>
          <MadeIn zone={made_in} />
          {time}
        </p>
        {text !== "" && <Text text={text} />}
        {attachments.map((file) => <Card key={file.id} id={file.id} name={file.name} size={file.size} own={author.login === model.value.user?.login} />)}
      </div>
    </li>
  );
}

/** The sign of the zone a post came from, where that is not the reader's own. */
function MadeIn({ zone }: { zone: string }): JSX.Element | null {
  if (zone === model.value.zone) return null;
  return (
    <span class="made-in" data-zone={zone} title={t.value.madeIn(zoneName(zone))}>
      <ZoneIcon zone={zone} size={14} />
      <span aria-hidden="true">{t.value.zoneShort[zone] ?? zone}</span>
      <span class="visually-hidden">{t.value.madeIn(zoneName(zone))}</span>
    </span>
  );
}

export function Text({ text }: { text: string }): JSX.Element {
  return (
    <p class="text" dir="auto">
      {pieces(text).map((piece, at) => piece.href === undefined
        ? piece.text
        : <a key={at} href={piece.href} target="_blank" rel="noreferrer noopener">{piece.text}</a>)}
    </p>
  );
}
