"""How a record is taken up at a start: what is found in the store, held against the head that was kept outside."""

from __future__ import annotations

from sqlalchemy import Connection, insert, text
from support.town import Town

from rooms.audit import Frontier, leaf_hash
from rooms.commands import SERVER
from rooms.commands.noting import MakeCheckpoint, NoteAct
from rooms.store import audit
from rooms.store.audit import Record, all_leaves, found_record
from rooms.store.schema import audit_checkpoints


async def found(town: Town, kept: Frontier | None, *, first: str = "") -> Record:
    """After the statement ``first``, which is taken back."""

    def look(connection: Connection) -> Record:
        with connection.begin() as transaction:
            if first:
                for trigger in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                    connection.execute(text(f"DROP TRIGGER {trigger[0]}"))
                connection.execute(text(first))
            record = found_record(connection, kept)
            transaction.rollback()
        return record

    return await town.database.run(look)


async def signed_then(town: Town, more: int) -> Frontier:
    """The head that was signed; ``more`` leaves came since."""
    await town.do(MakeCheckpoint(SERVER))
    kept = town.drain.frontier
    for n in range(more):
        await town.do(NoteAct(SERVER, "test.act", f"o_{n}"))
    return kept


async def test_a_sound_record_goes_on_where_it_ended(town: Town) -> None:
    kept = await signed_then(town, 3)
    whole = town.drain.frontier
    assert whole.size == kept.size + 3
    for head in (None, kept):
        record = await found(town, head)
        assert (record.frontier, record.next, record.sound) == (whole, whole.size, True)
        assert record.signed is not None and record.signed[0] == kept.size


async def test_a_record_that_was_never_signed_has_no_kept_head(town: Town) -> None:
    whole = town.drain.frontier
    record = await found(town, None)
    assert (record.signed, record.next, record.sound) == (None, whole.size, True)
    assert not (await found(town, whole)).sound


async def test_what_is_missing_stays_a_gap(town: Town) -> None:
    """The next leaf goes behind all that is known of: the kept head, the newest signature, the tree, the rows."""
    kept = await signed_then(town, 3)
    size = town.drain.frontier.size
    beyond = town.drain.frontier.extend([leaf_hash(b"a"), leaf_hash(b"b")])
    record = await found(town, beyond)
    assert (record.next, record.sound) == (size + 2, False)
    record = await found(town, kept, first=f"DELETE FROM audit_leaves WHERE idx = {size - 1}")
    assert (record.next, record.sound) == (size, False)
    record = await found(town, kept, first=f"UPDATE audit_leaves SET idx = idx + 5 WHERE idx = {size - 1}")
    assert (record.next, record.sound) == (size + 5, False)
    row = insert(audit_checkpoints).values(size=size + 7, at=1 << 50, note="x")
    later = str(row.compile(compile_kwargs={"literal_binds": True}))
    record = await found(town, kept, first=later)
    assert (record.next, record.sound) == (size + 7, False)


async def test_leaves_that_do_not_lead_from_the_kept_head_are_found(town: Town) -> None:
    kept = await signed_then(town, 3)
    for change in (
        f"UPDATE audit_leaves SET leaf = x'00' WHERE idx = {kept.size + 1}",
        f"UPDATE audit_leaves SET idx = -1 WHERE idx = {kept.size + 1}",
    ):
        assert not (await found(town, kept, first=change)).sound
    other = Frontier().extend(leaf_hash(bytes([n])) for n in range(kept.size))
    assert not (await found(town, other)).sound


async def test_all_leaves_come_once_whatever_the_page(town: Town) -> None:
    await signed_then(town, 5)
    whole = await town.database.run(lambda connection: list(all_leaves(connection)))
    assert [index for index, _, _ in whole] == list(range(town.drain.frontier.size))
    before = audit.PAGE
    for page in (1, 2, len(whole) - 1, len(whole), len(whole) + 1):
        audit.PAGE = page
        try:
            assert await town.database.run(lambda connection: list(all_leaves(connection))) == whole
        finally:
            audit.PAGE = before
