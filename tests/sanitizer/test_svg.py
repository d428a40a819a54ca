"""Drawings rebuilt: they show the same, nothing acts, loads or loops; and their reader on its own."""

from __future__ import annotations

import base64
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sanitizer.formats.base import Job, Rebuilt, Refused
from sanitizer.formats.markup import svg
from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.markup.svg import verify

START = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'


def rebuilt(drawing: str | bytes, limits: Limits | None = None) -> Rebuilt:
    data = drawing.encode() if isinstance(drawing, str) else drawing
    made = svg.rebuild(data, Job("image/svg+xml", "rebuild", "a.svg", None, limits or Limits()))
    verify(made.data, Limits())
    return made


def inside(contents: str) -> str:
    """What becomes of the contents of a drawing."""
    text = rebuilt(f"{START}{contents}</svg>").data.decode()
    return text.removeprefix(PROLOG + START).removesuffix("</svg>\n")


def refusal(drawing: str | bytes, limits: Limits | None = None) -> str:
    with pytest.raises(Refused) as refused:
        rebuilt(drawing, limits)
    return refused.value.code


def picture() -> str:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((20, 10)).save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def test_a_plain_drawing_shows_the_same() -> None:
    contents = (
        '<defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient></defs>'
        '<rect fill="url(#g)" height="120" width="200"/><path d="M 1,2 L 3 4 z" id="形" '
        'transform="rotate(5) scale(2 2)"/>'
        '<text font-family="\'MS Gothic\',serif" x="10">庁舎 <tspan>案内</tspan> 4</text>'
        '<a xlink:href="https://example.lg.jp/"><circle cx="150" r="2.5e1"/></a><use x="5" xlink:href="#形"/>'
    )
    made = rebuilt(f"{START}{contents}</svg>")
    assert (made.data.decode(), made.removed, made.changed) == (f"{PROLOG}{START}{contents}</svg>\n", [], [])
    assert rebuilt(made.data).data == made.data


def test_prefixes_plain_href_and_blanks_have_one_form() -> None:
    drawing = (
        '<s:svg xmlns:s="http://www.w3.org/2000/svg" viewBox=" 0 0\n 9  9 ">\n <s:g style=" FILL : Red ; ">'
        '<s:rect id="r"/></s:g> <s:use href="#r"/></s:svg>'
    )
    assert rebuilt(drawing).data.decode() == (
        f'{PROLOG}<svg viewBox="0 0 9 9" {START[5:-1]}><g style="fill:red"><rect id="r"/></g>'
        '<use xlink:href="#r"/></svg>\n'
    )


def test_style_sheets_are_applied_and_go() -> None:
    made = inside(
        "<style>.a{fill:#ABC;stroke:rgb(100%, 0%, 50%)} #x{fill:blue} g .b, rect{opacity:.5} .h{display:none}"
        "circle{stroke-width:1e-2!important}</style>"
        '<rect class="a" id="x"/><g><circle class="b" style="stroke-width:5"/></g><circle class="b"/>'
        '<g class="h">SECRET</g>'
    )
    assert made == (
        '<rect id="x" style="fill:blue;opacity:.5;stroke:rgb(255,0,128)"/>'
        '<g><circle style="opacity:.5;stroke-width:5"/></g><circle style="stroke-width:0.01"/>'
    )


@pytest.mark.parametrize(
    ("contents", "kind"),
    [
        ("<script>SECRET</script>", "javascript"),
        ('<script xlink:href="//evil.example/SECRET"/>', "javascript"),
        ('<x:script xmlns:x="http://www.w3.org/1999/xhtml">SECRET</x:script>', "javascript"),
        ('<handler xmlns:ev="http://www.w3.org/2001/xml-events" ev:event="SECRET">SECRET</handler>', "javascript"),
        ('<g onload="SECRET"/>', "event-handler"),
        ('<g ONCLICK="SECRET"/>', "event-handler"),
        ("<foreignObject>SECRET</foreignObject>", "embedded-object"),
        ('<animate attributeName="href" values="SECRET"/>', "animation"),
        ('<set attributeName="onclick" to="SECRET"/>', "animation"),
        ('<image xlink:href="http://evil.example/SECRET"/>', "remote-load"),
        ('<image href="file:///SECRET"/>', "remote-load"),
        ('<image href="data:image/svg+xml,SECRET"/>', "image"),
        ('<use href="http://evil.example/SECRET#a"/>', "external-reference"),
        ('<use href="data:image/svg+xml,SECRET#a"/>', "external-reference"),
        ('<feImage href="SECRET"/>', "external-reference"),
        ('<a href="java&#9;script:SECRET"><text>x</text></a>', "javascript"),
        ('<a href="data:text/html,SECRET"/>', "link-target"),
        ('<a href="SECRET.html"/>', "link-target"),
        ('<rect fill="url(http://evil.example/SECRET#g)"/>', "external-reference"),
        ('<rect style="fill:url(//evil.example/SECRET)"/>', "external-reference"),
        ('<rect style="width:expression(SECRET)"/>', "style"),
        ("<style>@import url(http://evil.example/SECRET);</style>", "remote-load"),
        ("<style>rect{fill:url(http://evil.example/SECRET)}</style>", "remote-load"),
        ("<metadata>SECRET</metadata>", "document-info"),
        ('<x:view xmlns:x="urn:editor">SECRET</x:view>', "document-info"),
        ("<!-- SECRET -->", "comment"),
        ('<?xml-stylesheet href="SECRET"?>', "external-reference"),
        ('<g display="none"><text>SECRET</text></g>', "hidden-content"),
        ('<text style="visibility:hidden">SECRET</text>', "hidden-content"),
        ("<unheard>SECRET</unheard>", "unknown-element"),
        ('<g id="a"><use href="#a"/></g>', "reference-loop"),
        ('<use href="#b"/><g id="c"><use id="b" href="#c"/></g>', "reference-loop"),
        ('<g id="c"><use id="a" href="#a"/><use id="b" href="#c"/></g>', "reference-loop"),
        ("<text>&#x202e;x</text>", "bidi-controls"),
    ],
)
def test_what_acts_loads_or_hides_goes_and_is_counted(contents: str, kind: str) -> None:
    made = rebuilt(f'{START}<circle r="1"/>{contents}</svg>')
    assert kind in {change.kind for change in made.removed}
    assert b"SECRET" not in made.data and b"evil" not in made.data
    assert b'<circle r="1"/>' in made.data


def test_document_types_and_entities_go() -> None:
    drawing = (
        '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "z">]>' + START + "<text>&x;a&y;</text></svg>"
    )
    made = rebuilt(drawing)
    assert made.data.decode() == f"{PROLOG}{START}<text>a</text></svg>\n"
    assert {change.kind: change.count for change in made.removed} == {"entity": 2, "external-reference": 2}


def test_entities_that_grow_are_refused() -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    drawing = f'<!DOCTYPE svg [<!ENTITY a0 "lollollol">{entities}]>{START[:-1]} id="&a8;"/>'
    assert refusal(drawing) in ("bomb", "unreadable")


def test_pictures_inside_are_rebuilt() -> None:
    assert inside(f'<image href="{picture()}" width="9"/>').startswith(
        '<image width="9" xlink:href="data:image/png;base64,'
    )


def test_references_to_nothing_go_without_a_word() -> None:
    assert inside('<use href="#no"/><use id="u" href="#u"/><use href="#u"/><rect fill="url(#no)"/>') == (
        '<g/><g id="u"/><use xlink:href="#u"/><rect/>'
    )


def test_the_same_name_twice_is_kept_once() -> None:
    assert inside('<rect id="a"/><circle id="a"/>') == '<rect id="a"/><circle/>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "shift_jis", "euc-jp"])
def test_japanese_is_read_in_every_encoding(encoding: str) -> None:
    data = f'<?xml version="1.0" encoding="{encoding}"?>{START}<text>表示と能力</text></svg>'.encode(encoding)
    made = rebuilt(data)
    assert "<text>表示と能力</text>" in made.data.decode()
    assert [change.kind for change in made.changed] == ([] if encoding == "utf-8" else ["encoding"])


def test_corrupted_drawings_are_refused() -> None:
    whole = f'{START}<g><rect width="9"/></g></svg>'
    assert refusal(whole[: len(whole) // 2]) == "unreadable"
    assert refusal("") == "unreadable"
    assert refusal("<html/>") == "unreadable"
    assert refusal(START + "<g>" * 300 + "</g>" * 300 + "</svg>") == "too-deep"
    assert refusal(START + "<g/>" * 200 + "</svg>", Limits(max_objects=100)) == "bomb"


def test_references_that_multiply_or_chain_are_refused() -> None:
    tens = "".join(f'<g id="a{n}">' + f'<use href="#a{n - 1}"/>' * 10 + "</g>" for n in range(1, 9))
    assert refusal(f'{START}<g id="a0"/>{tens}</svg>') == "bomb"
    chain = "".join(f'<g id="a{n}"><use href="#a{n - 1}"/></g>' for n in range(1, 300))
    assert refusal(f'{START}<g id="a0"/>{chain}</svg>') == "too-deep"
    patterns = "".join(
        f'<pattern id="p{n}">' + f'<rect fill="url(#p{n - 1})"/>' * 10 + "</pattern>" for n in range(1, 9)
    )
    assert refusal(f'{START}<pattern id="p0"/>{patterns}</svg>') == "bomb"


def test_words_can_be_searched() -> None:
    data = rebuilt(f"{START}<title>題</title><text>庁舎<tspan>案内</tspan></text></svg>").data
    assert svg.text(data, Limits()) == "題\n庁舎案内"
    assert svg.thumbnail(data, Limits()) is None


NAMES = st.sampled_from(["a", "b", "c", "d"])
LEAVES = st.builds(
    lambda name, key, value: f'<{name} id="{key}" {value}/>',
    st.sampled_from(["use", "rect", "g", "image", "pattern", "textPath", "linearGradient", "style", "a"]),
    NAMES,
    st.one_of(
        NAMES.map('href="#{}"'.format),
        NAMES.map('style="fill:url(#{});mask:url(#b)"'.format),
        st.sampled_from(['d="M1e5 .5-3z"', 'points="1,2 3"', 'transform="rotate(1)x"', 'x=" 1  2 "',
        'clip-path="url(#a)"']),
    ),
)  # fmt: skip
TREES = st.recursive(
    LEAVES | st.text("a<&\u202e 表", max_size=4).map(lambda text: text.replace("&", "&amp;").replace("<", "&lt;")),
    lambda inner: st.builds(
        lambda name, key, parts: f'<{name} id="{key}">{"".join(parts)}</{name}>',
        st.sampled_from(["g", "text", "switch", "mask", "defs", "tspan", "unheard"]),
        NAMES,
        st.lists(inner, max_size=4),
    ),
    max_leaves=15,
)


@settings(deadline=None, max_examples=300)
@given(st.lists(TREES, max_size=5))
def test_any_drawing_becomes_one_of_the_grammar_and_stays_so(parts: list[str]) -> None:
    made = rebuilt(f"{START}{''.join(parts)}</svg>")
    again = rebuilt(made.data)
    assert again.data == made.data


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_any_bytes_are_refused_or_rebuilt(data: bytes) -> None:
    for start, end in (("", ""), (START, "</svg>"), (f"{START}<g ", "/></svg>")):
        try:
            rebuilt(start.encode() + data + end.encode())
        except Refused as refused:
            assert refused.code in ("unreadable", "bomb")


DRAWING = rebuilt(
    f'{START}<defs><linearGradient id="g"/></defs><g style="fill:red"><rect fill="url(#g)" width="9"/></g>'
    f'<text x="1">表<tspan>b</tspan></text><path d="M1 2z"/><use href="#g"/><a href="https://example.jp/"/>'
    f'<image href="{picture()}"/></svg>'
).data


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<path ", "<script/><path "),
        ("<path ", "<foreignObject/><path "),
        ("<path ", "<animate/><path "),
        ("<path ", "<!-- c --><path "),
        ("<path ", "text<path "),
        ("<path ", "\n<path "),
        ("<path ", '<path onclick="x" '),
        ('d="M1 2z"', 'd="M1 2z" href="#g"'),
        ('d="M1 2z"', 'd="M1 2z "'),
        ('d="M1 2z"', 'd="M1  2z"'),
        ('d="M1 2z"', 'd="M1&#32;2z"'),
        ('d="M1 2z"', "d='M1 2z'"),
        ('d="M1 2z"', 'd="M1 2z" class="a"'),
        ('d="M1 2z"', 'd="M1 2z" transform="evil(1)"'),
        ('d="M1 2z"/>', 'd="M1 2z"></path>'),
        ('width="9"', 'width="9" xmlns="http://www.w3.org/1999/xhtml"'),
        ('width="9"', 'id="g" width="9"'),
        ("url(#g)", "url(#no)"),
        ("url(#g)", "url(http://example.jp/#g)"),
        ("fill:red", "fill:red;behavior:url(x)"),
        ("fill:red", "display:none"),
        ("fill:red", ""),
        ('xlink:href="#g"', 'xlink:href="http://example.jp/#g"'),
        ('xlink:href="#g"', 'xlink:href="#no"'),
        ('xlink:href="#g"', 'x="1"'),
        ("https://example.jp/", "javascript:x"),
        ("data:image/png", "data:image/svg+xml"),
        ('<linearGradient id="g"/>', '<linearGradient id="g"><use xlink:href="#g"/></linearGradient>'),
        ('<linearGradient id="g"/>', '<pattern id="g"><rect mask="url(#g)"/></pattern>'),
        ("</tspan></text>", "</text></tspan>"),
        (PROLOG, PROLOG + "<!DOCTYPE svg>"),
        (PROLOG, PROLOG + '<?xml-stylesheet href="x"?>'),
        (PROLOG, ""),
        ("</svg>\n", "</svg>\n\n"),
        ("</svg>\n", "</svg>"),
        ('xmlns="http://www.w3.org/2000/svg" ', ""),
        ("表", "&nbsp;"),
        ("表", "\u202e"),
    ],
)
def test_what_is_not_in_the_grammar_is_a_violation(before: str, after: str) -> None:
    drawing = DRAWING.decode()
    assert before in drawing
    with pytest.raises(Violation):
        verify(drawing.replace(before, after, 1).encode(), Limits())


def test_what_is_cut_too_deep_or_too_much_is_a_violation() -> None:
    for length in range(0, len(DRAWING), 5):
        with pytest.raises(Violation):
            verify(DRAWING[:length], Limits())
    tens = "".join(f'<g id="a{n}">' + f'<use xlink:href="#a{n - 1}"/>' * 10 + "</g>" for n in range(1, 9))
    chain = "".join(f'<g id="a{n}"><use xlink:href="#a{n - 1}"/></g>' for n in range(1, 300))
    for contents in ("<g>" * 202 + "</g>" * 202, f'<g id="a0"/>{tens}', f'<g id="a0"/>{chain}'):
        with pytest.raises(Violation):
            verify(f"{PROLOG}{START}{contents}</svg>\n".encode(), Limits())
    for limits in (Limits(max_objects=3), Limits(max_pixels=10), Limits(max_output=100)):
        with pytest.raises(Violation):
            verify(DRAWING, limits)


def test_changed_drawings_are_violations_or_harmless() -> None:
    chance = random.Random(5)
    for _ in range(2000):
        changed = bytearray(DRAWING)
        changed[chance.randrange(len(changed))] = chance.randrange(256)
        try:
            verify(bytes(changed), Limits())
        except Violation:
            continue
        again = svg.rebuild(bytes(changed), Job("image/svg+xml", "rebuild", "a.svg", None, Limits()))
        assert not {change.kind for change in again.removed} & {
            "javascript",
            "event-handler",
            "remote-load",
            "animation",
        }
