"""Fields of text documents (§6 of the grammar): instructions that only show, each whole in one piece.

>>> is_instruction(" PAGE \\\\* MERGEFORMAT "), is_instruction(' HYPERLINK "https://example.jp/" \\\\o "Go" ')
(True, True)
>>> is_instruction(" DDEAUTO c:\\\\cmd.exe "), is_instruction(" INCLUDETEXT x ")
(False, False)
"""

from __future__ import annotations

import re

from sanitizer.verify.ooxml.checks import decoded, demand
from sanitizer.verify.ooxml.links import is_link
from sanitizer.verify.ooxml.table import TABLE

MAX_LENGTH = 4_096
_QUOTED = r'"[^"\\]*"'
_TOKEN = re.compile(rf'\\[A-Za-z*@#!&]{{1,2}}|{_QUOTED}|[^ "\\]+')
_REST = rf"(?: (?:{_TOKEN.pattern}))*"
_NAMES = "|".join(sorted(TABLE.words["field"] - {"EQ", "HYPERLINK"}, key=len, reverse=True))
_BODY = re.compile(
    rf"(?:{_NAMES}){_REST}|HYPERLINK{_REST}|EQ [^\"]*(?:{_QUOTED}[^\"]*)*"
    rf"|=[\w .,:;+\-*/^()%<>=]*[\w.,:;+\-*/^()%<>=]{_REST}"
)
_WRITTEN = re.compile(r"[^\x00-\x1f\x7f<>{}|]*")
_NEVER = re.compile(rf"(?:^| )(?:{'|'.join(sorted(TABLE.words['field-never']))})(?!\w)", re.IGNORECASE)
_WITH_OPERAND = ("\\l", "\\o", "\\s")
_LINK_SWITCHES = re.compile(r"\\[^mntMNT]")

_STORIES = {"w:txbxContent", "w:footnote", "w:endnote", "w:comment"}
_CONTENT = TABLE.types["w:CT_R"].children.keys() - {"w:rPr", "w:lastRenderedPageBreak"}
_READ = sorted(_STORIES | _CONTENT | {"w:fldSimple", "m:oMath", "m:oMathPara"})
_PIECES = re.compile(rb"<(/?)(%b)(?=[ />])([^<>]*?)(/?)>([^<]*)" % "|".join(_READ).encode())
_STEP = re.compile(rb' w:fldCharType="([a-z]+)"')
BEGUN, INSTRUCTED, SEPARATED = range(3)


def is_instruction(written: str) -> bool:
    """Whether ``written`` is a whole instruction of an allowed field."""
    body = written[1:-1]
    if not (2 < len(written) <= MAX_LENGTH and written == f" {body} " and body == body.strip(" ")):
        return False
    if not (_WRITTEN.fullmatch(body) and _BODY.fullmatch(body)) or _NEVER.search(re.sub(_QUOTED, "", body)):
        return False
    if body.split(" ", 1)[0] == "HYPERLINK":
        return _is_hyperlink(_TOKEN.findall(body)[1:])
    return "://" not in body


def _is_hyperlink(tokens: list[str]) -> bool:
    """Switches that stay in the document, quoted operands, at most one target, which is a link."""
    targets, before = 0, ""
    for token in tokens:
        if token[0] == "\\":
            if _LINK_SWITCHES.fullmatch(token) is None:
                return False
        elif token[0] != '"':
            return False
        elif before.lower() in _WITH_OPERAND:
            if "://" in token:
                return False
        else:
            targets += 1
            if targets > 1 or not is_link(token[1:-1]):
                return False
        before = token
    return True


class _Story:
    """The fields that are open in one story, each with how far it has come."""

    def __init__(self, where: str) -> None:
        self.open: list[int] = []
        self.where = where

    def read(self, name: bytes, attributes: bytes, text: bytes) -> None:
        if name == b"w:fldChar":
            found = _STEP.search(attributes)
            self.step(found[1] if found else b"")
        elif name == b"w:instrText":
            demand(self.open and self.open[-1] == BEGUN, "field-order", self.where)
            demand(is_instruction(decoded(text.decode())), "instruction", self.where)
            self.open[-1] = INSTRUCTED
        else:
            demand(not self.open or self.open[-1] == SEPARATED, "field-order", self.where)

    def step(self, step: bytes) -> None:
        demand(step in (b"begin", b"separate", b"end"), "field-order", self.where)
        if step == b"begin":
            demand(not self.open or self.open[-1] == SEPARATED, "field-order", self.where)
            self.open.append(BEGUN)
        elif step == b"separate":
            demand(self.open and self.open[-1] == INSTRUCTED, "field-order", self.where)
            self.open[-1] = SEPARATED
        else:
            demand(self.open and self.open.pop() != BEGUN, "field-order", self.where)

    def finish(self) -> None:
        demand(not self.open, "field-open", self.where)


def check_fields(content: bytes, where: str) -> None:
    """The fields of a part whose markup has been checked already."""
    if b"<w:fldChar" not in content and b"<w:instrText" not in content:
        return
    stories = [_Story(where)]
    for end, name, attributes, empty, text in _PIECES.findall(content):
        if name.decode() in _STORIES:
            if end:
                stories.pop().finish()
            elif not empty:
                stories.append(_Story(where))
        elif not end:
            stories[-1].read(name, attributes, text)
    stories[0].finish()
