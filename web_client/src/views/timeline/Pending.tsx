/** A post of one's own that the room does not show yet: on its way, waiting for the connection, or refused with the reason. */
import type { JSX } from "preact";
import { discard, rewrite, sendAgain } from "../../actions/posting.ts";
import type { PendingPost } from "../../outbox.ts";
import { isLive, model, problemText, t } from "../../store.ts";
import { Card } from "../attachments/Card.tsx";
import { Avatar } from "../shell/Avatar.tsx";
import { Clock, Warning } from "../shell/Icons.tsx";
import { Text } from "./Message.tsx";

export function Pending({ post }: { post: PendingPost }): JSX.Element {
  const name = model.value.user?.name ?? "";
  const refused = post.state === "refused";
  return (
    <li class={refused ? "message pending refused" : "message pending"}>
      <Avatar name={name} />
      <div class="message-body">
        <p class="message-head"><bdi class="author">{name}</bdi>{refused ? null : <Waiting post={post} />}</p>
        {post.text !== "" && <Text text={post.text} />}
        {post.attachments.map((file) => <Card key={file.id} id={file.id} name={file.name} size={file.size} own />)}
        {refused && <Reason post={post} />}
      </div>
    </li>
  );
}

function Waiting({ post }: { post: PendingPost }): JSX.Element {
  const busy = post.refusal !== null ? (t.value.errors[post.refusal.code] ?? t.value.sending) : t.value.sending;
  return <span class="state late"><Clock size={14} />{isLive.value ? busy : t.value.waitingToSend}</span>;
}

function Reason({ post }: { post: PendingPost }): JSX.Element {
  const refusal = post.refusal;
  const reason = refusal ? problemText({ code: refusal.code, detail: [refusal.message, refusal.advice].filter(Boolean).join(" ") }) : "";
  return (
    <div class="reason" role="alert">
      <p><Warning size={18} /><span><strong>{t.value.notSent}</strong>{reason}</span></p>
      <div class="buttons start">
        <button class="button small" type="button" onClick={() => (rewrite(post), document.getElementById("composer")?.focus())}>{t.value.rewrite}</button>
        <button class="button small" type="button" onClick={() => sendAgain(post)}>{t.value.sendAgain}</button>
        <button class="button small plain" type="button" onClick={() => discard(post)}>{t.value.discard}</button>
      </div>
    </div>
  );
}
