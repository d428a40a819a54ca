"""The text of a rebuilt file, read in a jail of its own: what the My Number check and, later, search look at."""

from __future__ import annotations

import asyncio
import os

import pytest

from ops.demo_data import sample_files
from sanitizer.supervisor import Supervisor


def _text(data: bytes, name: str) -> str | None:
    async def ask() -> str | None:
        source = os.memfd_create("source")
        os.write(source, data)
        try:
            examined = await supervisor.examine(source, name=name, treatment="rebuild", text=True)
        finally:
            os.close(source)
            await supervisor.close()
        assert examined.verdict.outcome == "released", examined.verdict
        assert examined.output is not None
        os.close(examined.output)
        return examined.text

    supervisor = Supervisor()
    supervisor.start()
    return asyncio.run(ask())


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "euc-jp", "utf-16"])
def test_text_in_any_encoding(codec: str) -> None:
    assert _text("避難所の一覧です。\r\n".encode(codec), "一覧.txt") == "避難所の一覧です。\r\n"


def test_pages_and_form_fields_of_a_pdf() -> None:
    form = next(data for name, data in sample_files().items() if name.endswith("申請書.pdf"))
    words = _text(form, "申請書.pdf")
    assert words is not None
    assert "見守りサービスの利用を申請します" in words
    assert "ふりがな" in words


def test_a_picture_says_nothing_in_characters() -> None:
    photo = next(data for name, data in sample_files().items() if name.endswith(".jpg"))
    assert _text(photo, "写真.jpg") == ""
