"""How like its original a rebuilt file is, over HTTP: after the verdict, zone by zone, on record; parts of files."""

from __future__ import annotations

import asyncio
import io
import itertools
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import docx
import httpx
import openpyxl
import pytest
import pytest_asyncio
from PIL import Image
from sqlalchemy import create_engine
from support.installation import Client, Installation
from support.received_pdf import Draft, benign, hostile

from rooms.commands import SERVER
from rooms.commands.comparing import GiveBackComparison, NoteComparison, StartComparison
from rooms.comparison import MAX_TRIES, Comparison
from rooms.decide import Decision
from rooms.decide.comparing import give_back_comparison, note_comparison, start_comparison
from rooms.store.backing_up import RENDITIONS, named_blobs
from rooms.world import Terms, World
from rooms.zones import ALPHA, BETA_DASH
from sanitizer.converter import missing

pytestmark = pytest.mark.asyncio(loop_scope="module")
_numbers = itertools.count()


def with_drawing(content: bytes = b"") -> Draft:
    """A page with a blue box that says it is in another file: it goes, and its place is white."""
    draft = Draft(content + b"q 1 0 0 1 200 20 cm /X Do Q\n")
    box = draft.stream("/Type/XObject/Subtype/Form/BBox[0 0 60 40]/F(x)", b"0 0 1 rg 0 0 60 40 re f")
    draft.resource("XObject", "X", box)
    return draft


async def opened(client: Client, *members: str) -> str:
    room = (await client.post("rooms", json={"kind": "group", "name": "資料", "members": list(members)})).json()
    return str(room["id"])


async def sent(client: Client, room: str, name: str, data: bytes) -> str:
    answered = await client.post("attachments", params={"room": room, "name": name}, content=data)
    attachment = str(answered.json()["id"])
    message = {"client_msg_id": f"c-{next(_numbers)}", "text": "", "attachments": [attachment]}
    assert (await client.post(f"rooms/{room}/messages", json=message)).status_code == 201
    return attachment


async def compared(client: Client, attachment: str) -> dict[str, Any]:
    """The attachment once its comparison is done."""
    for _ in range(600):
        view: dict[str, Any] = (await client.get(f"attachments/{attachment}")).json()
        if (view["comparison"] or {}).get("state") == "done":
            return view
        await asyncio.sleep(0.05)
    raise AssertionError(f"never compared: {view}")


async def picture(client: Client, attachment: str, side: str, page: int = 1) -> httpx.Response:
    return await client.get(f"attachments/{attachment}/comparison", params={"page": page, "side": side})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def drawing(town: Installation) -> AsyncIterator[str]:
    """Such a file from the internet zone, compared."""
    sato = await town.login("sato", "internet")
    attachment = await sent(sato, await opened(sato, "suzuki"), "図.pdf", bytes(with_drawing()))
    await compared(sato, attachment)
    yield attachment


async def test_what_looks_the_same_says_so_in_every_zone(town: Installation) -> None:
    sato = await town.login("sato", "internet")
    attachment = await sent(sato, await opened(sato), "案内.pdf", benign())
    for zone in ("internet", "lgwan"):
        view = await compared(await town.login("sato", zone), attachment)
        assert view["comparison"] == {"state": "done", "pages": []}
        similarity = view["report"]["similarity"]
        assert (similarity["pages"], similarity["mean"], similarity["differing"]) == (1, 1.0, [])


async def test_a_page_that_differs_is_shown_beside_the_original(town: Installation, drawing: str) -> None:
    suzuki = await town.login("suzuki", "lgwan")
    view = await compared(suzuki, drawing)
    (page,) = view["comparison"]["pages"]
    assert (page["page"], page["original"], page["rebuilt"]) == (1, True, True)
    assert 600 <= page["place"][0] < page["place"][2] <= 930
    assert view["report"]["similarity"]["differing"] == [1]
    shades = {}
    for side in ("original", "rebuilt"):
        answered = await picture(suzuki, drawing, side)
        assert (answered.status_code, answered.headers["content-type"]) == (200, "image/png")
        assert answered.headers["x-content-type-options"] == "nosniff"
        shades[side] = Image.open(io.BytesIO(answered.content)).convert("RGB").getpixel((460, 320))
    assert shades == {"original": (0, 0, 255), "rebuilt": (255, 255, 255)}
    leaves = [leaf for leaf in town.leaves("attachment.compare") if leaf["object"] == drawing]
    assert len(leaves) == 1, "both pictures are one look"


async def test_pictures_are_in_every_backup(town: Installation, drawing: str) -> None:
    made = {key for (key,) in town.rows("SELECT blob FROM comparison_pictures WHERE attachment = ?", drawing)}
    engine = create_engine(f"sqlite:///{town.folder / 'sekisho.db'}")
    with engine.connect() as connection:
        named = {blob.key for blob in named_blobs(connection) if blob.folder == RENDITIONS}
    engine.dispose()
    assert len(made) == 2
    assert made <= named


async def test_pictures_are_for_those_who_may_read_the_file(town: Installation, drawing: str) -> None:
    stranger = await town.login("tanaka", "lgwan")
    assert (await picture(stranger, drawing, "original")).status_code == 404
    suzuki = await town.login("suzuki", "lgwan")
    assert (await picture(suzuki, drawing, "original", 2)).status_code == 404
    for query in ({"page": "x", "side": "original"}, {"page": "1", "side": "both"}, {}):
        answered = await suzuki.get(f"attachments/{drawing}/comparison", params=query)
        assert answered.json()["code"] == "malformed"


async def test_no_picture_of_the_original_goes_to_a_less_trusted_zone(town: Installation) -> None:
    sato = await town.login("sato", "lgwan")
    attachment = await sent(sato, await opened(sato), "図.pdf", bytes(with_drawing()))
    outside = await town.login("sato", "internet")
    view = await compared(outside, attachment)
    assert view["comparison"]["pages"][0] | {"place": None} == {
        "page": 1, "place": None, "original": False, "rebuilt": True,
    }  # fmt: skip
    assert (await picture(outside, attachment, "original")).status_code == 404
    assert (await picture(outside, attachment, "rebuilt")).status_code == 200
    kept = town.rows("SELECT side FROM comparison_pictures WHERE attachment = ?", attachment)
    assert kept == [("rebuilt",)], "it is not even made"
    assert (await sato.get(f"attachments/{attachment}")).json()["comparison"] is None, "read as it came"


async def test_a_page_that_held_something_hidden_is_not_pictured(town: Installation) -> None:
    draft = with_drawing(b"/OC /L BDC 1 0 0 rg 0 0 90 90 re f EMC\n")
    layer = draft.add("<</Type/OCG/Name(x)>>")
    draft.catalogue["OCProperties"] = f"<</OCGs[{layer}]/D<</OFF[{layer}]>>>>"
    draft.resources["Properties"] = {"L": layer}
    sato = await town.login("sato", "internet")
    attachment = await sent(sato, await opened(sato), "層.pdf", bytes(draft))
    (page,) = (await compared(sato, attachment))["comparison"]["pages"]
    assert (page["original"], page["rebuilt"]) == (False, True)


async def test_a_text_has_nothing_to_compare(town: Installation) -> None:
    sato = await town.login("sato", "internet")
    attachment = await sent(sato, await opened(sato), "a.txt", "本文".encode())
    view = await compared(sato, attachment)
    assert view["comparison"] == {"state": "done", "pages": []}
    assert "similarity" not in view["report"]


async def test_a_try_is_counted_and_what_is_done_stays(town: Installation) -> None:
    sato = await town.login("sato", "internet")
    attachment = await sent(sato, await opened(sato), "a.txt", "本文".encode())
    await compared(sato, attachment)
    assert (await town.do(StartComparison(SERVER, attachment, "rebuild"))) is None
    assert (await town.do(NoteComparison(SERVER, attachment, "rebuild", {"pages": 1}))) is False
    assert town.rows("SELECT similarity FROM comparisons WHERE attachment = ?", attachment) == [(None,)]


async def test_after_too_many_tries_there_is_nothing_to_say() -> None:
    world, terms = World(), Terms()
    world.comparisons["a", "rebuild"] = Comparison("a", "rebuild")
    start = StartComparison(SERVER, "a", "rebuild")

    def act(decision: Decision) -> Decision:
        for change in decision.changes:
            change.apply(world)
        return decision

    tries = [act(start_comparison(world, start, 0, terms)).answer.tries for _ in range(MAX_TRIES)]
    assert tries == [1, 2, 3]
    act(give_back_comparison(world, GiveBackComparison(SERVER, "a", "rebuild"), 0, terms))
    assert act(start_comparison(world, start, 0, terms)).answer.tries == 3, "a try that was none does not count"
    assert act(start_comparison(world, start, 0, terms)).answer is None
    assert world.comparisons.get(("a", "rebuild")) == Comparison("a", "rebuild", 3, True)
    assert act(note_comparison(world, NoteComparison(SERVER, "a", "rebuild", {"pages": 1}), 0, terms)).answer is False


@pytest.mark.skipif(bool(missing()), reason=f"Office files are laid out by LibreOffice: apt-get install {missing()}")
async def test_an_office_file_is_compared_when_somebody_asks(town: Installation) -> None:
    document = docx.Document()
    document.add_paragraph("庁舎の開庁時間を変更します。")
    out = io.BytesIO()
    document.save(out)
    sato = await town.login("sato", "internet")
    attachment = await sent(sato, await opened(sato), "通知.docx", out.getvalue())
    await released(sato, attachment)
    for _ in range(600):
        view = (await sato.get(f"attachments/{attachment}")).json()
        if view["comparison"]["state"] == "on_request":
            break
        await asyncio.sleep(0.05)
    assert view["comparison"] == {"state": "on_request", "pages": []}
    stranger = await town.login("tanaka", "internet")
    assert (await stranger.post(f"attachments/{attachment}/comparison")).status_code == 404
    asked = await sato.post(f"attachments/{attachment}/comparison")
    assert (asked.status_code, asked.json()) == (202, {"id": attachment})
    for _ in range(1200):
        view = (await sato.get(f"attachments/{attachment}")).json()
        if view["comparison"]["state"] == "done":
            break
        await asyncio.sleep(0.1)
    similarity = view["report"]["similarity"]
    assert (similarity["pages"], similarity["differing"]) == (1, [])
    assert similarity["mean"] > 0.999
    again = await sato.post(f"attachments/{attachment}/comparison")
    assert again.status_code == 202
    assert (await sato.get(f"attachments/{attachment}")).json()["comparison"]["state"] == "done", "found once"


async def test_only_the_crossings_inward_show_the_original() -> None:
    assert ALPHA.original_may_be_pictured("internet", "internet")
    assert ALPHA.original_may_be_pictured("internet", "lgwan")
    assert not ALPHA.original_may_be_pictured("lgwan", "internet")
    assert not ALPHA.original_may_be_pictured("lgwan", "lgwan"), "nothing was rebuilt"
    assert not ALPHA.original_may_be_pictured("internet", "mynumber")
    assert not BETA_DASH.original_may_be_pictured("internet", "internet")


# Parts


async def part(client: Client, attachment: str, **query: Any) -> httpx.Response:
    return await client.get(f"attachments/{attachment}/content", params=query)


async def released(client: Client, attachment: str) -> None:
    for _ in range(600):
        view = (await client.get(f"attachments/{attachment}")).json()
        if view["zones"][client.zone]["state"] == "released":
            return
        await asyncio.sleep(0.05)
    raise AssertionError(view)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["施設", 1])
    book.create_sheet("二").append(["公民館", 2])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


async def test_the_tables_of_a_workbook_alone(town: Installation) -> None:
    sato = await town.login("sato", "internet")
    attachment = await sent(sato, await opened(sato), "様式.xlsx", workbook())
    await released(sato, attachment)
    whole = await part(sato, attachment, **{"as": "table"})
    assert (whole.status_code, whole.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
        assert archive.namelist() == ["table-1.csv", "table-2.csv"]
    second = await part(sato, attachment, **{"as": "table", "number": 2})
    assert second.headers["content-type"] == "text/csv; charset=utf-8"
    assert second.headers["sekisho-parts"] == "2"
    assert second.headers["content-disposition"].endswith("%E6%A7%98%E5%BC%8F-2.csv")
    assert second.content.decode("utf-8-sig") == "公民館,2\r\n"
    assert (await part(sato, attachment, **{"as": "table", "number": 3})).json()["reason"] == "no_such_part"
    leaves = [
        leaf for leaf in town.leaves("attachment.read") if (leaf["object"], leaf["outcome"]) == (attachment, "done")
    ]
    assert [leaf["notes"]["as"] for leaf in leaves] == ["table", "table"]


async def test_only_text_and_nothing_of_another_kind(town: Installation) -> None:
    sato = await town.login("sato", "lgwan")
    attachment = await sent(sato, await opened(sato), "案内.pdf", hostile("javascript"))
    await released(sato, attachment)
    words = await part(sato, attachment, **{"as": "text"})
    assert "Notice of the council meeting" in words.text, "from a rebuilt copy: the file itself is read as it came"
    assert words.headers["content-security-policy"].startswith("default-src 'none'")
    assert (await part(sato, attachment, **{"as": "table"})).json()["reason"] == "no_such_part", "it has no lines"
    assert (await part(sato, attachment, **{"as": "everything"})).json()["code"] == "malformed"
    assert (await part(sato, attachment, **{"as": "text", "number": "-1"})).json()["code"] == "malformed"


async def test_a_picture_alone_may_be_shown_in_place(town: Installation) -> None:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "PNG")
    sato = await town.login("sato", "internet")
    attachment = await sent(sato, await opened(sato), "写真.png", out.getvalue())
    await released(sato, attachment)
    shown = await part(sato, attachment, **{"as": "pictures", "inline": "1"})
    assert shown.headers["content-disposition"].startswith("inline")
    assert Image.open(io.BytesIO(shown.content)).size == (40, 30)


async def test_a_part_of_what_is_not_released_is_not_given_out(town: Installation) -> None:
    sato = await town.login("sato", "internet")
    attachment = await sent(sato, await opened(sato), "見積.pdf", b"MZ" + bytes(200))
    for what in ("text", "table", "pictures"):
        answered = await part(sato, attachment, **{"as": what})
        assert answered.json()["code"] == "not_released"
