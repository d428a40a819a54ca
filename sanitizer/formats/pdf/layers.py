"""Optional content (ISO 32000-1, 8.11): which layers a reader does not see when the file is opened.

Rules kept here:

- Hidden is what the default configuration switches off, what its automatic states switch off for viewing, and what the
  group's own view usage says is off.
- Hidden content is taken out; all other content stays without its layer.

>>> STATES
('/ON', '/OFF')
"""

from __future__ import annotations

from sanitizer.formats.pdf.source import Source
from sanitizer.formats.pdf.values import Value, is_ref

STATES = ("/ON", "/OFF")


class Layers:
    """The hidden groups of one file; ``off`` holds source references."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.off: set[str] = set()
        self.present = False
        properties = source.get(source.root, "/OCProperties")
        if type(properties) is dict:
            self.present = True
            self._read(properties)

    def _read(self, properties: dict[str, Value]) -> None:
        source = self._source
        groups = [x for x in source.items(properties.get("/OCGs")) if is_ref(x)]
        default = source.get(properties, "/D")
        default = default if type(default) is dict else {}

        def listed(key: str) -> set[str]:
            return {x for x in source.items(default.get(key)) if is_ref(x)}

        if source.get(default, "/BaseState") == "/OFF":
            self.off |= set(groups) - listed("/ON")
        self.off |= listed("/OFF")
        self.off |= {x for x in groups if self._view_state(x) == "/OFF"}
        self.off -= self._switched_on(default) - listed("/OFF")

    def _view_state(self, group: str) -> Value:
        state = self._source.get(self._source.get(self._source.get(group, "/Usage"), "/View"), "/ViewState")
        return state if state in STATES else None

    def _switched_on(self, default: dict[str, Value]) -> set[str]:
        """Groups that an automatic state shows when viewing."""
        out: set[str] = set()
        for usage in self._source.items(default.get("/AS")):
            if self._source.get(usage, "/Event") in (None, "/View"):
                d = self._source.resolve(usage)
                groups = self._source.items(d.get("/OCGs")) if type(d) is dict else []
                out |= {x for x in groups if is_ref(x) and self._view_state(x) == "/ON"}
        return out

    @property
    def any_hidden(self) -> bool:
        """Whether any layer is hidden at all."""
        return bool(self.off)

    def hidden(self, oc: Value) -> bool:
        """Whether content with this ``/OC`` entry (a group or a membership dictionary) is not seen."""
        if not self.off or oc is None:
            return False
        if is_ref(oc) and oc in self.off:
            return True
        d = self._source.resolve(oc)
        if type(d) is not dict or self._source.get(d, "/Type") != "/OCMD":
            return False
        expression = self._source.get(d, "/VE")
        if type(expression) is list:
            return not self._visible(expression, 0)
        return self._membership(d)

    def _membership(self, d: dict[str, Value]) -> bool:
        given = d.get("/OCGs")
        groups = [given] if is_ref(given) and type(self._source.resolve(given)) is dict else self._source.items(given)
        off = [x in self.off for x in groups if is_ref(x)]
        if not off:
            return False
        policy = self._source.get(d, "/P")
        rules = {"/AllOn": any(off), "/AnyOff": not any(off), "/AllOff": not all(off)}
        return rules.get(policy, all(off)) if type(policy) is str else all(off)

    def _visible(self, v: Value, depth: int) -> bool:
        """A visibility expression (8.11.2.2)."""
        if is_ref(v) and type(self._source.resolve(v)) is dict:
            return v not in self.off
        expression = self._source.resolve(v)
        if type(expression) is not list or not 2 <= len(expression) <= 33 or depth > 4:
            return True
        operator, *operands = expression
        values = [self._visible(x, depth + 1) for x in operands]
        if operator == "/Not":
            return not values[0]
        return any(values) if operator == "/Or" else all(values)
