"""Sessions against time, races, floods and a store that takes nothing; over a whole installation and in parts."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection
from support.installation import PASSWORD, Client, Installation
from support.sockets import on_socket

from ops.control import reach
from rooms.commands import SERVER, Command, Origin
from rooms.commands.noting import MakeCheckpoint, NoteAct
from rooms.commands.people import SetActive, SetPassword, SetZones
from rooms.commands.sessions import EndSession, OpenSession
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse
from rooms.session import HOUR, MINUTE, LoginTries, Session, SessionTimes, password_mark, token_hash
from rooms.store.database import Database
from server.sessions import Live, Sessions
from server.strangers import CHECKED_AT_ONCE, MOST_CHECKED, Strangers

pytestmark = pytest.mark.asyncio(loop_scope="module")
T = TypeVar("T")


# Time --------------------------------------------------------------------------------------------------------------


async def test_a_clock_that_is_set_ends_and_prolongs_no_session(town: Installation) -> None:
    sato = await town.login("sato")
    for hours in (24 * 365, -24 * 365 - 1, -1):
        town.set_clock(hours=hours)
        assert (await sato.get("me")).status_code == 200, hours
    town.later(minutes=31)
    assert (await sato.get("me")).status_code == 401
    town.set_clock(hours=2)


async def test_a_clock_that_is_set_back_locks_nobody_out(town: Installation) -> None:
    tries = LoginTries().after_failure(0)
    for _ in range(6):
        tries = tries.after_failure(HOUR)
    assert tries.locked(HOUR) and tries.locked(HOUR + MINUTE)
    assert not tries.locked(0)
    assert not tries.locked(3 * HOUR)


async def test_a_socket_closes_when_its_session_rests_too_long(town: Installation) -> None:
    outside, inside = await town.login("sato", "internet"), await town.login("sato", "lgwan")
    async with on_socket(town, outside) as ends, on_socket(town, inside) as stays:
        town.later(minutes=31)
        assert await ends.closed() == 4003
        assert (await inside.get("me")).status_code == 200
        await stays.say("post", ref=1, room="r_none", client_msg_id="c", text="x")
        assert (await stays.frame("refused"))["code"] == "not_found"


Act = Callable[[Installation, Client], Any]


async def _logout(town: Installation, client: Client) -> None:
    assert (await client.post("logout")).status_code == 200


async def _deactivated(town: Installation, client: Client) -> None:
    await town.do(SetActive(SERVER, client.login_name, False))


async def _other_password(town: Installation, client: Client) -> None:
    await town.do(SetPassword(SERVER, client.login_name, town.application.passwords.encode("another-password")))


async def _other_zones(town: Installation, client: Client) -> None:
    await town.do(SetZones(SERVER, client.login_name, frozenset({"lgwan"})))


@pytest.mark.parametrize("act", [_logout, _deactivated, _other_password, _other_zones])
async def test_what_ends_a_session_ends_its_sockets(town: Installation, act: Act) -> None:
    login = f"ends{act.__name__.strip('_').replace('_', '')}"
    await town.add(login)
    client = await town.login(login)
    async with on_socket(town, client) as socket:
        await act(town, client)
        assert await socket.closed() == 4003
    assert (await client.get("me")).status_code == 401


async def test_sockets_close_in_time_while_the_end_cannot_be_written(town: Installation) -> None:
    """The disk is full: the session is over all the same, and its socket is not served."""
    client = await town.login("tanaka")
    database = town.application.database
    async with on_socket(town, client) as socket:
        await database.run(_full)
        try:
            while (await town.do(NoteAct(SERVER, "test.fill", notes={"x": "x" * 4000}))) is None:
                pass
            town.later(minutes=31)
            assert await socket.closed() == 4003
        finally:
            await database.run(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={1 << 30}").close())


def _full(connection: Connection) -> None:
    used = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    connection.exec_driver_sql(f"PRAGMA max_page_count={used + 1}").close()


# Races -------------------------------------------------------------------------------------------------------------


def _opening(town: Installation, login: str, encoded: str) -> OpenSession:
    chance = bytes(next(_chances).to_bytes(16, "big"))
    return OpenSession(Origin(zone="lgwan"), login, token_hash(chance.hex()), chance, password_mark(encoded))


_chances = itertools.count(1)


async def test_a_password_that_was_changed_during_its_check_opens_nothing(town: Installation) -> None:
    await town.add("race1")
    [[old]] = town.rows("SELECT password FROM people WHERE login = 'race1'")
    assert isinstance(await town.do(_opening(town, "race1", old)), Session)
    new = town.application.passwords.encode("another-password")
    await town.do(SetPassword(SERVER, "race1", new))
    refused = await town.do(_opening(town, "race1", old))
    assert isinstance(refused, Refusal) and refused.reason == "wrong_login"
    assert isinstance(await town.do(_opening(town, "race1", new)), Session)


async def test_a_login_and_the_end_of_all_sessions_in_one_drain(town: Installation) -> None:
    """Both are queued before either is written: the later one ends what the earlier one opened."""
    await town.add("race2")
    [[old]] = town.rows("SELECT password FROM people WHERE login = 'race2'")
    submit = town.application.performer.submit
    hold = submit(NoteAct(SERVER, "test.hold"))
    new = town.application.passwords.encode("another-password")
    opened = submit(_opening(town, "race2", old))
    await asyncio.gather(hold, opened, submit(SetPassword(SERVER, "race2", new)))
    session = opened.result().answer
    assert isinstance(session, Session)
    assert town.rows("SELECT ended IS NULL FROM sessions WHERE id = ?", session.id) == [(0,)]


class Between(Database):
    """A database between whose reading and answering something happens, once."""

    then: Callable[[], Any] | None = None

    async def look(self, question: Callable[[Connection], T]) -> T:
        answer = await super().look(question)
        then, self.then = self.then, None
        if then is not None:
            await then()
        return answer


async def test_a_session_that_ends_while_it_is_read_is_not_kept_alive(town: Installation) -> None:
    sato = await town.login("sato", "lgwan")
    application = town.application
    database = Between(application.database.path)
    times = SessionTimes()
    sessions = Sessions(database, times, application.performer.submit, town.now, lambda: town.mono() // 1_000_000)
    live = await application.sessions.authenticate(sato.token, Origin(zone="lgwan"))
    assert isinstance(live, Live)

    async def end() -> None:
        outcome = await application.performer.submit(EndSession(SERVER, live.session.id, "logout"))
        for change in outcome.changes:
            sessions.ended(change.session)  # type: ignore[attr-defined]

    database.then = end
    try:
        refused = await sessions.authenticate(sato.token, Origin(zone="lgwan"))
        assert isinstance(refused, Refusal) and refused.reason == "session_ended"
    finally:
        await database.close()


# Floods ------------------------------------------------------------------------------------------------------------


async def _nothing(command: Command) -> Outcome:
    return Outcome(command, None)


def _sessions(town: Installation, most: int) -> Sessions:
    return Sessions(town.application.database, SessionTimes(), _nothing, lambda: 0, lambda: 0, most)


async def test_the_copies_are_bounded_and_those_with_sockets_stay(town: Installation) -> None:
    person = town.people["sato"]
    sessions = _sessions(town, 100)
    for number in range(1000):
        sessions.sweep({"s_0", "s_1"})
        sessions.opened(f"d{number}", Session(f"s_{number}", person.id, "lgwan", None, 0, 0), person)
    alive = [number for number in range(1000) if sessions.alive(f"s_{number}")]
    assert alive[:2] == [0, 1] and 999 in alive and len(alive) <= 100


async def test_ten_thousand_ended_sessions_are_forgotten_quickly(town: Installation) -> None:
    person = town.people["sato"]
    sessions = _sessions(town, 50_000)
    for number in range(10_000):
        sessions.opened(f"d{number}", Session(f"s_{number}", person.id, "lgwan", None, 0, 0, 1), person)
    begun = time.process_time()
    sessions.sweep(set())
    assert time.process_time() - begun < 1
    assert not sessions.alive("s_1")


async def test_a_flood_with_a_foreign_token_does_not_fill_the_record(town: Installation) -> None:
    inside = await town.login("sato", "lgwan")
    outside = town.anonymous("internet")
    town.application.strangers.flush(everything=True)
    await town.do(MakeCheckpoint(SERVER))
    before = len(town.leaves())
    headers = {"authorization": f"Bearer {inside.token}"}
    answers = await asyncio.gather(*(outside.get("rooms", headers=headers) for _ in range(40)))
    assert {a.status_code for a in answers} == {401}
    town.application.strangers.flush(everything=True)
    await town.do(MakeCheckpoint(SERVER))
    fresh = town.leaves()[before:]
    own = [leaf for leaf in fresh if leaf["action"] == "session.foreign_zone"]
    counted = [leaf["notes"]["count"] for leaf in fresh if leaf["action"] == "stranger.refused"]
    assert 10 <= len(own) <= 12
    assert len(own) + sum(counted) == 40


async def test_an_export_has_what_strangers_did_up_to_now(town: Installation) -> None:
    """A foreign host, forged headers: aggregated by the minute, but on record before a head is signed on demand."""
    await town.anonymous().get("me", headers={"host": "evil.example", "x-forwarded-for": "192.0.2.1"})

    def ask() -> None:
        with reach(town.folder) as installation:
            assert installation.running
            installation.perform(MakeCheckpoint(SERVER))

    await asyncio.to_thread(ask)
    leaf = [x for x in town.leaves("stranger.refused") if x["reason"] == "foreign_host"][-1]
    assert (leaf["zone"], leaf["address"], leaf["notes"]["forwarded"]) == ("internet", "127.0.0.1", True)


async def test_who_exists_is_not_told_by_the_time_of_the_record(town: Installation) -> None:
    """The writer hangs: a wrong password of somebody is answered no later than a name that nobody has."""
    client = town.anonymous()
    hold = threading.Event()
    hung = asyncio.create_task(town.application.database.run(lambda _: hold.wait(60)))
    for login in ("sato", "nobody"):
        answered = await client.post("login", json={"login": login, "password": "wrong"})
        assert answered.status_code == 401
    assert not hung.done()
    hold.set()
    await hung
    await town.do(MakeCheckpoint(SERVER))
    assert town.leaves("login")[-1]["reason"] == "wrong_login"
    assert (await client.post("login", json={"login": "sato", "password": PASSWORD})).status_code == 200


async def test_logins_that_wait_for_their_check_are_bounded() -> None:
    strangers = Strangers(lambda command: None, lambda: 0, lambda: 0)
    under_way = [strangers.checked("192.0.2.1") for _ in range(CHECKED_AT_ONCE)]
    for one in under_way:
        assert strangers.must_wait("192.0.2.1") is None
        one.__enter__()
    refused = strangers.must_wait("192.0.2.1")
    assert refused is not None and refused.code == "rate_limited" and refused.retry_after
    assert strangers.must_wait("192.0.2.2") is None
    others = [strangers.checked(f"10.0.0.{number}") for number in range(MOST_CHECKED - CHECKED_AT_ONCE)]
    for one in others:
        one.__enter__()
    assert strangers.must_wait("192.0.2.2") == refuse("busy", 3)
    for one in under_way:
        one.__exit__(None, None, None)
    assert strangers.must_wait("192.0.2.1") is None


async def test_a_source_waits_by_a_clock_that_nobody_sets() -> None:
    wall, steady = 10 * HOUR, 0
    strangers = Strangers(lambda command: None, lambda: wall, lambda: steady)
    for _ in range(30):
        strangers.counted("192.0.2.1")
    assert strangers.must_wait("192.0.2.1") is not None
    wall -= 5 * HOUR
    steady += 2 * MINUTE
    assert strangers.must_wait("192.0.2.1") is None
