"""``protocol.ts`` is what ``server/wire.py`` says, and every word the sanitizer may say has words for people."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

import sanitizer.formats
from ops import build_client, generate_protocol

KIND_MODULES = [
    found.name
    for found in pkgutil.walk_packages(sanitizer.formats.__path__, "sanitizer.formats.")
    if found.name.endswith("kinds")
]


def test_committed_protocol_is_the_generated_one() -> None:
    committed = generate_protocol.TARGET.read_text(encoding="utf-8")
    assert committed == generate_protocol.protocol_source(), "run python -m ops.generate_protocol"


def test_check_says_so_when_the_file_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate_protocol, "HEAD", "// another head\n")
    assert generate_protocol.main(["--check"]) == 1
    assert "out of date" in capsys.readouterr().err


def test_every_frame_of_the_protocol_is_exported() -> None:
    source = generate_protocol.protocol_source()
    for name in ("HelloFrame", "PostFrame", "ReadyFrame", "EventFrame", "ResetFrame", "AttachmentView"):
        assert f"export interface {name} {{" in source
    assert 'op: "hello";' in source
    assert "token?: string | null;" in source


@pytest.mark.parametrize("module", KIND_MODULES)
def test_every_kind_of_removal_has_words_in_both_languages(module: str) -> None:
    text = (build_client.CLIENT / "src" / "messages" / "removed.ts").read_text(encoding="utf-8")
    for language in ("Ja", "En"):
        tables = "".join(re.findall(rf"export const (?:removed|changed){language}: Counted = {{(.*?)\n}};", text, re.S))
        known = set(re.findall(r'^  "?([a-z0-9-]+)"?:', tables, re.M))
        kinds = set(importlib.import_module(module).KINDS)
        assert kinds <= known, f"web_client/src/messages/removed.ts lacks {sorted(kinds - known)} for {language}"
