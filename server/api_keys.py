"""Who presents a key: other systems at the door.

Rules kept here:
- a key is looked up at every use, so that a revocation counts at once;
- whatever is wrong with it, the answer is the same ``unauthenticated``; the record says what: a key of ours that is
  over or in the wrong place by itself, what nobody knows with the minute's others;
- a key works by the file: more than its rate is ``rate_limited``, with the seconds to wait.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable

from rooms.api_key import ApiKey, why_not
from rooms.commands import Command, Origin
from rooms.commands.noting import NoteAct
from rooms.perform import Outcome
from rooms.refusals import Refusal, refuse
from rooms.session import token_hash
from rooms.store.api_keys import api_key_by_digest
from rooms.store.database import Database
from server.rate_limits import Buckets
from server.strangers import Strangers


class ApiKeys:
    """``now`` in ms UTC; ``files``: a bucket for each key."""

    def __init__(
        self,
        database: Database,
        strangers: Strangers,
        submit: Callable[[Command], Awaitable[Outcome]],
        now: Callable[[], int],
        files: Buckets,
    ) -> None:
        self._database = database
        self._strangers = strangers
        self._submit = submit
        self._now = now
        self._files = files

    async def opened(self, token: str | None, scope: str, listener: str, origin: Origin) -> ApiKey | Refusal:
        """The key behind ``token``, if it opens ``scope`` at this listener, and is not too busy."""
        key = await self._known(token)
        if key is None:
            self._strangers.refused(origin, "unauthenticated")
            return refuse("unauthenticated")
        wait = self._files.take(key.id, time.monotonic())
        why = why_not(key, scope, origin.zone or "", listener, self._now())
        if why is not None and wait:
            self._strangers.refused(origin, "unauthenticated")  # a flood of them goes on record by the minute
            return refuse("unauthenticated")
        if why is not None:
            await self._submit(NoteAct(origin, "apikey.use", key.id, "refused", why))
            return refuse("unauthenticated")
        return refuse("rate_limited", math.ceil(wait)) if wait else key

    async def _known(self, token: str | None) -> ApiKey | None:
        if not token:
            return None
        async with self._database.read() as connection:
            return await api_key_by_digest(connection, token_hash(token))
