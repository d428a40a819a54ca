"""``docs/settings.md``, made from the tables of ``server.settings``.

Rules: a setting without a meaning cannot be written; the page in the repository is the output of ``settings_page``
(a test compares them; ``python -m server.settings_page > docs/settings.md`` in the repository renews it).

>>> settings_page().splitlines()[0]
'# Settings: `sekisho.toml`'
"""

from __future__ import annotations

import dataclasses
from typing import Any

from server.settings import TABLES


def settings_page() -> str:
    """``docs/settings.md``, made from the tables."""
    lines = [
        "# Settings: `sekisho.toml`",
        "",
        "Every setting, its default and its range. The server reads the file once, at start. A file with mistakes is",
        "refused with all of them, each with its line and what to write instead.",
        "This page is made from `server/settings.py`.",
    ]
    for table in TABLES:
        title, _, meaning = str(table.__doc__).partition(": ")
        lines += ["", f"## {title}", "", f"{meaning[:1].upper()}{meaning[1:]}", ""]
        lines += ["| setting | default | allowed | meaning |", "|---|---|---|---|"]
        lines += [_row(item) for item in dataclasses.fields(table) if not _is_table(item)]
    return "\n".join(lines) + "\n"


def _is_table(item: dataclasses.Field[Any]) -> bool:
    return item.default_factory is not dataclasses.MISSING or item.name == "listeners"


def _row(item: dataclasses.Field[Any]) -> str:
    metadata = item.metadata
    if metadata["required"]:
        default = "(must be given)"
    elif item.default in ("", ()):
        default = "none"
    else:
        default = f"`{str(item.default).lower() if isinstance(item.default, bool) else item.default}`"
    return f"| `{item.name}` | {default} | {_allowed(item)} | {metadata['meaning']} |"


def _allowed(item: dataclasses.Field[Any]) -> str:
    metadata = item.metadata
    if metadata["one_of"]:
        return ", ".join(f"`{choice}`" for choice in metadata["one_of"])
    if metadata["least"] is not None:
        return (
            f"{metadata['least']:g} to {metadata['most']:g}"
            if metadata["most"] < 1e6
            else f"from {metadata['least']:g}"
        )
    return {"bool": "`true`, `false`", "tuple[str, ...]": "list of texts", "Path": "path"}.get(str(item.type), "text")


if __name__ == "__main__":
    print(settings_page(), end="")
