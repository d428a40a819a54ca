"""Mail: it says the same in one form, nothing in it acts, calls out or hides; what is damaged has an end."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mail_samples import attached, envelope, letter, mail, many, part, picture, rebuilt, rich_text, signed

from sanitizer.formats.base import Change, Job, Rebuilt, Refused, Treated
from sanitizer.formats.mail import eml
from sanitizer.formats.mail.kinds import KINDS
from sanitizer.limits import Limits

HTML = "text/html; charset=utf-8"


def leaves(data: bytes, limits: Limits | None = None) -> tuple[EmailMessage, Rebuilt]:
    """The message that leaves, read by another reader, which has nothing to object to."""
    made = rebuilt(data, "見本.eml", limits)
    assert made.mime == "message/rfc822"
    assert made.data.isascii()
    message = email.message_from_bytes(made.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    for each in message.walk():
        assert each.defects == []
        assert [value.defects for value in each.values()] == [() for _ in each.values()]
    return message, made


def texts(message: EmailMessage, kind: str = "text/plain") -> list[str]:
    """The texts of a message that are no files."""
    found = (each for each in message.walk() if each.get_content_type() == kind and not each.get_filename())
    return [str(each.get_content()).replace("\r\n", "\n") for each in found]


def files(message: EmailMessage) -> dict[str, bytes]:
    """What is attached."""
    return {
        str(each.get_filename()): bytes(each.get_payload(decode=True) or b"")
        for each in message.walk()
        if each.get_filename() and not each.is_multipart()
    }


def counts(made: list[Change]) -> dict[str, int]:
    return {change.kind: change.count for change in made}


@pytest.mark.parametrize(
    ("charset", "codec"),
    [("iso-2022-jp", "iso2022_jp"), ("Shift_JIS", "cp932"), ("EUC-JP", "euc_jp"), ("utf-8", "utf-8"), ("", "cp932")],
)
def test_japanese_texts_leave_as_utf_8(charset: str, codec: str) -> None:
    kind = f"text/plain; charset={charset}" if charset else "text/plain"
    message, made = leaves(letter("防災訓練を行います。\r\nご参加ください。\r\n".encode(codec), kind=kind))
    assert texts(message) == ["防災訓練を行います。\nご参加ください。\n"]
    assert (made.removed, made.changed) == ([], [])


def test_characters_of_windows_in_japanese_character_sets_are_read() -> None:
    assert texts(leaves(letter(b"\x1b$B-!-j\x1b(B\r\n", kind="text/plain; charset=ISO-2022-JP"))[0]) == ["①㈱\n"]
    assert texts(leaves(letter(b"\xad\xa1\xc9\xbd\r\n", kind="text/plain; charset=EUC-JP"))[0]) == ["①表\n"]
    assert texts(leaves(letter(b"\x1b(I1\x1b(B\r\n", kind="text/plain; charset=ISO-2022-JP"))[0]) == ["ｱ\n"]


def test_fields_of_a_list_stay_in_one_order_and_others_go() -> None:
    fields = (
        "Received: from x by y\r\nReturn-Path: <r@example.jp>\r\nDKIM-Signature: v=1\r\nX-Mailer: z\r\n"
        "Bcc: s@example.jp\r\n"
        "Subject: =?ISO-2022-JP?B?GyRCMnE1RBsoQg==?= =?utf-8?q?=E3=81=AE=E4=BB=B6?=\r\n"
        'To: "=?utf-8?b?5L2Q6Jek?=" <sato@example.jp>, =?utf-8?b?6Yi05pyo?=\r\n <suzuki@example.jp>,\r\n'
        " 課: a..b.@docomo.ne.jp;\r\n"
        "From: 田中 <tanaka@Example.lg.jp>\r\nDate: Mon, 6 Sep 2010 05:25:34 -0400 (EDT)\r\nMessage-ID: <1.2@x.jp>\r\n"
    )
    message, made = leaves(mail(part("text/plain", "本文"), fields))
    assert list(message.keys())[:6] == ["From", "To", "Date", "Subject", "Message-ID", "MIME-Version"]
    assert message["Subject"] == "会議の件"
    assert [(one.display_name, one.addr_spec) for one in message["To"].addresses] == [
        ("佐藤", "sato@example.jp"),
        ("鈴木", "suzuki@example.jp"),
        ("", "a..b.@docomo.ne.jp"),
    ]
    assert str(message["From"]) == "田中 <tanaka@example.lg.jp>"
    assert message["Date"] == "Mon, 06 Sep 2010 05:25:34 -0400"
    assert message["Message-ID"] == "<1.2@x.jp>"
    assert counts(made.removed) == {"hidden-recipient": 1, "mail-header": 4}


@pytest.mark.parametrize(
    ("received", "leaving"),
    [
        ("undisclosed-recipients:;", '"undisclosed-recipients":;'),
        ("/O=TOWN/OU=X", '"/O=TOWN/OU=X":;'),
        ('"a@b" <c@d.jp>', '"a@b" <c@d.jp>'),
        ("x@y.jp (佐藤)", "=?UTF-8?B?5L2Q6Jek?= <x@y.jp>"),
        ("<s@例え.jp>", "<s@xn--r8jz45g.jp>"),
        ("a@b.jp; c@d.jp", "<a@b.jp>,\r\n <c@d.jp>"),
        ("\u202ea <a@b.jp>", '"a" <a@b.jp>'),
        ('"A" <a@b', '"\\"A\\" a@b":;'),
        ("A <@x,@y:a@(z)b.jp(w)>", '"A" <a@b.jp>'),
        ('"a b"@c.jp', '"\\"a b\\"@c.jp":;'),
    ],
)
def test_people_are_written_in_one_way(received: str, leaving: str) -> None:
    made = rebuilt(mail(part("text/plain", "x"), f"Cc: {received}\r\n"), "a.eml")
    assert made.data.startswith(f"Cc: {leaving}\r\nMIME-Version".encode())


def test_no_line_of_a_received_message_can_become_a_field() -> None:
    hidden = "=?utf-8?b?YQ0KQmNjOiB4QHkuanANCg0KYg==?="  # a CR LF Bcc: x@y.jp CR LF CR LF b
    message, made = leaves(mail(part("text/plain", "x"), f"Subject: {hidden}\r\nFrom: {hidden} <a@b.jp>\r\n"))
    assert list(message.keys()) == ["From", "Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]
    assert b'From: "a Bcc: x@y.jp b" <a@b.jp>\r\nSubject: a Bcc: x@y.jp b\r\nMIME' in made.data


def test_a_text_and_a_page_stay_together_and_the_page_is_rebuilt() -> None:
    page = (
        "<html><body onload='x()'>休館日<img src='https://t.example/1.png'><script>x()</script><form>a</form>"
        "<a href='\\\\host\\share'>b</a><a href='https://example.jp/'>c</a></body></html>"
    )
    entity = many("alternative", part("text/plain", "休館日"), part(HTML, page))
    message, made = leaves(mail(entity))
    assert message.get_content_type() == "multipart/alternative"
    assert texts(message) == ["休館日"]
    (leaving,) = texts(message, "text/html")
    assert leaving.startswith('<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title></title></head><body>休館日')
    assert 'href="https://example.jp/"' in leaving
    assert not any(word in leaving for word in ("onload", "script", "<img", "form", "host"))
    removed = counts(made.removed)
    assert removed == {"javascript": 1, "event-handler": 1, "form": 1, "remote-load": 1, "link-target": 1}


def test_pictures_of_a_page_stay_with_it_and_others_are_attached() -> None:
    page = "<p>図<img src='cid:one@x' alt='a'><img src='CID:gone'><img src='pictures/2.gif'><img src='cid:one@x'></p>"
    entity = many(
        "related",
        part(HTML, page),
        part("image/jpeg", picture("PNG"), "Content-ID: <one@x>", "Content-Disposition: inline; filename=image001.jpg"),
        part("image/gif", picture("GIF"), "Content-Location: pictures/2.gif"),
        part("image/png", picture("PNG", 9), "Content-ID: <unused@x>", "Content-Disposition: inline; filename=u.png"),
    )
    message, made = leaves(mail(entity))
    related = next(each for each in message.walk() if each.get_content_type() == "multipart/related")
    pictures = [(each["Content-ID"], each.get_content_type()) for each in list(related.walk())[2:]]
    assert pictures == [("<image1@mail.invalid>", "image/png"), ("<image2@mail.invalid>", "image/gif")]
    (leaving,) = texts(message, "text/html")
    assert leaving.count('src="cid:image1@mail.invalid"') == 2
    assert leaving.count("<img") == 3
    assert files(message).keys() == {"image001.png", "image.gif", "u.png"}
    assert [each.get_filename() for each in message.iter_attachments()] == ["u.png"]
    assert counts(made.removed)["image"] == 1


def test_what_is_attached_goes_through_its_own_examination() -> None:
    entity = many(
        "mixed",
        part("text/plain", "本文"),
        attached("一覧.csv", "品名,数\r\nりんご,=1+1\r\n", "text/csv"),
        attached("請求書\u202efdp.exe", b"MZ" + bytes(100)),
        attached("..\\a/b.html", "<p onclick=x()>a</p>"),
    )
    message, _ = leaves(mail(entity))
    found = files(message)
    assert list(found) == ["一覧.csv", "請求書fdp_exe(取り除きました).txt", "b.html"]
    assert b"'=1+1" in found["一覧.csv"]
    assert "実行できる" in found["請求書fdp_exe(取り除きました).txt"].decode("utf-8-sig")
    assert b"onclick" not in found["b.html"]


@pytest.mark.parametrize(
    "field",
    [
        "filename==?ISO-2022-JP?B?GyRCMGxNdxsoQi5jc3Y=?=",
        'filename="=?utf-8?b?5LiA6Kan?=.csv"',
        "filename*0*=utf-8''%E4%B8%80; filename*1*=%E8%A6%A7; filename*2=.csv",
        "filename*=cp932''%88%EA%97%97.csv",
        'filename="一覧.csv"',
    ],
)
def test_names_are_read_however_they_are_written(field: str) -> None:
    entity = many("mixed", part("text/csv", "a,b\r\n", f"Content-Disposition: attachment; {field}"))
    assert list(files(leaves(mail(entity))[0])) == ["一覧.csv"]


@pytest.mark.parametrize(
    "name", ["a" * 300, "表" * 100, "a." + "b" * 300, "😀" * 70 + ".exe", "con", "a. .", "a" * 253 + ".x"]
)
def test_names_are_never_too_long_for_a_file_system(name: str) -> None:
    (leaving,) = files(leaves(mail(many("mixed", attached(name, b"text"))))[0])
    assert leaving.endswith(".txt")
    assert len(leaving.encode()) <= 255


def test_messages_inside_are_rebuilt_to_the_third_level() -> None:
    data = letter("innermost", subject="4")
    for number in (3, 2, 1):
        inside = b"Content-Type: message/rfc822\r\n\r\n" + data
        entity = many("mixed", part("text/plain", f"text {number}"), inside, boundary=f"b{number}")
        data = mail(entity, f"Subject: {number}\r\nX-Secret: x\r\n")
    message, made = leaves(data)
    assert b"X-Secret" not in made.data
    assert [each["Subject"] for each in message.walk() if "Subject" in each] == ["1", "2", "3"]
    assert b'boundary="=_3.1"' in made.data
    assert b'boundary="=_2.1"' in made.data
    (name,) = (name for name in files(message) if name)
    assert name == "message_eml(取り除きました).txt"


def test_signatures_go_and_the_signed_message_stays() -> None:
    inner = part("text/plain", "署名した本文")
    one = leaves(mail(many("signed", inner, part("application/pkcs7-signature", b"0", "Content-ID: <a>"))))
    envelope_kind = "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m"
    two = leaves(mail(part(envelope_kind, signed(inner))))
    for message, made in (one, two):
        assert texts(message) == ["署名した本文"]
        assert counts(made.removed) == {"signature": 1}


@pytest.mark.parametrize(
    "entity",
    [
        many("encrypted", part("application/pgp-encrypted", "Version: 1"), part("application/octet-stream", b"x")),
        part("application/pkcs7-mime; smime-type=enveloped-data", signed(b"x", "1.2.840.113549.1.7.3")),
    ],
)
def test_encrypted_messages_are_refused(entity: bytes) -> None:
    with pytest.raises(Refused, match="encrypted-mail"):
        rebuilt(mail(entity), "a.eml")


def test_references_to_elsewhere_and_fragments_go() -> None:
    elsewhere = b"Content-Type: message/external-body; access-type=URL; URL=https://x.example/a.exe\r\n\r\n"
    fragment = b"Content-Type: message/partial; id=x; number=2; total=3\r\n\r\nrest"
    message, made = leaves(mail(many("mixed", elsewhere, part("text/plain", "本文"), fragment)))
    assert texts(message) == ["本文"]
    assert counts(made.removed) == {"external-body": 1, "partial-message": 1}


def test_outlook_envelopes_are_opened_or_gone() -> None:
    packed = envelope(("一覧.csv", b"a,b\r\n"), ("x.exe", b"MZ" + bytes(80)))
    parts = part("text/plain", "本文"), part("application/ms-tnef; name=winmail.dat", packed)
    message, made = leaves(mail(many("mixed", *parts)))
    assert list(files(message)) == ["一覧.csv", "x_exe(取り除きました).txt"]
    assert counts(made.changed) == {"outlook-envelope-opened": 1}
    broken = part("text/plain", "本文"), part("application/ms-tnef", b"winmail")
    assert counts(leaves(mail(many("mixed", *broken)))[1].removed) == {"outlook-envelope": 1}


def test_the_text_of_an_outlook_envelope_is_the_richer_form() -> None:
    page = b"<p onclick=x()>page<img src=cid:a.png@x></p>"
    packed = envelope(("a.png", picture()), ("b.txt", b"x"), ("", bytes(16) + b"object"), page=page)
    parts = part("text/plain", "本文"), part("application/ms-tnef", packed)
    message, made = leaves(mail(many("mixed", *parts)))
    assert texts(message) == ["本文"]
    assert 'page<img src="cid:image1@mail.invalid">' in texts(message, "text/html")[0]
    assert list(files(message)) == ["a.png", "b.txt"]
    assert counts(made.removed) == {"event-handler": 1, "embedded-object": 1}
    alone, _ = leaves(mail(part("application/ms-tnef", envelope(rich=rich_text(rb"{\rtf1 words}")))))
    assert texts(alone) == ["words"]


def test_texts_laid_out_as_paragraphs_stay_so() -> None:
    kind = "text/plain; charset=utf-8; format=flowed; delsp=yes"
    _, made = leaves(letter("a \r\nb", kind=kind))
    assert b"Content-Type: text/plain; charset=UTF-8; format=flowed; delsp=yes\r\n" in made.data


def test_controls_and_directing_characters_go() -> None:
    message, made = leaves(letter("a\x00b\u202ec\x1b\ufeff", subject="\u202ea\x07b"))
    assert texts(message) == ["abc"]
    assert message["Subject"] == "ab"
    assert set(counts(made.removed)) == {"control-characters", "bidi-controls"}


@pytest.mark.parametrize("name", ["a.eml", "mail"])
def test_a_message_is_known_by_its_name_or_its_fields(name: str) -> None:
    assert rebuilt(letter("x", subject="a"), name).mime == "message/rfc822"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (
            mail(b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(40))),
            "too-deep",
        ),
        (mail(many("mixed", *[b"\r\nx"] * 3_000)), "bomb"),
        (mail(b"X: y\r\n" * 6_000), "bomb"),
        (mail(b"X: " + b"y" * (3 << 20) + b"\r\n"), "bomb"),
        (mail(b"\r\n", "To: " + "a@b.jp, " * 3_000 + "\r\n"), "bomb"),
        (letter("<div>" * 400, kind=HTML), "too-deep"),
    ],
)
def test_bombs_have_an_end(data: bytes, code: str) -> None:
    with pytest.raises(Refused, match=code):
        rebuilt(data, "a.eml")


def test_a_page_that_cannot_be_rebuilt_goes_where_there_is_a_text() -> None:
    entity = many("alternative", part("text/plain", "本文"), part(HTML, "<div>" * 400))
    message, made = leaves(mail(entity))
    assert texts(message) == ["本文"]
    assert counts(made.removed) == {"unreadable-part": 1}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"Subject: a\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\nno parts", "no parts"),
        (b"Subject: a\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nnever ends", "never ends"),
        (
            b"Subject: a\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
            + many("mixed", b"\r\na", boundary="y"),
            "a",
        ),
        (b"Subject: a\nthis is no field: \x00\n\nb", "this is no field: \n\nb"),
        (b"Subject: a\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ=", "a"),
        (b"From x Mon\r\nSubject: a\r\n\r\nb", "b"),
        (b"Subject: a\r\n", ""),
        (b"Subject: a\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n\xff\xfe\xfd", "ÿþý"),
    ],
)
def test_damaged_messages_say_what_they_can(data: bytes, said: str) -> None:
    (found,) = texts(leaves(data)[0])
    assert found.strip("\n") == said.strip("\n")


PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n",
        b"Content-Type: multipart/related; boundary=b\r\n\r\n",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+eDxpbWcgc3JjPWNpZDoxPg==\r\n",
        b"Content-Type: message/rfc822\r\n\r\n",
        b"Content-Type: application/pkcs7-mime\r\n\r\n0\x80",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Disposition: attachment; filename*0*=utf-8''%E4; filename*1=\"b.txt\"\r\n",
        b"Subject: =?iso-2022-jp?B?GyRC?= =?utf-8?q?=80?=\r\n",
        b'From: "a\\" (b <c@d>, :;,\r\n',
        b"Content-ID: <1>\r\n",
        b"--a\r\n",
        b"--b\r\n",
        b"--a--\r\n",
        b"\r\n",
        b"x",
    ]
)
MESSAGES = st.lists(PIECES | st.binary(max_size=12), max_size=24).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(MESSAGES)
def test_whatever_comes_leaves_in_one_form_or_is_refused(received: bytes) -> None:
    data = b"Subject: a\r\n" + received
    job = Job("message/rfc822", "rebuild", "a.eml", None, Limits())
    try:
        made = eml.pack(data, job, _untouched(data, job))
    except Refused:
        return
    again = eml.pack(made.data, job, _untouched(made.data, job))
    assert again.data == made.data
    assert (again.removed, again.changed) == ([], [])


def _untouched(data: bytes, job: Job) -> list[Treated]:
    """Members as they came, as texts: the form of the message is what counts here."""
    found = []
    for member in eml.unpack(data, job).members:
        name = member.name if member.name.endswith(".txt") else f"{member.name}.txt"
        found.append(Treated(name, "released", "text/plain", lambda data=member.data: data))  # type: ignore[misc]
    return found


def test_what_it_says_is_found() -> None:
    entity = many(
        "mixed",
        many("alternative", part("text/plain", "会議の本文"), part(HTML, "<p>会議の頁</p>"), boundary="inner"),
        attached("一覧.csv", "品名\r\n", "text/csv"),
        b"Content-Type: message/rfc822\r\n\r\n" + letter("中の本文", subject="inside"),
    )
    made = rebuilt(mail(entity, "From: 佐藤 <sato@example.jp>\r\nSubject: 件名\r\n"), "a.eml")
    said = eml.text(made.data, Limits())
    for words in ("件名", "佐藤 <sato@example.jp>", "会議の本文", "一覧.csv", "品名", "inside", "中の本文"):
        assert words in said
    assert "会議の頁" not in said


def test_its_tables_and_pictures_can_be_had_alone() -> None:
    page = "<table><tr><td>品名<td>数</table><img src='cid:a@x'>"
    entity = many(
        "mixed",
        many("related", part(HTML, page), part("image/png", picture(), "Content-ID: <a@x>"), boundary="b1"),
        attached("一覧.csv", "りんご,3\r\n"),
        attached("b.gif", picture("GIF")),
        b"Content-Type: message/rfc822\r\n\r\n" + mail(many("mixed", attached("c.csv", "みかん,4\r\n"), boundary="b2")),
    )
    made = rebuilt(mail(entity), "a.eml")
    assert eml.tables(made.data, Limits()) == [[["品名", "数"]], [["りんご", "3"]], [["みかん", "4"]]]
    assert [found.mime for found in eml.pictures(made.data, Limits())] == ["image/png", "image/gif"]


def test_kinds_have_words_in_both_languages() -> None:
    assert all(ja and en and en.isascii() for ja, en in KINDS.values())
