"""The verifiers of messages: sentences of the grammar pass, one thing changed makes another file."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from typing import Any

import olefile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.canonical_archive import archive
from support.canonical_mail import (
    CSV,
    HEAD,
    PAGE,
    RICH,
    SECOND,
    body,
    file,
    inside,
    many,
    note,
    page,
    related,
    shown,
    text,
)

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.mail import message, outlook
from sanitizer.verify.mail.compound import read, written
from sanitizer.verify.mail.fields import check_fields
from sanitizer.verify.mail.words import encoded, is_address, is_plain_text

LIMITS = Limits()
SOUND = {
    "text": text(),
    "page": page(),
    "alternative": many("alternative", text(), page()),
    "related": related(1),
    "rich": RICH,
    "file alone": many("mixed", CSV),
    "archive": many("mixed", text(), file('filename="a.zip"', "application/zip", archive({"a.txt": b"a\n"}))),
    "message": many("mixed", text(), inside(HEAD + RICH), level=2),
    "messages": many("mixed", inside(HEAD + many("mixed", inside(HEAD + text()), level=2)), level=3),
    "flowed": text().replace("UTF-8\r", "UTF-8; format=flowed; delsp=yes\r", 1),
}
DATA = (HEAD + RICH).encode()


def assert_rejected(data: bytes | str, *codes: str, limits: Limits = LIMITS, reader: Any = message) -> None:
    with pytest.raises(Violation) as caught:
        reader.verify(data.encode() if isinstance(data, str) else data, limits)
    assert not codes or caught.value.code in codes, caught.value


@pytest.mark.parametrize("kind", SOUND)
def test_accepts_what_the_grammar_says(kind: str) -> None:
    message.verify((HEAD + SOUND[kind]).encode(), LIMITS)


@pytest.mark.parametrize("kind", SOUND)
def test_no_line_more_and_no_line_less(kind: str) -> None:
    lines = (HEAD + SOUND[kind]).split("\r\n")[:-1]
    for at in range(4, len(lines)):
        assert_rejected("\r\n".join([*lines[:at], "", *lines[at:]]) + "\r\n")
        assert_rejected("\r\n".join([*lines[:at], "X-Evil: 1", *lines[at:]]) + "\r\n")
        if not lines[at].startswith(("From", "To", "Subject")):  # of a message inside, which may lack them
            assert_rejected("\r\n".join(lines[:at] + lines[at + 1 :]) + "\r\n")
    for more in ("\r\n", "x\r\n", "begin 644 a.exe\r\n", SOUND[kind]):
        assert_rejected(HEAD + SOUND[kind] + more)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\r\n", "\n"),
        ("boundary=", "x=1; boundary="),
        ('"=_1.1"', '"=_2.1"'),
        ('"=_1.1"', "=_1.1"),
        ("--=_1.2--\r\n", ""),
        ("--=_1.3\r\n", "--=_1.1\r\n"),
        ("multipart/mixed", "multipart/parallel"),
        ("text/csv", "text/plain"),
        ("text/csv", "application/hta"),
        ('filename="a.csv"', 'filename="a.exe"'),
        ('filename="a.csv"', 'filename="a"'),
        ('filename="a.csv"', 'filename="a.csv "'),
        ('filename="a.csv"', 'filename="../a.csv"'),
        ('filename="a.csv"', "filename=a.csv"),
        ('filename="a.csv"', "filename*=UTF-8''a.csv"),
        ('filename="a.csv"', 'filename="con.csv"'),
        ("%E5%A0%B1", "%e5%a0%b1"),
        ("%E5%A0%B1", "%E5%A0"),
        ("%E5%A0%B1", "%2F%A0%B1"),
        ("attachment", "inline"),
        ("image1@mail", "image3@mail"),
        ("Content-ID: <image2", "Content-ID: <image1"),
        ("base64", "quoted-printable"),
        ("charset=UTF-8", "charset=ISO-2022-JP"),
        ("charset=UTF-8", "charset=UTF-8; format=fixed"),
        ("Content-Type: text/csv", "Content-Type: message/external-body"),
        ("Content-Type: text/csv", "Content-Type:  text/csv"),
        ("Content-Type: text/csv", "content-type: text/csv"),
    ],
)
def test_entities_have_one_form(old: str, new: str) -> None:
    assert old in DATA.decode()
    assert_rejected(DATA.decode().replace(old, new, 1))


@pytest.mark.parametrize(
    ("entity", "code"),
    [
        (many("mixed", text()), "parts"),
        (many("mixed", many("mixed", text(), CSV), CSV), "boundary"),
        (many("alternative", page(), text()), "parts"),
        (many("alternative", text(), CSV), "parts"),
        (many("alternative", text(), page(), page()), "parts"),
        (many("alternative", text(), many("mixed", text(), CSV)), "boundary"),
        (many("related", page()), "pictures"),
        (many("related", page(), shown(1)), "pictures"),
        (many("related", page('<img src="cid:image1@mail.invalid">'), shown(1), shown(2)), "pictures"),
        (many("related", page('<img src="cid:image1@mail.invalid">'), shown(1), CSV), "parts"),
        (related(2, 1), "pictures"),
        (page('<img src="cid:image1@mail.invalid">'), "picture"),
        (page('<img src="https://a.jp/a.png">'), "picture"),
        (page("<script>1</script>"), "element"),
        (page().replace(body(PAGE.format("<p>本文</p>")).format(""), body("<p>x").format("")), "head"),
        (text("a\nb"), "text"),
        (text("a\rb"), "text"),
        (text("a\0b"), "text"),
        (text("a\u202eb"), "text"),
        (text(""), "base64"),
        (CSV, "entity"),
        (shown(1), "entity"),
        (inside(HEAD + text()), "entity"),
        (many("mixed", text(), inside(HEAD + text())), "level"),
        (many("mixed", text(), inside(HEAD + text()), level=3), "level"),
        (many("mixed", text(), CSV, level=2), "level"),
        (many("mixed", text(), file('filename="a.csv"', "text/csv", b"=cmd|x\r\n")), "formula"),
        (many("mixed", text(), file('filename="a.png"', "image/png", b"\x89PNG")), "truncated"),
        (many("mixed", text(), file('filename="a.png"', "text/csv", b"a\r\n")), "file-name"),
        (many("mixed", text(), file('filename="a.bin"', "application/octet-stream", b"a")), "file-name"),
        (many("related", page('<img src="cid:image1@mail.invalid">'), shown(1, b"GIF89a" + bytes(9))), "signature"),
    ],
)
def test_multiparts_stand_in_no_other_way(entity: str, code: str) -> None:
    assert_rejected(HEAD + entity, code)


def test_levels_have_an_end() -> None:
    whole = HEAD + text()
    for level in range(2, 5):
        whole = HEAD + many("mixed", inside(whole), level=level)
        message.verify(whole.encode(), LIMITS)
    assert_rejected(HEAD + many("mixed", inside(whole), level=4), "level", "too-deep")
    deep = "".join(HEAD + many("mixed", inside("@"), level=4).partition("@")[0] for _ in range(3000))
    assert_rejected(deep + "\r\n", "too-deep", "boundary")
    parts = "".join(many("mixed", "@").partition("@")[0] for _ in range(3000))
    assert_rejected(HEAD + parts + "\r\n", "boundary")


def test_the_limits_are_kept() -> None:
    message.verify(DATA, replace(LIMITS, max_members=5, max_output=len(DATA)))
    assert_rejected(DATA, "too-many-members", limits=replace(LIMITS, max_members=4))
    assert_rejected(DATA, "too-long", limits=replace(LIMITS, max_output=len(DATA) - 1))
    assert_rejected(DATA, "too-much-inflated", limits=replace(LIMITS, max_inflated=10))


DATE = "Date: Sun, 22 Nov 2026 07:17:14 +0900"


@pytest.mark.parametrize(
    "field",
    [
        *("From: <a@b>", 'From: "A B" <a@b.jp>', 'To: "a \\"b\\" \\\\" <a@b>', 'Cc: "nobody":;', 'From: <"a..b"@c.jp>'),
        "To: <a@b>,\r\n <c@d>",
        f"From: {encoded('山田 太郎')} <a@b.jp>",
        f"Subject: {encoded('報告' * 60)}",
        *("Subject: a", DATE, "Date: Mon, 29 Feb 2016 23:59:59 -1200", "Message-ID: <a.b@c>"),
    ],
)
def test_sound_fields(field: str) -> None:
    check_fields([field, "MIME-Version: 1.0"])


@pytest.mark.parametrize(
    "field",
    [
        *(
            "Bcc: <a@b>",
            "Received: x",
            "X-Mailer: x",
            "from: <a@b>",
            "From:<a@b>",
            "From: a@b",
            "From: <a@b> ",
            "From: ",
        ),
        *(
            "From: A <a@b>",
            'From: "あ" <a@b>',
            'From: "A  B" <a@b>',
            "From: <a..b@c>",
            'From: <"ab"@c>',
            "From: <a@-b>",
        ),
        *(
            "From: <a@B>",
            "From: <a b@c>",
            "From: <a@b>, <c@d>",
            "From: <a@b>,\r\n  <c@d>",
            'From: "=?x" <a@b>',
            "From: :;",
        ),
        *('From: "a\\b" <a@b>', 'From: "a"b" <a@b>', f"From: <{'a' * 65}@b>", f"From: <a@{'b.' * 127}c>"),
        *(
            f"Subject: {encoded('a')}",
            "Subject: あ",
            "Subject: a  b",
            "Subject: " + "a" * 71,
            "Subject: =?a",
            "Subject: ",
        ),
        f"Subject: {encoded('報告' * 60)}".replace("\r\n ", " "),
        "Subject: =?UTF-8?B?5aCx5ZGK?=\r\n =?UTF-8?B?5aCx5ZGK?=",
        "Subject: =?UTF-8?Q?a?=",
        f"Subject: {encoded('a' + chr(0x202E))}",
        f"Subject: {encoded('あ' * 1001)}",
        *(
            DATE.replace("Sun", "Mon"),
            DATE.replace("22", "32"),
            DATE.replace("+0900", "-0000"),
            DATE.replace("+0900", "JST"),
        ),
        *(
            DATE.replace("07:", "24:"),
            DATE.replace("2026", "1826"),
            DATE + " (JST)",
            "Date: Mon, 30 Feb 2026 07:17:14 +0900",
        ),
        *("Message-ID: a@b", "Message-ID: <a>", "Message-ID: <a@b> ", "MIME-Version: 1.0"),
        "Subject: a\r\nSubject: a",
    ],
)
def test_fields_that_are_not_sound(field: str) -> None:
    with pytest.raises(Violation):
        check_fields([field, "MIME-Version: 1.0"])


def test_fields_have_an_order() -> None:
    check_fields(["From: <a@b>", "Subject: a", "MIME-Version: 1.0"])
    for fields in (["Subject: a", "From: <a@b>"], ["From: <a@b>", "From: <a@b>"], []):
        with pytest.raises(Violation):
            check_fields([*fields, "MIME-Version: 1.0"] if fields else fields)


def test_addresses_and_texts() -> None:
    assert is_address("a.b+c@x-y.jp") and not is_address("a@b..c") and not is_address("a@") and not is_address("a@b.")
    assert is_plain_text("a\r\nb") and not is_plain_text("a\nb") and not is_plain_text("") and not is_plain_text("\r")


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60), st.integers(0, len(DATA)), st.integers(0, 60))
def test_other_bytes_are_a_violation_and_nothing_else(words: bytes, at: int, gone: int) -> None:
    try:
        message.verify(DATA[:at] + words + DATA[at + gone :], LIMITS)
    except Violation as violation:
        assert violation.code


# Outlook


MSG = written(note())


def test_accepts_an_outlook_message() -> None:
    outlook.verify(MSG, LIMITS)
    alone = {0x0E03001F: " ", 0x0E04001F: " ", 0x0042001F: " ", 0x0C1A001F: " ", 0x10130102: None, 0x10160003: 1}
    outlook.verify(written(note(alone, people=[])), LIMITS)
    with olefile.OleFileIO(io.BytesIO(MSG)) as other:
        assert other.openstream("__substg1.0_0037001F").read().decode("utf-16-le") == "件名"
        assert ["__recip_version1.0_#00000002", "__properties_version1.0"] in other.listdir()


def test_every_byte_of_a_compound_file_has_its_place() -> None:
    chance = random.Random(2)
    found = read(MSG)
    data_of_streams = [*found.streams.values(), *(one for inside in found.storages.values() for one in inside.values())]
    for at in sorted({*range(0, 2048, 3), *chance.sample(range(len(MSG)), 400)}):
        changed = MSG[:at] + bytes([MSG[at] ^ 1 << chance.randrange(8)]) + MSG[at + 1 :]
        try:
            outlook.verify(changed, LIMITS)
        except Violation:
            continue
        assert any(MSG[at - 1 : at + 2] in data for data in data_of_streams)  # another word in a text
    for size in range(0, len(MSG), 97):
        assert_rejected(MSG[:size], reader=outlook)
    for more in (b"\0", bytes(512), MSG):
        assert_rejected(MSG + more, "compound-file", reader=outlook)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({0x001A001F: "IPM.Appointment"}, "property-value"),
        ({0x0E070003: 2}, "property-value"),
        ({0x0E070003: None}, "property"),
        ({0x0E070003: 1 << 32}, "property-type"),
        ({0x80010003: 1}, "property"),
        ({0x1009_0102: b"rtf"}, "property"),
        ({0x8001_000B: 1}, "property-type"),
        ({0x0037001F: "別"}, "property-differs"),
        ({0x0037001F: None}, "property-differs"),
        ({0x0037001F: "a\nb", 0x0E1D001F: "a\nb"}, "subject"),
        ({0x0037001F: "a" * 1001, 0x0E1D001F: "a" * 1001}, "subject"),
        ({0x00390040: 1, 0x0E060040: 1}, "moment"),
        ({0x00390040: 13_400_000_000 * SECOND + 1, 0x0E060040: 13_400_000_000 * SECOND + 1}, "moment"),
        ({0x0042001F: "", 0x0C1A001F: ""}, "property-stream"),
        ({0x0042001F: "a\u202e", 0x0C1A001F: "a\u202e"}, "sender"),
        ({0x0065001F: "A@EXAMPLE", 0x0C1F001F: "A@EXAMPLE"}, "address"),
        ({0x0064001F: "EX", 0x0C1E001F: "EX"}, "address"),
        ({0x0064001F: None, 0x0C1E001F: None}, "address"),
        ({0x0E04001F: "鈴木"}, "recipients"),
        ({0x10160003: 1}, "property-value"),
        ({0x1000001F: "a\nb"}, "text"),
        ({0x1000001F: None, 0x10130102: None, 0x10160003: 1}, "no-text"),
        ({0x10130102: b"<script>"}, "head"),
        ({0x10130102: PAGE.format('<img src="cid:image1@mail.invalid">').encode()}, "picture"),
        ({0x1035001F: "a"}, "message-id"),
    ],
)
def test_properties_say_what_the_grammar_says(change: dict[int, Any], code: str) -> None:
    assert_rejected(written(note(change)), code, reader=outlook)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({0x0C150003: 3}, "property-value"),
        ({0x30000003: 7}, "property-value"),
        ({0x3001001F: "a;b"}, "name"),
        ({0x3002001F: None}, "address"),
        ({0x3003001F: "c@example.jp"}, "property-differs"),
        ({0x0FF60102: b"x"}, "property"),
    ],
)
def test_recipients_say_what_the_grammar_says(change: dict[int, Any], code: str) -> None:
    assert_rejected(written(note(of_people=change)), code, reader=outlook)


def test_there_is_nothing_else_in_an_outlook_message() -> None:
    for name in ("__attach_version1.0_#00000000", "__recip_version1.0_#00000009", "VBA", "Macros"):
        more = note()
        more.storages[name] = {"a": b"b"}
        assert_rejected(written(more), "storages", reader=outlook)
    for name in ("__substg1.0_30010102", "\x01Ole10Native", "x"):
        more = note()
        more.streams[name] = b"MZ"
        assert_rejected(written(more), "streams", reader=outlook)
    more = note()
    more.storages["__nameid_version1.0"]["__substg1.0_00040102"] = b"x"
    assert_rejected(written(more), "names", reader=outlook)
    assert_rejected(written(note(people=[("総務", 2), ("鈴木", 1)])), "recipients", reader=outlook)
    assert_rejected(MSG, "too-long", limits=replace(LIMITS, max_output=len(MSG) - 1), reader=outlook)


@settings(deadline=None, max_examples=200)
@given(st.binary(min_size=1, max_size=40), st.integers(0, 6000))
def test_other_bytes_in_a_compound_file_are_a_violation_and_nothing_else(words: bytes, at: int) -> None:
    try:
        outlook.verify(MSG[:at] + words + MSG[at + len(words) :], LIMITS)
    except Violation as violation:
        assert violation.code
