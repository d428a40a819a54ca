"""Every "no" of the product: a reason, the contract's code it belongs to, and a sentence that says what to do next.

Rules: a refusal is a value, never an exception; ``code`` is stable and few (CONTRACT), ``reason`` is stable and exact;
the sentence says what happened, that nothing was lost, and what the reader can do. Answers never tell a stranger
whether a thing exists: what may not be known is ``not_found``.

>>> refuse("text_too_long").code
'invalid'
"""

from __future__ import annotations

from typing import NamedTuple

STATUS: dict[str, int] = {
    "malformed": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "forbidden_crossing": 403,
    "not_found": 404,
    "no_crossing": 404,
    "not_released": 409,
    "conflict": 409,
    "too_large": 413,
    "invalid": 422,
    "unknown_person": 422,
    "refused": 422,
    "needs_password": 422,
    "rate_limited": 429,
    "checksum_mismatch": 460,
    "busy": 503,
    "storage_full": 507,
    "internal": 500,
}
"""HTTP status (RFC 9110; 460: tus 1.0) of each contract code."""


class Reason(NamedTuple):
    code: str
    ja: str
    en: str


REASONS: dict[str, Reason] = {
    "malformed": Reason(
        "malformed",
        "送られた内容を読み取れませんでした。画面を再読み込みして、もう一度お試しください。",
        "The request could not be read. Reload the page and try again.",
    ),
    "unauthenticated": Reason(
        "unauthenticated",
        "ログインが必要です。もう一度ログインしてください。",
        "You are not logged in. Please log in again.",
    ),
    "no_such_part": Reason(
        "not_found",
        "このファイルには、指定した文字・表・画像が含まれていません。ファイル全体を開いてください。",
        "This file holds no text, table or picture of the kind you asked for. Open the whole file instead.",
    ),
    "wrong_login": Reason(
        "unauthenticated",
        "職員IDまたはパスワードが違います。確かめて、もう一度入力してください。",
        "The login or the password is wrong. Check both and try again.",
    ),
    "session_ended": Reason(
        "unauthenticated",
        "一定時間操作がなかったため、ログアウトしました。もう一度ログインしてください。書きかけの文は残っています。",
        "Your session has ended. Log in again; your drafts are kept.",
    ),
    "forbidden": Reason(
        "forbidden",
        "この操作を行う権限がありません。必要な場合は管理者に相談してください。",
        "You may not do this. Ask an administrator if you need to.",
    ),
    "foreign_origin": Reason(
        "forbidden",
        "別の場所から送られた操作のため受け付けませんでした。正しいアドレスで開き直してください。",
        "The request came from another site and was not accepted. Open the proper address.",
    ),
    "foreign_host": Reason(
        "not_found",
        "このアドレスでは使えません。管理者から知らされたアドレスで開いてください。",
        "This address is not served. Use the address your administrator gave you.",
    ),
    "zone_not_allowed": Reason(
        "unauthenticated",
        "職員IDまたはパスワードが違います。確かめて、もう一度入力してください。",
        "The login or the password is wrong. Check both and try again.",
    ),
    "forbidden_crossing": Reason(
        "forbidden_crossing",
        "この内容は、今のネットワーク区画では読めないきまりです。元の区画の端末で開いてください。",
        "The rules do not let this content be read in your zone. Open it on a terminal of its own zone.",
    ),
    "my_number": Reason(
        "forbidden_crossing",
        "個人番号(マイナンバー)と思われる数字があるため、インターネット区画から見える場所には送れません。"
        "数字を消すか、インターネット区画に開いていないトークルームで送ってください。書いた文は残っています。",
        "This looks like it contains an Individual Number (My Number), so it may not go where the internet zone can "
        "read it. Remove the number, or use a room that is not open to the internet zone. Your text is kept.",
    ),
    "my_number_in_name": Reason(
        "forbidden_crossing",
        "ファイル名に個人番号(マイナンバー)と思われる数字があります。名前を変えて、もう一度添付してください。",
        "The file name looks like it contains an Individual Number (My Number). Rename the file and attach it again.",
    ),
    "not_found": Reason(
        "not_found",
        "見つかりません。削除されたか、見る権限がありません。",
        "Not found. It may have been removed, or you may not see it.",
    ),
    "no_crossing": Reason(
        "no_crossing",
        "このファイルは区画を越えていないため、通関証はありません。",
        "This file did not cross between zones, so there is no receipt.",
    ),
    "damaged": Reason(
        "internal",
        "保存されているファイルが記録と一致しないため、出せません。管理者に連絡してください。",
        "The stored file does not match its record, so it is not served. Please tell an administrator.",
    ),
    "not_released": Reason(
        "not_released",
        "このファイルはまだ検査中か、この区画には出せないと判定されています。",
        "This file is still being inspected, or was not released to this zone.",
    ),
    "name_taken": Reason(
        "conflict",
        "同じ名前がすでに使われています。別の名前にしてください。",
        "The name is already in use. Choose another one.",
    ),
    "conflict": Reason(
        "conflict",
        "ほかの操作と重なりました。最新の状態を確かめて、もう一度お試しください。",
        "Another change came first. Look at the current state and try again.",
    ),
    "not_waiting_for_password": Reason(
        "conflict",
        "このファイルはパスワードを待っていません。",
        "This file is not waiting for a password.",
    ),
    "text_too_long": Reason(
        "invalid",
        "1回に送れるのは20,000文字までです。分けて送るか、ファイルにして添付してください。",
        "A message holds at most 20,000 characters. Split it, or attach it as a file.",
    ),
    "empty_message": Reason(
        "invalid",
        "本文か添付ファイルを入れてください。",
        "Write a text or attach a file.",
    ),
    "bad_client_msg_id": Reason(
        "invalid",
        "client_msg_id は1〜128文字で指定してください。",
        "client_msg_id must have 1 to 128 characters.",
    ),
    "too_many_attachments": Reason(
        "invalid",
        "1回に添付できるのは20個までです。分けて送ってください。",
        "A message carries at most 20 attachments. Split it.",
    ),
    "unknown_reply": Reason(
        "invalid",
        "返信先のメッセージがこのトークルームにありません。",
        "The message you reply to is not in this room.",
    ),
    "unknown_attachment": Reason(
        "invalid",
        "この添付ファイルは使えません。このトークルームに、もう一度添付してください。",
        "This attachment cannot be used here. Attach the file again in this room.",
    ),
    "invalid": Reason(
        "invalid",
        "入力の内容が正しくありません。直して、もう一度お試しください。",
        "The input is not valid. Correct it and try again.",
    ),
    "weak_password": Reason(
        "invalid",
        "パスワードは8文字以上にしてください。",
        "A password needs at least 8 characters.",
    ),
    "bad_room": Reason(
        "invalid",
        "トークルームの種類・名前・参加者を確かめてください。名前は1〜80文字、直接のトークは相手が1人です。",
        "Check the kind, name and members: a name has 1 to 80 characters, a direct room has exactly one other person.",
    ),
    "unknown_zone": Reason(
        "invalid",
        "そのネットワーク区画はありません。",
        "There is no such zone.",
    ),
    "bad_file_name": Reason(
        "invalid",
        "ファイル名を読み取れませんでした。名前を付け直して、もう一度添付してください。",
        "The file name could not be read. Rename the file and attach it again.",
    ),
    "empty_file": Reason(
        "invalid",
        "ファイルが空です。内容のあるファイルを添付してください。",
        "The file is empty. Attach a file with content.",
    ),
    "upload_cut": Reason(
        "invalid",
        "ファイルが途中で切れました。もう一度添付してください。",
        "The upload was cut short. Attach the file again.",
    ),
    "unknown_person": Reason(
        "unknown_person",
        "指定された職員が見つかりません。職員IDを確かめてください。",
        "There is no such person. Check the logins.",
    ),
    "too_large": Reason(
        "too_large",
        "大きすぎて受け付けられません。分けるか小さくして、もう一度お試しください。",
        "It is too large. Split it or make it smaller and try again.",
    ),
    "wrong_offset": Reason(
        "conflict",
        "送信の続きの位置が違います。届いているところを確かめて、そこから送ってください。",
        "The upload stands at another offset. Ask how much arrived and go on from there.",
    ),
    "checksum_mismatch": Reason(
        "checksum_mismatch",
        "届いた内容が送った内容と違うため、この部分は捨てました。もう一度送ってください。",
        "What arrived is not what was sent, so this part was dropped. Send it again.",
    ),
    "quota_exceeded": Reason(
        "too_large",
        "保存できる容量の上限に達しました。不要な添付ファイルを減らすか、管理者に相談してください。",
        "The storage quota is used up. Remove files you no longer need, or ask an administrator.",
    ),
    "rate_limited": Reason(
        "rate_limited",
        "短い間に操作が重なりました。少し待って、もう一度お試しください。",
        "Too many requests in a short time. Wait a moment and try again.",
    ),
    "locked_out": Reason(
        "rate_limited",
        "ログインの失敗が続いたため、しばらく受け付けません。時間をおいてお試しください。",
        "Too many failed logins. Please wait before trying again.",
    ),
    "busy": Reason(
        "busy",
        "混み合っています。送った内容は受け付けられていません。少し待って、もう一度お試しください。",
        "The server is busy and did not accept this. Wait a moment and try again.",
    ),
    "search_paused": Reason(
        "busy",
        "混み合っているため、検索をしばらく休んでいます。メッセージは送受信できます。少し待って、もう一度お試しください。",
        "The server is busy, so searching rests for a while. Messages come and go. Wait a moment and try again.",
    ),
    "uploads_paused": Reason(
        "busy",
        "混み合っているため、新しいファイルの受け付けをしばらく休んでいます。メッセージは送れます。"
        "少し待って、もう一度お試しください。",
        "The server is busy, so it takes no new files for a while. Messages can be sent. Wait a moment and try again.",
    ),
    "read_only": Reason(
        "storage_full",
        "保存場所の残りが少ないため、読むことだけができます。管理者に連絡してください。",
        "Storage is nearly full, so only reading is possible. Please tell an administrator.",
    ),
    "storage_full": Reason(
        "storage_full",
        "保存場所がいっぱいのため受け付けられませんでした。管理者に連絡してください。",
        "Storage is full, so this was not accepted. Please tell an administrator.",
    ),
    "internal": Reason(
        "internal",
        "サーバーの中で問題が起きました。受け付けられていません。少し待って、もう一度お試しください。",
        "Something went wrong in the server and this was not accepted. Wait a moment and try again.",
    ),
}


class Refusal(NamedTuple):
    """A "no". ``retry_after`` is in seconds where waiting helps."""

    code: str
    reason: str
    retry_after: int | None = None

    @property
    def status(self) -> int:
        return STATUS[self.code]

    def sentence(self, lang: str = "ja") -> str:
        """What happened and what to do, for a person."""
        reason = REASONS[self.reason]
        return reason.en if lang == "en" else reason.ja


def refuse(reason: str, retry_after: int | None = None) -> Refusal:
    """The refusal for ``reason``; raises KeyError for a reason that is not in the table."""
    return Refusal(REASONS[reason].code, reason, retry_after)
