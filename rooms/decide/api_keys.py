"""Giving and taking keys for other systems: the acts of an administrator, mostly from the command line."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from rooms.api_key import SCOPES, ApiKey
from rooms.commands.api_keys import AddApiKey, RevokeApiKey
from rooms.decide import Act, Decision, no
from rooms.decide.people import administrator
from rooms.ids import make_id
from rooms.people import normal_name
from rooms.refusals import refuse
from rooms.world import Terms, World

DAY = 24 * 60 * 60_000
MOST_DAYS = 3650


class ApiKeyAdded(Struct, frozen=True):
    key: ApiKey
    digest: str

    def apply(self, world: World) -> None:
        world.api_keys[self.key.id] = self.key


class ApiKeyRevoked(Struct, frozen=True):
    key: ApiKey

    def apply(self, world: World) -> None:
        world.api_keys[self.key.id] = self.key


def add_api_key(world: World, command: AddApiKey, now: int, terms: Terms) -> Decision:
    refusal = administrator(world, command)
    name = normal_name(command.name)
    days = command.days
    if refusal is not None:
        return no(refusal, "apikey.add")
    if command.zone not in terms.zones:
        return no(refuse("unknown_zone"), "apikey.add")
    wrong_scope = not command.scopes or not command.scopes <= SCOPES
    if name is None or wrong_scope or (days is not None and not 0 < days <= MOST_DAYS):
        return no(refuse("invalid"), "apikey.add")
    expires = None if days is None else now + days * DAY
    key = ApiKey(
        make_id("key", command.chance), name, command.zone, command.listener, command.scopes, now, expires
    )  # fmt: skip
    notes = {"name": name, "zone": key.zone, "scopes": ",".join(sorted(key.scopes)), "expires": expires}
    return Decision(key, (ApiKeyAdded(key, command.digest),), Act("apikey.add", key.id, notes=notes))


def revoke_api_key(world: World, command: RevokeApiKey, now: int, terms: Terms) -> Decision:
    """Revoking twice is revoking once."""
    refusal = administrator(world, command)
    key = world.api_keys.get(command.key)
    if refusal is not None or key is None:
        return no(refusal or refuse("not_found"), "apikey.revoke")
    if key.revoked is not None:
        return Decision(key)
    revoked = msgspec.structs.replace(key, revoked=now)
    return Decision(revoked, (ApiKeyRevoked(revoked),), Act("apikey.revoke", key.id))
