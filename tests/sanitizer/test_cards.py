"""Calendars and address cards: they say the same, nothing acts or loads, old cards are read; their readers alone."""

from __future__ import annotations

import base64
import io
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from sanitizer.formats.base import Job, Rebuilt, Refused
from sanitizer.formats.cards import calendar, vcard
from sanitizer.formats.cards.content_line import content_lines, escaped, folded, texts
from sanitizer.formats.cards.kinds import KINDS
from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.cards.calendar import verify as verify_calendar
from sanitizer.verify.cards.vcard import verify as verify_card

HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Sekisho//Sanitizer//EN\r\n"
TAIL = "END:VCALENDAR\r\n"


def from_ics(data: bytes | str, limits: Limits | None = None) -> Rebuilt:
    received = data.encode() if isinstance(data, str) else data
    made = calendar.rebuild(received, Job("text/calendar", "rebuild", "a.ics", None, limits or Limits()))
    verify_calendar(made.data, Limits())
    return made


def from_vcf(data: bytes | str, limits: Limits | None = None) -> Rebuilt:
    received = data.encode() if isinstance(data, str) else data
    made = vcard.rebuild(received, Job("text/vcard", "rebuild", "a.vcf", None, limits or Limits()))
    verify_card(made.data, Limits())
    return made


def event(lines: str) -> str:
    return f"{HEAD}BEGIN:VEVENT\r\n{lines}END:VEVENT\r\n{TAIL}"


def card(lines: str, version: str = "3.0") -> str:
    return f"BEGIN:VCARD\r\nVERSION:{version}\r\n{lines}END:VCARD\r\n"


NAMED = "FN:佐藤 花子\r\nN:佐藤;花子;;;\r\n"
ENTRY = (
    "UID:1@example.jp\r\nDTSTAMP:20260401T000000Z\r\nDTSTART;TZID=Asia/Tokyo:20260401T100000\r\n"
    "SUMMARY;LANGUAGE=ja:会議\\, 打合せ\\; 二\\n行\r\n"
    'ATTENDEE;CN="佐藤, 花子";ROLE=REQ-PARTICIPANT:mailto:sato@example.jp\r\n'
    "DURATION:PT1H30M\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU;COUNT=5\r\nEXDATE:20260408T100000,20260415T100000\r\n"
    "GEO:31.9;131.4\r\nPRIORITY:5\r\nCATEGORIES:会議,市民課\r\nURL:https://example.jp/?a=1\r\n"
    "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nDESCRIPTION:まもなく\r\nEND:VALARM\r\n"
)
ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Asia/Tokyo\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0900\r\n"
    "TZOFFSETTO:+0900\r\nTZNAME:JST\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
)
CONTACT = (
    f"{NAMED}ORG:霞ヶ浜市;市民課\r\nTEL;TYPE=CELL,VOICE:090-1234\r\nEMAIL:sato@example.jp\r\nADR;TYPE=WORK:;;一丁目1\\,2;市;県;880;\r\n"
    "NOTE:一行\\n二行\r\nBDAY:1980-04-01\r\nURL:https://example.jp/\r\nSORT-STRING:さとう はなこ\r\nGEO:31.9;131.4\r\n"
)


def photo(kind: str = "PNG") -> str:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((20, 10)).save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


def test_a_plain_calendar_leaves_as_it_came() -> None:
    data = folded_whole(HEAD + "METHOD:PUBLISH\r\n" + ZONE + f"BEGIN:VEVENT\r\n{ENTRY}END:VEVENT\r\n" + TAIL)
    made = from_ics(data)
    assert (made.data, made.removed, made.changed) == (data, [], [])


def test_a_plain_card_leaves_as_it_came() -> None:
    data = folded_whole(card(CONTACT) + card(NAMED))
    made = from_vcf(data)
    assert (made.data, made.removed, made.changed) == (data, [], [])


def folded_whole(text: str) -> bytes:
    return "".join(folded(line) for line in text.split("\r\n")[:-1]).encode()


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp932", "euc_jp", "iso2022_jp"])
def test_japanese_is_read_in_every_encoding(codec: str) -> None:
    made = from_ics(event("SUMMARY:表示と能力、会議のお知らせ\r\n").encode(codec))
    assert "SUMMARY:表示と能力、会議のお知らせ\r\n" in made.data.decode()
    made = from_vcf(card("FN:表野 能力\r\nN:表野;能力\r\n").encode(codec))
    assert "N:表野;能力\r\n" in made.data.decode()


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ("X-ALT-DESC;FMTTYPE=text/html:SECRET\r\n", "private-data"),
        ("ATTACH;ENCODING=BASE64;VALUE=BINARY:SECRET\r\n", "embedded-file"),
        ("ATTACH:file:///SECRET\r\n", "link-target"),
        ("ATTACH:CID:SECRET\r\n", "link-target"),
        ("URL:javascript:SECRET\r\n", "link-target"),
        ("ORGANIZER:ldap://SECRET\r\n", "link-target"),
        ("IMAGE;VALUE=URI:https://example.jp/SECRET\r\n", "unknown-property"),
        ("CONFERENCE:https://example.jp/SECRET\r\n", "unknown-property"),
        ("DTSTART:SECRET\r\n", "unknown-property"),
        ("RRULE:FREQ=SECRET:x\r\n", "unknown-property"),
        ("BEGIN:VALARM\r\nACTION:PROCEDURE\r\nATTACH:SECRET.exe\r\nEND:VALARM\r\n", "alarm-action"),
        ("BEGIN:VALARM\r\nACTION:AUDIO\r\nATTACH:https://example.jp/SECRET\r\nEND:VALARM\r\n", "alarm-action"),
        ("BEGIN:VALARM\r\nACTION:EMAIL\r\nSUMMARY:SECRET\r\nEND:VALARM\r\n", "alarm-action"),
        ("BEGIN:X-PART\r\nBEGIN:VEVENT\r\nSUMMARY:SECRET\r\nEND:VEVENT\r\nEND:X-PART\r\n", "private-data"),
        ("SUMMARY:a\u202eb\x07\r\n", "bidi-controls"),
    ],
)
def test_what_acts_loads_or_is_private_in_a_calendar_goes(lines: str, kind: str) -> None:
    made = from_ics(event("SUMMARY:kept\r\n" + lines))
    assert kind in {change.kind for change in made.removed}
    assert b"SUMMARY:kept\r\n" in made.data and b"SECRET" not in made.data


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ("X-SOCIALPROFILE:https://example.jp/SECRET\r\n", "private-data"),
        ("item1.X-ABLABEL:SECRET\r\n", "private-data"),
        ("PHOTO;VALUE=uri:https://example.jp/SECRET.jpg\r\n", "remote-load"),
        ("PHOTO;ENCODING=b:U0VDUkVU\r\n", "image"),
        ("SOUND;ENCODING=b:SECRET\r\n", "multimedia"),
        ("KEY:SECRET\r\n", "encryption-key"),
        ("AGENT:SECRET\r\n", "embedded-file"),
        ("URL:file:///SECRET\r\n", "link-target"),
        ("IMPP:xmpp:SECRET\r\n", "unknown-property"),
        ("NOTE:a\u2066b\r\n", "bidi-controls"),
    ],
)
def test_what_acts_loads_or_is_private_in_a_card_goes(lines: str, kind: str) -> None:
    made = from_vcf(card(NAMED + lines))
    assert kind in {change.kind for change in made.removed}
    assert b"SECRET" not in made.data and b"FN:" in made.data


def test_the_name_of_a_calendar_stays() -> None:
    made = from_ics(f"{HEAD}X-WR-CALNAME:予定表\r\n{TAIL}")
    assert "NAME:予定表\r\n" in made.data.decode()
    assert made.removed == []


def test_a_card_of_a_japanese_telephone_is_read() -> None:
    def quoted(text: str) -> str:
        return "".join(f"={byte:02X}" for byte in text.encode("cp932"))

    received = (
        f"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:{quoted('表野')};{quoted('能')}=\r\n"
        f"{quoted('力')}\r\nSOUND;X-IRMC-N;CHARSET=SHIFT_JIS:ｵﾓﾃﾉ;ﾉｳﾘｷ;;;\r\nTEL;CELL;VOICE:090-1234\r\n"
        f"NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=SHIFT_JIS:{quoted('一, 二')}=0D=0A{quoted('三')}\r\n"
        f"PHOTO;PNG;ENCODING=BASE64:\r\n {photo()[:60]}\r\n {photo()[60:]}\r\n\r\nX-CLASS:1\r\nEND:VCARD\r\n"
    )
    made = from_vcf(received.encode("cp932"))
    text = made.data.decode()
    assert text.startswith(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:表野 能力\r\nN:表野;能力\r\nTEL;TYPE=CELL,VOICE:090-1234\r\n"
    )
    assert "NOTE:一\\, 二\\n三\r\n" in text and "SORT-STRING:ｵﾓﾃﾉ ﾉｳﾘｷ\r\n" in text
    assert "PHOTO;ENCODING=b;TYPE=PNG:iVBOR" in text
    assert {change.kind for change in made.changed} >= {"version", "encoding"}
    assert [change.kind for change in made.removed] == ["private-data"]


def test_version_4_stays_and_writes_its_own_pictures_and_places() -> None:
    lines = f"{NAMED}TEL;VALUE=uri;PREF=1:tel:+81-90\r\nGEO:geo:31.9,131.4\r\nPHOTO:data:image/png;base64,{photo()}\r\n"
    text = from_vcf(card(lines, "4.0")).data.decode().replace("\r\n ", "")
    assert "VERSION:4.0\r\n" in text and "TEL;PREF=1:+81-90\r\n" in text
    assert "GEO:geo:31.9,131.4\r\n" in text and "PHOTO:data:image/png;base64,iVBOR" in text


def test_a_card_without_a_name_gets_one() -> None:
    assert "FN:a\\, b c\r\nN:a\\, b c\\;d;;;;\r\n" not in from_vcf(card("ORG:市役所\r\n")).data.decode()
    assert (
        from_vcf(card("ORG:市\\,役所;課\r\n"))
        .data.decode()
        .startswith("BEGIN:VCARD\r\nVERSION:3.0\r\nN:市\\,役所 課;;;;\r\nFN:市\\,役所 課\r\n")
    )
    assert "FN:-\r\n" in from_vcf(card("")).data.decode()


@pytest.mark.parametrize("read", [from_ics, from_vcf])
def test_corrupted_files_are_refused(read: object) -> None:
    whole = (event(ENTRY) if read is from_ics else card(CONTACT)).encode()
    assert callable(read)
    for data in (
        whole[: len(whole) // 2],
        whole[: -len("END:VCARD\r\n")],
        b"no card\r\n",
        whole.replace(b"END:V", b"END:X"),
    ):
        with pytest.raises(Refused) as refusal:
            read(data)
        assert refusal.value.code == "unreadable"
    for data, limits, code in ((b" \r\n", Limits(), "empty"), (whole, Limits(max_objects=5), "bomb")):
        with pytest.raises(Refused) as refusal:
            read(data, limits)
        assert refusal.value.code == code
    with pytest.raises(Refused) as refusal:
        read(whole, Limits(max_output=50))
    assert refusal.value.code == "output-too-large"


def test_words_can_be_searched() -> None:
    assert calendar.text(from_ics(event(ENTRY)).data, Limits()).startswith("会議, 打合せ; 二\n行\n")
    assert "霞ヶ浜市 市民課" in vcard.text(from_vcf(card(CONTACT)).data, Limits())
    assert calendar.thumbnail(b"", Limits()) is None
    assert vcard.thumbnail(b"", Limits()) is None


@given(st.text(max_size=300))
def test_folding_keeps_a_line_and_its_width(text: str) -> None:
    line = "".join(char for char in text if char not in "\r\n" and not 0xD800 <= ord(char) < 0xE000)
    physical = folded(f"NOTE:{line}").encode().split(b"\r\n")
    assert physical.pop() == b""
    assert all(len(part) <= 75 for part in physical)
    assert b"".join([physical[0], *(part[1:] for part in physical[1:])]).decode() == f"NOTE:{line}"


@given(st.text(max_size=100))
def test_text_is_read_as_it_was_written(text: str) -> None:
    plain = "".join(char for char in text if char not in "\r\t")
    assert texts(escaped(plain)) == [plain]
    assert texts(f"{escaped(plain)};b", ";")[-1] == "b"


PIECES = [
    "BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VALARM", "END:VALARM", "BEGIN:VCARD",
    "END:VCARD", "VERSION:2.1", "VERSION:4.0", "SUMMARY:a;b,c\\", "ACTION:DISPLAY", "N;ENCODING=QUOTED-PRINTABLE:=E3=",
    "TEL;HOME:1", 'CN;X="a', "FN;TYPE=x,\"y:z\":あ", "DTSTART;VALUE=DATE:20260101", " folded", "X-A:1", "GEO:1;2",
    "PHOTO;ENCODING=b:AAAA", "ATTENDEE;CN=a\"b:mailto:a@b.jp", "ORG:a;;b", "NOTE:" + "長" * 60, "\u202e:", "URL:https://a.jp/",
]  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=15), st.booleans())
@example(["FN;TYPE=a\0b:x"], True)
@example(["ATTENDEE;CN=\u2028:mailto:a@b.jp"], False)
def test_any_lines_become_a_file_of_the_grammar_or_are_refused(lines: list[str], as_card: bool) -> None:
    body = "\r\n".join(lines) + "\r\n"
    data = (card(body) if as_card else event(body)).encode("utf-8", "surrogatepass")
    read = from_vcf if as_card else from_ics
    try:
        made = read(data)
    except Refused as refusal:
        assert refusal.code == "unreadable"
        return
    assert read(made.data).data == made.data


CALENDAR = from_ics(HEAD + ZONE + f"BEGIN:VEVENT\r\n{ENTRY}END:VEVENT\r\n" + TAIL).data
CARD = from_vcf(card(CONTACT + f"PHOTO;ENCODING=b:{photo()}\r\n")).data


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("PRIORITY:5", "X-A:1"),
        ("PRIORITY:5", "PRIORITY:high"),
        ("PRIORITY:5", "PRIORITY;X-A=1:5"),
        ("PRIORITY:5", "priority:5"),
        ("PRIORITY:5", "ATTACH;VALUE=BINARY:AAAA"),
        ("PRIORITY:5", "ATTACH:file:///x"),
        ("PRIORITY:5", "URL:javascript:x"),
        ("PRIORITY:5", "SUMMARY:a,b"),
        ("PRIORITY:5", "SUMMARY:a\\x"),
        ("PRIORITY:5", "SUMMARY:a\u202e"),
        ("PRIORITY:5", "SUMMARY:a\x07"),
        ("PRIORITY:5", "SUMMARY:" + "a" * 80),
        ("PRIORITY:5", "PRIORITY:\r\n 5"),
        ("PRIORITY:5", ""),
        ("PRIORITY:5", "PRIORITY:5\r\nBEGIN:X-PART\r\nEND:X-PART"),
        ("PRIORITY:5\r\n", "PRIORITY:5\n"),
        ('CN="佐藤, 花子"', "CN=佐藤, 花子"),
        ('CN="佐藤, 花子"', 'CN="佐藤"'),
        ('CN="佐藤, 花子";ROLE=REQ-PARTICIPANT', 'ROLE=REQ-PARTICIPANT;CN="佐藤, 花子"'),
        ("mailto:sato@example.jp", "https://example.jp/"),
        ("ACTION:DISPLAY", "ACTION:AUDIO"),
        ("ACTION:DISPLAY\r\n", ""),
        ("END:VALARM\r\n", "END:VALARM\r\nPRIORITY:5\r\n"),
        ("FREQ=WEEKLY", "FREQ=WEEKLY;EVIL=1"),
        ("PRODID:-//Sekisho", "PRODID:-//Other"),
        ("VERSION:2.0\r\n", ""),
        ("END:VEVENT\r\n", ""),
        ("END:VCALENDAR\r\n", "END:VCALENDAR\r\nSUMMARY:x\r\n"),
        ("END:VCALENDAR\r\n", ""),
        ("END:VCALENDAR\r\n", "END:VCALENDAR"),
        ("BEGIN:VCALENDAR\r\n", "\ufeffBEGIN:VCALENDAR\r\n"),
        ("BEGIN:VALARM", "BEGIN:VEVENT"),
    ],
)
def test_what_is_not_in_the_grammar_of_calendars_is_a_violation(before: str, after: str) -> None:
    text = CALENDAR.decode()
    assert before in text
    with pytest.raises(Violation):
        verify_calendar(text.replace(before, after, 1).encode(), Limits())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("EMAIL:", "X-EMAIL:"),
        ("EMAIL:", "SOUND:"),
        ("EMAIL:", "KEY:"),
        ("EMAIL:", "EMAIL;X-A=1:"),
        ("EMAIL:", "item1.EMAIL:"),
        ("TYPE=CELL,VOICE", 'TYPE="CELL,VOICE"'),
        ("TYPE=CELL,VOICE", "TYPE=cell"),
        ("VERSION:3.0", "VERSION:2.1"),
        ("VERSION:3.0", "VERSION:4.0"),
        ("https://example.jp/", "file:///x"),
        ("FN:佐藤 花子\r\n", ""),
        ("PHOTO;ENCODING=b;TYPE=PNG:", "PHOTO;ENCODING=b;TYPE=JPEG:"),
        ("PHOTO;ENCODING=b;TYPE=PNG:", "PHOTO;VALUE=URI:"),
        ("PHOTO;ENCODING=b;TYPE=PNG:i", "PHOTO;ENCODING=b;TYPE=PNG:A"),
        ("1980-04-01", "in April"),
        ("END:VCARD\r\n", "END:VCARD\r\nX"),
        ("END:VCARD\r\n", ""),
        ("BEGIN:VCARD\r\n", "BEGIN:VCARD\r\nBEGIN:VCARD\r\n"),
    ],
)
def test_what_is_not_in_the_grammar_of_cards_is_a_violation(before: str, after: str) -> None:
    text = CARD.decode()
    assert before in text
    with pytest.raises(Violation):
        verify_card(text.replace(before, after, 1).encode(), Limits())


@pytest.mark.parametrize(("data", "verify"), [(CALENDAR, verify_calendar), (CARD, verify_card)])
def test_what_is_cut_or_too_much_is_a_violation(data: bytes, verify: object) -> None:
    assert callable(verify)
    for length in range(len(data)):
        with pytest.raises(Violation):
            verify(data[:length], Limits())
    for limits in (Limits(max_objects=3), Limits(max_output=100)):
        with pytest.raises(Violation):
            verify(data, limits)


@pytest.mark.parametrize(("data", "verify"), [(CALENDAR, verify_calendar), (CARD, verify_card)])
def test_changed_files_are_violations_or_harmless(data: bytes, verify: object) -> None:
    assert callable(verify)
    chance = random.Random(11)
    for _ in range(1500):
        changed = bytearray(data)
        changed[chance.randrange(len(changed))] = chance.randrange(256)
        try:
            verify(bytes(changed), Limits())
        except Violation:
            continue
        assert all(line.name and not line.name.startswith("X-") for line in content_lines(changed.decode(), "utf-8"))


def test_every_kind_has_words_in_both_languages() -> None:
    assert all(ja and en and en.isascii() and not ja.isascii() for ja, en in KINDS.values())
