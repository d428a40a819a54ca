"""May this session open, and when it ends."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from rooms.commands.sessions import EndSession, EndSessionsOf, FailLogin, OpenSession, TouchSession
from rooms.decide import Act, Change, Decision, no
from rooms.ids import make_id
from rooms.people import Person
from rooms.refusals import refuse
from rooms.session import LoginTries, Session
from rooms.world import Terms, World


class SessionOpened(Struct, frozen=True):
    session: Session
    token_hash: str

    def apply(self, world: World) -> None:
        session = self.session
        world.sessions[session.id] = session
        world.sessions_of[session.person] = (*(world.sessions_of.get(session.person) or ()), session.id)


class SessionSeen(Struct, frozen=True):
    session: Session

    def apply(self, world: World) -> None:
        world.sessions[self.session.id] = self.session


class SessionEnded(Struct, frozen=True):
    session: Session
    reason: str

    def apply(self, world: World) -> None:
        world.sessions[self.session.id] = self.session


class LoginTried(Struct, frozen=True):
    """The count of failed logins of a person moved."""

    login: str
    tries: LoginTries

    def apply(self, world: World) -> None:
        world.login_tries[self.login] = self.tries


def _person(world: World, login: str) -> Person | None:
    person_id = world.logins.get(login)
    return world.people.get(person_id) if person_id else None


def open_session(world: World, command: OpenSession, now: int, terms: Terms) -> Decision:
    """A session in the origin's zone; a lock is not shortened by the right password."""
    person = _person(world, command.login)
    zone = command.origin.zone or ""
    if person is None or not person.active:
        return no(refuse("wrong_login"), "login")
    if zone not in person.zones:
        return no(refuse("zone_not_allowed"), "login", person.id)
    if command.checked is not None and command.checked != world.passwords.get(person.id):
        return no(refuse("wrong_login"), "login", person.id)
    tries = world.login_tries.get(command.login) or LoginTries()
    if terms.lockout and tries.locked(now):
        wait = (tries.locked_until - now) // 1000 + 1
        return no(refuse("locked_out", wait), "login", person.id)
    session = Session(make_id("session", command.chance), person.id, zone, command.origin.device, now, now)
    changes: list[Change] = [SessionOpened(session, command.token_hash)]
    if tries.failures:
        changes.append(LoginTried(command.login, LoginTries()))
    return Decision(session, tuple(changes), Act("login", person.id, notes={"session": session.id}))


def fail_login(world: World, command: FailLogin, now: int, terms: Terms) -> Decision:
    """Counted for an existing person; the answer is the same as for a name that does not exist."""
    person = _person(world, command.login)
    if person is None:
        return Decision(refuse("wrong_login"))
    tries = world.login_tries.get(command.login) or LoginTries()
    if terms.lockout and tries.locked(now):
        wait = (tries.locked_until - now) // 1000 + 1
        return no(refuse("locked_out", wait), "login", person.id)
    after = tries.after_failure(now)
    act = Act("login", person.id, "refused", "wrong_login", {"failures": after.failures})
    return Decision(refuse("wrong_login"), (LoginTried(command.login, after),), act)


def touch_session(world: World, command: TouchSession, now: int, terms: Terms) -> Decision:
    session = world.sessions.get(command.session)
    if session is None or session.ended is not None or command.seen <= session.seen:
        return Decision(None)
    return Decision(None, (SessionSeen(msgspec.structs.replace(session, seen=command.seen)),))


def end_session(world: World, command: EndSession, now: int, terms: Terms) -> Decision:
    """Ending twice is ending once."""
    session = world.sessions.get(command.session)
    if session is None or session.ended is not None:
        return Decision(None)
    ended = msgspec.structs.replace(session, ended=now)
    act = Act("session.end", session.person, notes={"session": session.id, "why": command.reason})
    return Decision(None, (SessionEnded(ended, command.reason),), act)


def ended_sessions(world: World, person_id: str, now: int, reason: str) -> tuple[Change, ...]:
    """The changes that end every open session of a person (the slice's loader has brought them in)."""
    changes = []
    for session_id in world.sessions_of.get(person_id) or ():
        session = world.sessions.get(session_id)
        if session is not None and session.ended is None:
            changes.append(SessionEnded(msgspec.structs.replace(session, ended=now), reason))
    return tuple(changes)


def end_sessions_of(world: World, command: EndSessionsOf, now: int, terms: Terms) -> Decision:
    person = _person(world, command.login)
    if person is None:
        return no(refuse("unknown_person"), "session.end")
    changes = ended_sessions(world, person.id, now, command.reason)
    return Decision(len(changes), changes, Act("session.end", person.id, notes={"why": command.reason}))
