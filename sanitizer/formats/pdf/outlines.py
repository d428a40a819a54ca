"""Outlines and page labels (ISO 32000-1, 12.3.3 and 12.4.2), rebuilt as a sound tree and one flat list.

Rules kept here:

- An item met twice ends its chain, so loops end; depth and number are bounded.
- Prev, Next, First, Last, Parent and Count are computed, never copied.

>>> DEEPEST
60
"""

from __future__ import annotations

from sanitizer.formats.pdf.annotations import link_target, text
from sanitizer.formats.pdf.build import Builder, table
from sanitizer.formats.pdf.rules import direct_body, integer, names, numbers
from sanitizer.formats.pdf.values import Value, is_ref, ref

DEEPEST = 60
MAX_ITEMS = 100_000
ITEM = table("OutlineItem", Title=text, C=numbers(3, 3), F=integer(0, 3), defaults={"Title": "()"})
LABEL = table("PageLabel", S=names("D R r A a"), P=text, St=integer(1))


class Outline:
    """The outline of one file."""

    def __init__(self, b: Builder) -> None:
        self._b = b
        self._seen: set[str] = set()

    def write(self) -> bytes | None:
        """A reference to the Outlines dictionary, or None where there are no items."""
        root = self._b.source.get(self._b.source.root, "/Outlines")
        if type(root) is not dict:
            return None
        n = self._b.new()
        children, visible = self._children(root.get("/First"), n, 1)
        if not children:
            return None
        count = b"/Count %d " % visible
        self._b.put(n, b"<<%b/First %b /Last %b /Type /Outlines>>" % (count, ref(children[0]), ref(children[-1])))
        return ref(n)

    def _chain(self, v: Value) -> list[tuple[int, dict[str, Value]]]:
        out = []
        while is_ref(v) and v not in self._seen and len(self._seen) < MAX_ITEMS:
            self._seen.add(v)
            d = self._b.source.resolve(v)
            if type(d) is not dict:
                break
            out.append((self._b.new(), d))
            v = d.get("/Next")
        return out

    def _children(self, first: Value, parent: int, depth: int) -> tuple[list[int], int]:
        """(the new items, how many lines they take when shown)"""
        chain = self._chain(first) if depth <= DEEPEST else []
        numbers_ = [n for n, _ in chain]
        visible = 0
        for i, (n, d) in enumerate(chain):
            entries = [b"/Parent " + ref(parent)]
            entries += [b"/Prev " + ref(numbers_[i - 1])] if i else []
            entries += [b"/Next " + ref(numbers_[i + 1])] if i + 1 < len(chain) else []
            visible += 1 + self._descend(n, d, depth, entries)
            self._b.put(n, self._b.body(ITEM, d, entries + link_target(d, self._b)))
        return numbers_, visible

    def _descend(self, n: int, d: dict[str, Value], depth: int, entries: list[bytes]) -> int:
        """Adds First, Last and Count; how many lines the children take now."""
        children, lines = self._children(d.get("/First"), n, depth + 1)
        if not children:
            return 0
        count = self._b.source.get(d, "/Count")
        is_open = type(count) is int and count > 0
        entries += [b"/First " + ref(children[0]), b"/Last " + ref(children[-1])]
        entries.append(b"/Count %d" % (lines if is_open else -lines))
        return lines if is_open else 0


def number_tree(b: Builder, v: Value) -> list[tuple[int, Value]]:
    """The (key, value) pairs of a number tree (7.9.7), by key; the first of equal keys counts."""
    out: dict[int, Value] = {}
    seen: set[str] = set()
    todo: list[tuple[Value, int]] = [(v, 0)]
    while todo:
        node, depth = todo.pop()
        if depth > 30 or (is_ref(node) and node in seen):
            continue
        if is_ref(node):
            seen.add(node)
        d = b.source.resolve(node)
        if type(d) is not dict:
            continue
        pairs = b.source.items(d.get("/Nums"))
        for key, value in zip(pairs[::2], pairs[1::2], strict=False):
            k = b.source.resolve(key)
            if type(k) is int and 0 <= k < 2**31:
                out.setdefault(k, value)
        todo += [(x, depth + 1) for x in b.source.items(d.get("/Kids"))]
    return sorted(out.items(), key=lambda pair: pair[0])


def page_labels(v: Value, b: Builder) -> bytes | None:
    """PageLabels"""
    entries = []
    for key, value in number_tree(b, v):
        label = direct_body(LABEL, b.source.resolve(value), b)
        if label is not None:
            entries.append(b"%d %b" % (key, label))
    return b"<</Nums [" + b" ".join(entries) + b"]>>" if entries else None
