"""The session state machine by itself: no socket, no loop, time as an argument."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.memory_engine import logged_in

from rooms.refusals import refuse
from rooms.store.restoring import Lineage
from server import wire
from server.engine import Posted
from server.incarnations import Incarnations
from server.rate_limits import UNLIMITED, Bucket, Buckets, Rate
from server.session import (
    POSTS_IN_FLIGHT,
    Authenticate,
    Close,
    Effect,
    Follow,
    MarkRead,
    Phase,
    Send,
    Session,
    SubmitPost,
)
from server.timer_wheel import LONGEST, TimerWheel

NEVER_RESTORED = Incarnations()
HELLO = b'{"op":"hello","token":"t","cursors":{"r_1":3}}'


def session(flood: Rate = UNLIMITED, handshake_token: str | None = None) -> Session:
    return Session("en", handshake_token, Bucket(flood, 0.0))


def room(name: str, head: int) -> wire.RoomView:
    return wire.RoomView(name, "group", name, head, 0, wire.Audience(2, 0, ["lgwan"]), ["lgwan"], 0)


def ready(posts: Rate = UNLIMITED) -> Session:
    opened = session()
    opened.received(HELLO, 0.0)
    opened.logged_in(logged_in("sato"), [], Bucket(posts, 0.0), 0.0, NEVER_RESTORED)
    assert opened.phase is Phase.READY
    return opened


def post(ref: int) -> bytes:
    return b'{"op":"post","ref":%d,"room":"r_1","client_msg_id":"c%d","text":"x"}' % (ref, ref)


def test_hello_asks_for_the_login_and_ready_follows() -> None:
    opened = session()
    assert opened.received(HELLO, 0.0) == [Authenticate("t")]
    rooms = [room("r_1", 5), room("r_2", 9)]
    effects = opened.logged_in(logged_in("sato"), rooms, Bucket(UNLIMITED, 0.0), 0.0, NEVER_RESTORED)
    assert [type(effect) for effect in effects] == [Send, Follow]
    assert effects[1] == Follow([("r_1", 5, 3), ("r_2", 9, 9)])


def test_cursors_of_a_history_that_was_given_up_are_reset() -> None:
    restored = Incarnations(Lineage(("i_2",), {"r_1": 3, "r_2": 3, "r_3": 3}))
    rooms = [room("r_1", 9), room("r_2", 9), room("r_3", 9), room("r_4", 9)]
    opened = session()
    opened.received(b'{"op":"hello","token":"t","cursors":{"r_1":3,"r_2":4,"r_4":4},"incarnation":"first"}', 0.0)
    effects = opened.logged_in(logged_in("sato"), rooms, Bucket(UNLIMITED, 0.0), 0.0, restored)
    assert isinstance(effects[0], Send) and isinstance(effects[0].frame, wire.Ready)
    assert effects[0].frame.incarnation == "i_2"
    assert effects[1:] == [
        Send(wire.Reset("r_2", 9)),
        Follow([("r_1", 9, 3), ("r_2", 9, 9), ("r_3", 9, 9), ("r_4", 9, 4)]),
    ]


def test_the_token_of_the_hello_wins_over_the_handshakes() -> None:
    assert session(handshake_token="h").received(HELLO, 0.0) == [Authenticate("t")]
    assert session(handshake_token="h").received(b'{"op":"hello"}', 0.0) == [Authenticate("h")]


def test_what_comes_before_ready_waits_in_its_order() -> None:
    opened = session()
    opened.received(HELLO, 0.0)
    assert opened.received(post(1), 0.0) == opened.received(b"{", 0.0) == opened.received(post(2), 0.0) == []
    effects = opened.logged_in(logged_in("sato"), [room("r_1", 3)], Bucket(UNLIMITED, 0.0), 0.0, NEVER_RESTORED)
    kinds = [type(effect) for effect in effects]
    assert kinds == [Send, Follow, SubmitPost, Send, SubmitPost]


def test_a_refused_login_closes_and_says_nothing_more() -> None:
    opened = session()
    opened.received(HELLO, 0.0)
    assert opened.login_refused(refuse("unauthenticated")) == [Close(4001, "unauthenticated")]
    assert opened.logged_in(logged_in("sato"), [], Bucket(UNLIMITED, 0.0), 0.0, NEVER_RESTORED) == []
    assert opened.received(post(1), 0.0) == opened.end(1001, "") == opened.hello_missing() == []


def test_answers_carry_the_ref_and_the_sentence() -> None:
    opened = ready()
    assert opened.received(post(4), 0.0) == [SubmitPost(msgspec.json.decode(post(4), type=wire.Post))]
    assert opened.answered(4, Posted("m_1", 7)) == [Send(wire.Ack(4, "m_1", 7))]
    opened.received(post(5), 0.0)
    (refused,) = opened.answered(5, refuse("not_found"))
    assert isinstance(refused, Send) and isinstance(refused.frame, wire.Refused)
    assert (refused.frame.ref, refused.frame.code) == (5, "not_found")
    assert refused.frame.message == refuse("not_found").sentence("en")
    assert opened.in_flight == 0


def test_posts_under_way_are_bounded() -> None:
    opened = ready()
    for ref in range(POSTS_IN_FLIGHT):
        assert isinstance(opened.received(post(ref), 0.0)[0], SubmitPost)
    (refused,) = opened.received(post(99), 0.0)
    assert isinstance(refused, Send) and isinstance(refused.frame, wire.Refused) and refused.frame.code == "busy"
    opened.answered(0, Posted("m", 1))
    assert isinstance(opened.received(post(100), 0.0)[0], SubmitPost)


def test_posts_come_back_with_time() -> None:
    opened = ready(Rate(2.0, 1.0))
    codes = []
    for now in (0.0, 0.1, 0.5, 0.6):
        (effect,) = opened.received(post(1), now)
        codes.append(effect.frame.code if isinstance(effect, Send) and isinstance(effect.frame, wire.Refused) else "ok")
    assert codes == ["ok", "rate_limited", "ok", "rate_limited"]


def test_a_read_mark_is_an_effect_and_not_answered() -> None:
    assert ready().received(b'{"op":"read","room":"r_1","seq":2}', 0.0) == [MarkRead("r_1", 2)]


def test_a_flood_closes_once() -> None:
    opened = session(Rate(1.0, 3.0))
    opened.received(HELLO, 0.0)
    effects = [opened.received(b"{", 0.0) for _ in range(6)]
    assert [effect for each in effects for effect in each] == [Close(1008, "too many frames")]
    assert session(Rate(1.0, 2.0)).control(0.0, 1.0) == []
    assert session(Rate(1.0, 2.0)).control(0.0, 2.5) == [Close(1008, "too many frames")]


FRAMES = st.one_of(
    st.binary(max_size=40),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    ).map(msgspec.json.encode),
    st.fixed_dictionaries(
        {"op": st.sampled_from(["hello", "post", "read", "x"])},
        optional={
            "ref": st.integers() | st.text(max_size=3),
            "room": st.text(max_size=70),
            "seq": st.integers(),
            "client_msg_id": st.text(max_size=3),
            "token": st.none() | st.text(max_size=3),
            "cursors": st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
            "text": st.text(max_size=3),
        },
    ).map(lambda value: msgspec.json.encode(value, enc_hook=str) if _encodable(value) else b"{}"),
)


def _encodable(value: object) -> bool:
    try:
        msgspec.json.encode(value)
    except (OverflowError, UnicodeEncodeError, ValueError):
        return False
    return True


@given(st.lists(FRAMES, max_size=12), st.booleans())
def test_no_bytes_break_a_session(texts: list[bytes], log_in: bool) -> None:
    """Every text has effects of the known kinds, all of which can be sent; after a close there are none."""
    opened = session(Rate(1.0, 10.0), "handshake")
    closed = False
    for now, text in enumerate(texts):
        effects: list[Effect] = list(opened.received(text, float(now)))
        if opened.phase is Phase.LOGIN and log_in:
            posts = Bucket(UNLIMITED, 0.0)
            effects += opened.logged_in(logged_in("sato"), [room("r_1", 2)], posts, float(now), NEVER_RESTORED)
        assert not (closed and effects)
        closed = closed or any(isinstance(effect, Close) for effect in effects)
        assert closed == (opened.phase is Phase.CLOSED)
        for effect in effects:
            if isinstance(effect, Send):
                msgspec.json.encode(effect.frame)


# Buckets and the wheel -----------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 3)), max_size=60))
def test_a_bucket_never_gives_more_than_its_rate(steps: list[tuple[float, float]]) -> None:
    bucket, now, given_out = Bucket(Rate(2.0, 5.0), 0.0), 0.0, 0.0
    for wait, cost in steps:
        now += wait
        refused_for = bucket.take(now, cost)
        given_out += 0.0 if refused_for else cost
        assert given_out <= 5.0 + 2.0 * now + 1e-6
        if refused_for:
            assert bucket.take(now, cost) == pytest.approx(refused_for)


def test_who_waits_as_told_succeeds_and_clocks_that_step_back_give_nothing() -> None:
    bucket = Bucket(Rate(0.5, 1.0), 100.0)
    assert bucket.take(100.0) == 0.0
    wait = bucket.take(100.0)
    assert wait == 2.0 and bucket.take(99.0) == 2.0
    assert bucket.take(100.0 + wait) == 0.0


def test_full_buckets_are_forgotten() -> None:
    buckets = Buckets(Rate(1.0, 2.0), sweep_at=100)
    for number in range(10_000):
        buckets.take(f"address {number}", now=float(number))
    assert len(buckets) <= 101
    assert buckets.take("address 9999", 9999.0) == 0.0
    assert buckets.take("address 9999", 9999.0) > 0.0


class Item:
    def __init__(self) -> None:
        self.slot = -1
        self.rung = 0

    def on_timer(self) -> None:
        self.rung += 1


def test_the_wheel_rings_once_in_time_and_can_be_moved() -> None:
    wheel, soon, late, moved, dropped = TimerWheel(), Item(), Item(), Item(), Item()
    wheel.set(soon, 0.2)
    wheel.set(late, 10_000)
    wheel.set(moved, 1)
    wheel.set(moved, 3)
    wheel.set(dropped, 1)
    wheel.drop(dropped)
    wheel.tick()
    assert (soon.rung, moved.rung, dropped.rung) == (1, 0, 0)
    wheel.tick()
    wheel.tick()
    assert (soon.rung, moved.rung, late.rung) == (1, 1, 0)
    for _ in range(LONGEST):
        wheel.tick()
    assert (late.rung, soon.rung) == (1, 1)


def test_a_fault_of_one_does_not_stop_the_time_of_others() -> None:
    class Faulty(Item):
        def on_timer(self) -> None:
            raise ValueError("a fault")

    wheel, faulty, good = TimerWheel(), Faulty(), Item()
    wheel.set(faulty, 1)
    wheel.set(good, 1)
    wheel.tick()
    assert good.rung == 1
