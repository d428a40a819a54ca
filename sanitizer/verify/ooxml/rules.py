"""Rules for single elements (§5 of the grammar) that the table cannot say.

>>> check_element("w:footerReference", TABLE.types["w:CT_HdrFtrRef"], {}, empty=True)
Traceback (most recent call last):
sanitizer.verify.Violation: ('reference-missing', '')
"""

from __future__ import annotations

import re

from sanitizer.verify import Violation
from sanitizer.verify.ooxml.checks import demand
from sanitizer.verify.ooxml.table import TABLE, Type

HLINKS = {"a:hlinkClick", "a:hlinkHover", "a:hlinkMouseOver"}
REFERRING = {
    *("x:sheet", "p:sldId", "p:sldMasterId", "p:sldLayoutId", "p:notesMasterId", "p:sld", "c:chart", "dgm:relIds"),
    *("w:headerReference", "w:footerReference", "x:drawing", "x:tablePart", "x:pivotCache", "x:picture"),
    *("x:legacyDrawing", "c:externalData", "c:userShapes"),
}
PARTICULAR = REFERRING | HLINKS | {"x:definedName", "x:f"}
"""The elements that have rules of their own."""
SLIDE_JUMP = "ppaction://hlinksldjump"
_RUNS_BY_ITSELF = re.compile(r"(?:_xlnm\.)?auto_?(?:open|close|activate|deactivate)", re.IGNORECASE)


def check_element(name: str, type_: Type, attributes: dict[str, str], *, empty: bool) -> None:
    """``Violation`` if an element with these attributes breaks a rule of its own."""
    if name in REFERRING:
        needed = {key for key, kind in type_.attributes.items() if kind == "rid"}
        demand(needed <= attributes.keys(), "reference-missing")
    elif name in HLINKS:
        demand("r:id" in attributes, "reference-missing")
        demand(attributes.get("action", SLIDE_JUMP) == SLIDE_JUMP or not attributes["r:id"], "action")
        demand(("action" in attributes and attributes["action"] != SLIDE_JUMP) or attributes["r:id"], "action")
    elif name == "x:definedName":
        demand(_RUNS_BY_ITSELF.match(attributes.get("name", "")) is None, "defined-name")
    elif name == "x:f" and empty:
        demand(attributes.get("t") in ("shared", "dataTable"), "formula-empty")
    if empty and type_.text not in (None, "text", "formula", "token"):
        raise Violation("text", "empty")


def allowed_kinds(name: str, attribute: str, attributes: dict[str, str]) -> frozenset[str]:
    """The kinds of parts that this reference may lead to."""
    kinds = TABLE.refs.get((name, attribute))
    demand(kinds is not None, "reference")
    if name in HLINKS:
        kinds = frozenset({"slide" if "action" in attributes else "hyperlink"})
    return kinds or frozenset()
