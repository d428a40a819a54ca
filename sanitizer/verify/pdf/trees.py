"""The rules of section 4 that span objects: pages, annotations, form fields, outlines and structure are proper trees.

Each function takes the finished walk, in which every object has its role and every value its shape. So the readers
below (``_number``, ``_numbers``) only ask for what the tables have already promised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sanitizer.verify import Violation
from sanitizer.verify.pdf.values import Dictionary, Reference

if TYPE_CHECKING:
    from sanitizer.verify.pdf.walk import Walk

MAX_OUTLINE_DEPTH = 60
MAX_FIELD_DEPTH = 32
MAX_STRUCTURE_DEPTH = 200
ANNOTATIONS = ("Link", "Markup", "Popup", "Widget")


def check_trees(walk: Walk) -> None:
    """All rules of this module."""
    catalog = walk.objects[walk.document.streams + 1]
    _check_pages(walk, catalog)
    _check_annotations(walk)
    _check_fields(walk, catalog)
    _check_outlines(walk, catalog)
    _check_structure(walk, catalog)


def _number(dictionary: Dictionary, key: bytes) -> int:
    """The object that a reference means; 0 if the key is absent."""
    value = dictionary.get(key)
    return int(value) if isinstance(value, Reference) else 0


def _numbers(dictionary: Dictionary, key: bytes) -> list[int]:
    """The objects that an array refers to; its other elements are left out."""
    value = dictionary.get(key)
    return [int(item) for item in value if isinstance(item, Reference)] if isinstance(value, list) else []


def _with_role(walk: Walk, *roles: str) -> set[int]:
    return {number for number, role in enumerate(walk.roles) if role in roles}


def _check_pages(walk: Walk, catalog: Dictionary) -> None:
    """One Pages object, each page once in it and nowhere else."""
    root = _number(catalog, b"Pages")
    pages = _numbers(walk.objects[root], b"Kids")
    if len(pages) > walk.limits.max_pages:
        raise Violation("too-many-pages")
    if _with_role(walk, "Pages") != {root} or walk.objects[root][b"Count"] != len(pages):
        raise Violation("page-tree")
    if len(set(pages)) != len(pages) or set(pages) != _with_role(walk, "Page"):
        raise Violation("page-tree")


def _check_annotations(walk: Walk) -> None:
    """Every annotation stands on one page, once."""
    placed = [number for page in _with_role(walk, "Page") for number in _numbers(walk.objects[page], b"Annots")]
    if len(set(placed)) != len(placed) or set(placed) != _with_role(walk, *ANNOTATIONS):
        raise Violation("annotation-places")


def _check_fields(walk: Walk, catalog: Dictionary) -> None:
    """Down from Fields every field is met once, by its parent, and signature fields hold no value."""
    form = catalog.get(b"AcroForm")
    if isinstance(form, Reference):
        form = walk.objects[form]
    roots = _numbers(form, b"Fields") if isinstance(form, dict) else []
    met: set[int] = set()
    waiting: list[tuple[int, int, int, object]] = [(number, 0, 1, None) for number in roots]
    while waiting:
        number, parent, depth, inherited = waiting.pop()
        field = walk.objects[number]
        if number in met or _number(field, b"Parent") != parent or depth > MAX_FIELD_DEPTH:
            raise Violation("field-tree", f"object {number}")
        met.add(number)
        kind = field.get(b"FT", inherited)
        _check_signature(field, kind, number)
        waiting += [(kid, number, depth + 1, kind) for kid in _numbers(field, b"Kids")]
    for number in _with_role(walk, "Field", "Widget") - met:
        if walk.roles[number] == "Field" or b"Parent" in walk.objects[number]:
            raise Violation("field-tree", f"object {number}")
        _check_signature(walk.objects[number], walk.objects[number].get(b"FT"), number)


def _check_signature(field: Dictionary, kind: object, number: int) -> None:
    if kind == b"Sig" and (b"V" in field or b"DV" in field):
        raise Violation("signature-value", f"object {number}")


def _check_outlines(walk: Walk, catalog: Dictionary) -> None:
    """Chains of siblings that mirror each other, each under its parent."""
    met: set[int] = set()
    root = _number(catalog, b"Outlines")
    waiting = [(root, 1)] if root else []
    while waiting:
        parent, depth = waiting.pop()
        for child in _siblings(walk, parent, met):
            item = walk.objects[child]
            has_children = b"First" in item
            if (b"Last" in item) != has_children or (b"Count" in item) != has_children or item.get(b"Count") == 0:
                raise Violation("outline-tree", f"object {child}")
            if depth > MAX_OUTLINE_DEPTH:
                raise Violation("outline-tree", f"object {child}")
            if has_children:
                waiting.append((child, depth + 1))
    if _with_role(walk, "OutlineItem") - met or _with_role(walk, "Outlines") - {root}:
        raise Violation("outline-tree")


def _siblings(walk: Walk, parent: int, met: set[int]) -> list[int]:
    """The children of an outline or item, from First to Last."""
    before, child = 0, _number(walk.objects[parent], b"First")
    chain = []
    while child:
        item = walk.objects[child]
        if child in met or _number(item, b"Parent") != parent or _number(item, b"Prev") != before:
            raise Violation("outline-tree", f"object {child}")
        met.add(child)
        chain.append(child)
        before, child = child, _number(item, b"Next")
    if _number(walk.objects[parent], b"Last") != before:
        raise Violation("outline-tree", f"object {parent}")
    return chain


def _check_structure(walk: Walk, catalog: Dictionary) -> None:
    """Down K from the root every element is met once, by its parent."""
    root = _number(catalog, b"StructTreeRoot")
    met: set[int] = set()
    waiting = [(kid, root, 1) for kid in _numbers(walk.objects[root], b"K")]
    while waiting:
        number, parent, depth = waiting.pop()
        element = walk.objects[number]
        if number in met or _number(element, b"P") != parent or depth > MAX_STRUCTURE_DEPTH:
            raise Violation("structure-tree", f"object {number}")
        met.add(number)
        waiting += [(kid, number, depth + 1) for kid in _numbers(element, b"K")]
    if _with_role(walk, "StructElem") - met or _with_role(walk, "StructTreeRoot") - {root}:
        raise Violation("structure-tree")
