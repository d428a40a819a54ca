"""Outlook messages: they stay ones where nothing is attached, become mail where something is, and say the same."""

from __future__ import annotations

import email
import email.policy
import io
import random
import struct
from datetime import UTC, datetime
from email.message import EmailMessage

import olefile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mail_samples import (
    Given,
    envelope,
    file_of,
    many,
    message_inside,
    outlook,
    part,
    picture,
    properties,
    rebuilt,
    rich_text,
    signed,
)

from sanitizer.formats.base import Change, Job, Rebuilt, Refused, Treated
from sanitizer.formats.mail import msg
from sanitizer.formats.mail.compound_writer import Storage, Stream
from sanitizer.formats.mail.compressed_rtf import decompressed
from sanitizer.formats.mail.rich_text import read
from sanitizer.limits import Limits

SENT = int((datetime(2026, 11, 22, 7, 17, 14, tzinfo=UTC) - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10**7
NOTE: Given = {
    0x001A001E: "IPM.Note",
    0x3FFD0003: 932,
    0x0037001E: "防災訓練のご案内",
    0x0042001E: "佐藤 花子",
    0x0064001E: "SMTP",
    0x0065001E: "Sato@Example.jp",
    0x00390040: SENT + 1234567,
    0x1000001E: "防災訓練を行います。\r\nご参加ください。",
    0x1035001F: "<1.2@example.jp>",
    0x80010003: 77,
    0x8002001F: "秘密の印",
}
TO: Given = {0x0C150003: 1, 0x3001001E: "鈴木; 一郎", 0x3003001E: "suzuki@example.jp"}
CC: Given = {0x0C150003: 2, 0x3001001E: "総務課", 0x3003001E: "/O=TOWN/CN=SOUMU"}
BCC: Given = {0x0C150003: 3, 0x3001001E: "隠れた人", 0x3003001E: "kakure@example.jp"}


def stays(data: bytes) -> tuple[dict[str, bytes], Rebuilt]:
    """The streams of the compound file that leaves, read by another reader."""
    made = rebuilt(data, "見本.msg")
    assert made.mime == "application/vnd.ms-outlook"
    with olefile.OleFileIO(io.BytesIO(made.data), raise_defects=olefile.DEFECT_UNSURE) as opened:
        assert opened.parsing_issues == []
        streams = {"/".join(path): opened.openstream(path).read() for path in opened.listdir()}
    return streams, made


def becomes_mail(data: bytes) -> tuple[EmailMessage, Rebuilt]:
    made = rebuilt(data, "見本.msg")
    assert made.mime == "message/rfc822"
    message = email.message_from_bytes(made.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message, made


def text_of(streams: dict[str, bytes], tag: str) -> str:
    return streams[f"__substg1.0_{tag}001F"].decode("utf-16-le")


def counts(changes: list[Change]) -> dict[str, int]:
    return {change.kind: change.count for change in changes}


def test_a_message_stays_one_with_the_properties_of_a_list() -> None:
    streams, made = stays(outlook(NOTE, [TO, CC, BCC]))
    assert text_of(streams, "0037") == "防災訓練のご案内"
    assert text_of(streams, "1000") == "防災訓練を行います。\r\nご参加ください。"
    assert (text_of(streams, "0042"), text_of(streams, "0065")) == ("佐藤 花子", "Sato@example.jp")
    assert (text_of(streams, "0E04"), text_of(streams, "0E03")) == ("鈴木, 一郎", "総務課")
    assert text_of(streams, "1035") == "<1.2@example.jp>"
    assert streams["__recip_version1.0_#00000000/__substg1.0_3003001F"].decode("utf-16-le") == "suzuki@example.jp"
    assert "__recip_version1.0_#00000001/__substg1.0_3003001F" not in streams
    assert "__recip_version1.0_#00000002/__properties_version1.0" not in streams
    table = streams["__properties_version1.0"]
    assert struct.unpack_from("<8x4I", table) == (2, 0, 2, 0)
    times = [struct.unpack_from("<IIQ", table, at)[2] for at in range(32, len(table), 16) if table[at] == 0x40]
    assert times == [SENT, SENT]
    assert "秘密".encode("utf-16-le") not in made.data
    assert "隠れ".encode("utf-16-le") not in made.data
    assert counts(made.removed) == {"hidden-recipient": 1}
    assert made.changed == []


@pytest.mark.parametrize("size", [1, 63, 64, 2047, 2048, 40_000, 1_000_000])
def test_texts_of_every_length_are_whole(size: int) -> None:
    said = ("あいうえお" * (size // 5 + 1))[:size]
    streams, made = stays(outlook({**NOTE, 0x1000001F: said}, [TO] * 5))
    assert text_of(streams, "1000") == said
    assert len(made.data) % 512 == 0
    assert said in msg.text(made.data, Limits())


def test_what_does_not_fit_into_a_simple_compound_file_becomes_mail() -> None:
    message, made = becomes_mail(outlook({0x0037001F: "長い", 0x1000001E: "a" * 3_600_000}))
    assert message["Subject"] == "長い"
    assert counts(made.changed) == {"mail-format": 1}


def test_a_page_is_rebuilt() -> None:
    page = "<html><body onload='x()'>本文<img src='cid:a'><script>x()</script></body></html>"
    given = {**NOTE, 0x3FDE0003: 932, 0x10130102: page.encode("cp932")}
    streams, made = stays(outlook(given))
    leaving = streams["__substg1.0_10130102"].decode()
    assert leaving.startswith('<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title></title></head><body>本文')
    assert "script" not in leaving
    assert "onload" not in leaving
    assert counts(made.removed) == {"javascript": 1, "event-handler": 1, "image": 1}


WRAPPED = (
    rb"{\rtf1\ansi\ansicpg932\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}{\f1\fcharset128 MS;}}"
    rb"{\*\htmltag64 <p onclick='x()'>}\f1 \'89\'ef\u-29840?\htmlrtf {\b \htmlrtf0 {\*\htmltag84 <b>}a\tab b"
    rb"{\*\htmltag92 </b>}\htmlrtf }\htmlrtf0 {\*\mhtmltag64 <img src=y>}{\*\htmltag72 </p>}{\pict 0102}}"
)


def test_a_page_inside_rich_text_is_found() -> None:
    assert read(WRAPPED).page == "<p onclick='x()'>会議<b>a\tb</b></p>"
    streams, made = stays(outlook({0x0037001F: "a", 0x1000001F: "会議", 0x10090102: rich_text(WRAPPED)}))
    assert b"<p>\xe4\xbc\x9a\xe8\xad\xb0<b>a" in streams["__substg1.0_10130102"]
    assert counts(made.removed) == {"event-handler": 1}


def test_rich_text_alone_gives_its_words() -> None:
    text = (
        rb"{\rtf1\ansi\ansicpg932{\fonttbl{\f0 Arial;}}{\info{\author x}}\'89\'ef\'8b\'63\par "
        rb"{\field{\*\fldinst DDE}{\fldrslt y}}\u55357?\u56832?}"
    )
    streams, made = stays(outlook({0x0037001F: "a", 0x10090102: rich_text(text)}))
    assert text_of(streams, "1000") == "会議\r\ny😀"
    assert counts(made.changed) == {"rtf-text": 1}


def test_compressed_rich_text_is_read() -> None:
    """The example of [MS-OXRTFCP] 3.1."""
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert decompressed(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    crossing = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert decompressed(crossing) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


def test_what_is_attached_makes_it_mail() -> None:
    files: list[Given | Storage] = [
        file_of("一覧.csv", "品名,数\r\nりんご,=1+1\r\n".encode()),
        file_of("x.exe", b"MZ" + bytes(80)),
        file_of("image001.jpg", picture(), content_id="one@x"),
        {0x37050003: 6, 0x3707001F: "object"},
        {0x37050003: 7, 0x3707001F: "elsewhere"},
    ]
    page = "<p>図<img src='cid:one@x'></p>"
    message, made = becomes_mail(outlook({**NOTE, 0x10130102: page.encode()}, [TO], files))
    assert message["Date"] == "Sun, 22 Nov 2026 07:17:14 +0000"
    assert str(message["From"]) == "佐藤 花子 <Sato@example.jp>"
    names = [each.get_filename() for each in message.walk() if each.get_filename()]
    assert names == ["image001.png", "一覧.csv", "x_exe(取り除きました).txt"]
    (leaving,) = [each.get_content() for each in message.walk() if each.get_content_type() == "text/html"]
    assert 'src="cid:image1@mail.invalid"' in leaving
    assert counts(made.changed) == {"mail-format": 1}
    assert counts(made.removed) == {"embedded-object": 1, "external-body": 1}


def test_messages_inside_are_rebuilt_as_mail() -> None:
    inner = message_inside({0x0037001F: "中/の件名", 0x1000001F: "中の本文"}, [file_of("a.txt", "中の添付".encode())])
    message, _ = becomes_mail(outlook(NOTE, [], [inner]))
    (nested,) = [each for each in message.walk() if each.get_content_type() == "message/rfc822"]
    assert nested.get_filename() == "中_の件名.eml"
    inside = nested.get_payload(0)
    assert isinstance(inside, EmailMessage)
    assert inside["Subject"] == "中/の件名"
    assert [each.get_filename() for each in inside.iter_attachments()] == ["a.txt"]


def test_the_sent_fields_help_where_properties_are_missing() -> None:
    sent = (
        "Received: x\r\nFrom: =?utf-8?b?5L2Q6Jek?= <sato@example.jp>\r\nTo: b@example.jp\r\n"
        "Date: Sun, 22 Nov 2026 16:17:14 +0900\r\n"
    )
    message, _ = becomes_mail(outlook({0x007D001F: sent, 0x0042001F: "佐藤"}, [], [file_of("a.txt", b"x")]))
    assert (str(message["From"]), message["To"]) == ("佐藤 <sato@example.jp>", "b@example.jp")
    assert message["Date"] == "Sun, 22 Nov 2026 16:17:14 +0900"


def test_appointments_and_contacts_leave_as_messages_that_say_the_same() -> None:
    names = [
        Stream("__substg1.0_00020102", bytes.fromhex("0220060000000000c000000000000046")),
        Stream("__substg1.0_00030102", struct.pack("<IHHIHH", 0x820D, 6, 0, 0x8208, 6, 1)),
    ]
    given: Given = {0x001A001F: "IPM.Appointment", 0x80000040: SENT, 0x8001001F: "第1会議室", 0x1000001F: "議題"}
    streams, made = stays(outlook(given, names=names))
    assert text_of(streams, "1000") == "開始 / Start: 2026-11-22 16:17 JST\r\n場所 / Location: 第1会議室\r\n\r\n議題"
    assert text_of(streams, "001A") == "IPM.Note"
    assert counts(made.changed) == {"message-class": 1}
    contact: Given = {0x001A001F: "IPM.Contact", 0x3001001F: "佐藤 花子", 0x3A16001F: "霞ヶ浜市"}
    assert text_of(stays(outlook(contact))[0], "1000") == "氏名 / Name: 佐藤 花子\r\n会社 / Company: 霞ヶ浜市\r\n\r\n"


def test_signed_messages_leave_without_their_signature() -> None:
    inner = part("text/plain", "署名した本文")
    opaque = outlook({0x001A001F: "IPM.Note.SMIME", 0x0037001F: "a"}, [], [file_of("smime.p7m", signed(inner))])
    clear = many("signed", inner, part("application/pkcs7-signature", b"0"))
    kind = "IPM.Note.SMIME.MultipartSigned"
    for data in (opaque, outlook({0x001A001F: kind, 0x0037001F: "a"}, [], [file_of("smime.p7m", clear)])):
        streams, made = stays(data)
        assert text_of(streams, "1000") == "署名した本文"
        assert counts(made.removed) == {"signature": 1}
    locked = [file_of("smime.p7m", signed(b"x", "1.2.840.113549.1.7.3"))]
    with pytest.raises(Refused, match="encrypted-mail"):
        rebuilt(outlook({0x001A001F: "IPM.Note.SMIME"}, [], locked), "a.msg")


def test_an_envelope_that_is_attached_is_examined_as_a_file() -> None:
    message, _ = becomes_mail(outlook(NOTE, [], [file_of("winmail.dat", envelope(("a.txt", b"x")))]))
    assert [each.get_filename() for each in message.iter_attachments()] == ["winmail_dat(取り除きました).txt"]


def _nested(levels: int) -> Storage:
    inside = properties({0x0037001F: "x"}, bytes(24))
    if levels:
        inside.append(Storage("__attach_version1.0_#00000000", _nested(levels - 1).entries))
    return Storage("", [*properties({0x37050003: 5}, bytes(8)), Storage("__substg1.0_3701000D", inside)])


def test_bombs_have_an_end() -> None:
    with pytest.raises(Refused, match="too-deep"):
        rebuilt(outlook(NOTE, [], [_nested(6)]), "a.msg")
    shared = [Storage("", properties({0x37010102: b"x" * 5_000}, bytes(8))) for _ in range(60)]
    data = bytearray(outlook({}, [], shared))
    starts = [
        at for at in range(0, len(data) - 128, 128) if data[at : at + 40] == "__substg1.0_37010102".encode("utf-16-le")
    ]
    assert len(starts) == 60
    for at in starts[1:]:  # all of them share the sectors of the first, and claim the whole file
        data[at + 116 : at + 124] = data[starts[0] + 116 : starts[0] + 120] + struct.pack("<I", len(data))
    with pytest.raises(Refused, match="bomb"):
        rebuilt(bytes(data), "a.msg")


SAMPLE = outlook(NOTE, [TO, CC], [file_of("a.txt", b"x"), message_inside({0x0037001F: "y"})])
JOB = Job("application/vnd.ms-outlook", "rebuild", "a.msg", None, Limits())


def _packed(data: bytes) -> Rebuilt:
    members = list(msg.unpack(data, JOB).members)
    texts = [Treated(f"{at}.txt", "released", "text/plain", lambda one=one: one.data) for at, one in enumerate(members)]  # type: ignore[misc]
    return msg.pack(data, JOB, texts)


@pytest.mark.parametrize("seed", range(300))
def test_damaged_messages_leave_in_one_form_or_are_refused(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(SAMPLE)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data) - 4)
        data[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", bytes(4), b"\1\0\0\0", chance.randbytes(4)))
    try:
        made = _packed(bytes(data[: chance.choice((len(data), len(data), chance.randrange(len(data))))]))
    except Refused:
        return
    if made.mime == "application/vnd.ms-outlook":
        assert _packed(made.data).data == made.data


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), st.text(max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_every_text_leaves_in_one_form(subject: str, body: str, name: str, address: str) -> None:
    plain = [value.encode("utf-8", "replace").decode() for value in (subject, body, name, address)]
    to: Given = {0x0C150003: 1, 0x3001001F: plain[2], 0x3003001F: plain[3]}
    made = rebuilt(outlook({0x0037001F: plain[0], 0x1000001F: plain[1], 0x0042001F: plain[2]}, [to]), "a.msg")
    assert made.mime == "application/vnd.ms-outlook"
    again = rebuilt(made.data, "a.msg")
    assert again.data == made.data
    assert (again.removed, again.changed) == ([], [])
