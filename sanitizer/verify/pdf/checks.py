"""What the tables of section 4 cannot say about one dictionary, and which rule of section 5 a stream's data obeys."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from sanitizer.verify import Violation
from sanitizer.verify.pdf import content, fonts, functions, images
from sanitizer.verify.pdf.values import Dictionary

if TYPE_CHECKING:
    from sanitizer.verify.pdf.walk import Walk

Check = Callable[["Walk", int, Dictionary], None]


def _at_most_one(*keys: bytes) -> Check:
    def check(walk: Walk, number: int, dictionary: Dictionary) -> None:
        if sum(key in dictionary for key in keys) > 1:
            raise Violation("exclusive-keys", f"object {number}")

    return check


def _ascending(walk: Walk, number: int, dictionary: Dictionary) -> None:
    """A number tree: the keys at the even places ascend strictly."""
    pairs = dictionary[b"Nums"]
    keys = pairs[0::2] if isinstance(pairs, list) else []
    if any(low >= high for low, high in pairwise(keys)):
        raise Violation("number-tree-order", f"object {number}")


def _raw(walk: Walk, number: int, dictionary: Dictionary) -> None:
    """Any bytes, but if they are compressed they must inflate."""
    if b"Filter" in dictionary:
        walk.inflater.measure(walk.document.data[number])


def _font_file_3(walk: Walk, number: int, dictionary: Dictionary) -> None:
    check = fonts.check_sfnt if dictionary[b"Subtype"] == b"OpenType" else fonts.check_cff
    check(walk.data(number), number)


def _function(walk: Walk, number: int, dictionary: Dictionary) -> None:
    if dictionary[b"FunctionType"] == 0:
        _raw(walk, number, dictionary)
    else:
        functions.check_calculator(walk.data(number), number)


CHECKS: dict[str, Check] = {
    "PageLabels": _ascending,
    "ParentTree": _ascending,
    "OutlineItem": _at_most_one(b"A", b"Dest"),
    "Link": _at_most_one(b"A", b"Dest"),
    "FontDescriptor": _at_most_one(b"FontFile", b"FontFile2", b"FontFile3"),
    "Image": images.check_dictionary,
    "MaskImage": images.check_dictionary,
}


def _content(walk: Walk, number: int, dictionary: Dictionary) -> None:
    content.check(walk.data(number), walk, number)


DATA: dict[str, Check] = {
    "Content": _content,
    "Form": _content,
    "Tiling": _content,
    "Image": images.check_data,
    "MaskImage": images.check_data,
    "ShadingMesh": _raw,
    "FunctionStream": _function,
    "ICC": lambda walk, number, dictionary: functions.check_icc(walk.data(number), dictionary, number),
    "Lookup": _raw,
    "FontFile": lambda walk, number, dictionary: fonts.check_type1(walk.data(number), dictionary, number),
    "FontFile2": lambda walk, number, dictionary: fonts.check_truetype(walk.data(number), dictionary, number),
    "FontFile3": _font_file_3,
    "ToUnicode": lambda walk, number, dictionary: fonts.check_to_unicode(walk.data(number), number),
    "CMap": lambda walk, number, dictionary: fonts.check_cmap(walk.data(number), dictionary, number),
}
