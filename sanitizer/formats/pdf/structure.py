"""Logical structure (ISO 32000-1, 14.7 and 14.8): the tags that make a document readable aloud.

Rules kept here:

- The tree is walked from the root; an element met twice, or deeper than 200, is left out.
- It is written after everything else: it refers to pages, annotations and forms, and makes none.
- Roles lead to standard types; attributes other than a few for tables and lists go, as do identifiers and titles.

>>> "Table" in STANDARD
True
"""

from __future__ import annotations

from sanitizer.formats.pdf.annotations import text
from sanitizer.formats.pdf.build import Builder, dictionary, table
from sanitizer.formats.pdf.outlines import number_tree
from sanitizer.formats.pdf.rules import integer, names, of
from sanitizer.formats.pdf.values import (
    Value,
    is_name,
    is_ref,
    name_bytes,
    ref,
    spell_lang,
    spell_name,
    spell_name_bytes,
)

DEEPEST = 200
_WORDS = """
Document DocumentFragment Part Art Sect Div Aside BlockQuote Caption TOC TOCI Index NonStruct Private Title FENote
P H H1 H2 H3 H4 H5 H6 H7 H8 H9 Sub L LI Lbl LBody Table TR TH TD THead TBody TFoot Span Quote Note Reference BibEntry
Code Link Annot Em Strong Ruby RB RT RP Warichu WT WP Figure Formula Form Artifact
"""
STANDARD = frozenset(_WORDS.split())  # ISO 32000-1, 14.8.4, and those that ISO 32000-2 adds
ELEMENT = table("StructElem", Alt=text, ActualText=text, E=text, Lang=of(spell_lang))
ATTRIBUTES = table(
    "Attributes",
    O=names("Table List"),
    RowSpan=integer(1),
    ColSpan=integer(1),
    Scope=names("Row Column Both"),
    Summary=text,
    ListNumbering=names("None Disc Circle Square Decimal UpperRoman LowerRoman UpperAlpha LowerAlpha"),
)


class Structure:
    """The structure tree of one file."""

    def __init__(self, b: Builder) -> None:
        self._b = b
        self._elements: dict[str, int] = {}
        root = b.source.get(b.source.root, "/StructTreeRoot")
        self._root: dict[str, Value] = root if type(root) is dict else {}

    def present(self) -> bool:
        """Whether there is a tree."""
        return self._root.get("/K") is not None

    def write(self) -> bytes | None:
        """A reference to the StructTreeRoot, or None."""
        b = self._b
        n = b.new()
        kids = self._walk(n)
        if not kids:
            return None
        entries = [b"/Type /StructTreeRoot", b"/K [" + b" ".join(kids) + b"]"]
        tree, roles = self._parent_tree(), self._roles()
        if tree:
            entries.append(b"/ParentTree <</Nums [" + b" ".join(tree) + b"]>>")
        following = integer(0)(self._root.get("/ParentTreeNextKey"), b)
        entries += [b"/ParentTreeNextKey " + following] if following else []
        entries += [b"/RoleMap " + dictionary(roles)] if roles else []
        b.put(n, dictionary(entries))
        return ref(n)

    def _walk(self, root: int) -> list[bytes]:
        """Writes the elements, top down without recursion; the kids of the root."""
        top: list[bytes] = []
        todo: list[tuple[dict[str, Value], int, int, int]] = []  # (source, number, parent, depth)
        for v in self._b.source.items(self._root.get("/K")):
            found = self._enter(v, root, 1)
            if found:
                todo.append(found)
                top.append(ref(found[1]))
        while todo:
            d, n, parent, depth = todo.pop()
            kids = []
            for v in self._b.source.items(d.get("/K")):
                found = self._enter(v, n, depth + 1)
                if found:
                    todo.append(found)
                spelled = ref(found[1]) if found else self._content(v)
                kids += [spelled] if spelled else []
            self._b.put(n, self._element(d, parent, kids))
        return top

    def _enter(self, v: Value, parent: int, depth: int) -> tuple[dict[str, Value], int, int, int] | None:
        """The element ``v``, if it is one that was not met before."""
        d = self._b.source.resolve(v)
        if type(d) is not dict or not is_name(self._b.source.get(d, "/S")) or depth > DEEPEST:
            return None
        if spell_name(self._b.source.get(d, "/S")) is None or (is_ref(v) and v in self._elements):
            return None
        n = self._b.new()
        if is_ref(v):
            self._elements[v] = n
        return d, n, parent, depth

    def _content(self, v: Value) -> bytes | None:
        """A marked-content identifier, a reference to marked content or to an object."""
        b = self._b
        d = b.source.resolve(v)
        if type(d) is int:
            return b"%d" % d if 0 <= d < 2**31 else None
        kind = b.source.get(d, "/Type")
        if type(d) is not dict or kind not in ("/MCR", "/OBJR"):
            return None
        entries = [b"/Type " + kind.encode(), *self._page(d)]
        if kind == "/OBJR":
            return self._object(d, entries)
        mcid = integer(0)(d.get("/MCID"), b)
        stream = d.get("/Stm")
        form = b.remembered("Form", stream) if is_ref(stream) else None
        if mcid is None or (stream is not None and form is None):
            return None
        entries += [b"/Stm " + ref(form)] if form is not None else []
        return dictionary([*entries, b"/MCID " + mcid])

    def _object(self, d: dict[str, Value], entries: list[bytes]) -> bytes | None:
        target = d.get("/Obj")
        n = self._b.annotations.get(target) if is_ref(target) else None
        if n is None or self._b.annotation_types[n] == "Popup":
            return None
        return dictionary([*entries, b"/Obj " + ref(n)])

    def _page(self, d: dict[str, Value]) -> list[bytes]:
        page = d.get("/Pg")
        n = self._b.pages.get(page) if is_ref(page) else None
        return [] if n is None else [b"/Pg " + ref(n)]

    def _element(self, d: dict[str, Value], parent: int, kids: list[bytes]) -> bytes:
        b = self._b
        entries = [b"/S " + (spell_name(b.source.get(d, "/S")) or b"/Span"), b"/P " + ref(parent), *self._page(d)]
        entries += [b"/K [" + b" ".join(kids) + b"]"] if kids else []
        attributes = [x for v in b.source.items(d.get("/A")) if (x := self._attributes(v))]
        entries += [b"/A [" + b" ".join(attributes) + b"]"] if attributes else []
        return b.body(ELEMENT, d, entries)

    def _attributes(self, v: Value) -> bytes | None:
        d = self._b.source.resolve(v)
        if type(d) is not dict or self._b.source.get(d, "/O") not in ("/Table", "/List"):
            return None
        return self._b.body(ATTRIBUTES, d)

    def _parent_tree(self) -> list[bytes]:
        out = []
        for key, v in number_tree(self._b, self._root.get("/ParentTree")):
            spelled = self._parents(v)
            if spelled:
                out.append(b"%d %b" % (key, spelled))
        return out

    def _parents(self, v: Value) -> bytes | None:
        n = self._elements.get(v) if is_ref(v) else None
        if n is not None:
            return ref(n)
        listed = self._b.source.resolve(v)
        if type(listed) is not list:
            return None
        found = [self._elements.get(x) if is_ref(x) else None for x in listed]
        return b"[" + b" ".join([b"null" if n is None else ref(n) for n in found]) + b"]"

    def _roles(self) -> list[bytes]:
        given = self._b.source.get(self._root, "/RoleMap")
        if type(given) is not dict:
            return []
        out: dict[bytes, bytes] = {}
        for key in given:
            spelled = spell_name_bytes(name_bytes(key)) if is_name(key) else None
            role = self._standard(given, key)
            if spelled and role:
                out.setdefault(spelled, role)
        return [k + b" " + v for k, v in out.items()]

    def _standard(self, given: dict[str, Value], key: str) -> bytes | None:
        for _ in range(8):
            role = self._b.source.resolve(given.get(key))
            if not is_name(role):
                return None
            if role[1:] in STANDARD:
                return role.encode()
            key = role
        return None
