"""How full the disk is, and what that means: uploads are refused first, then the server only reads.

Rules: looked at every few seconds, and by whoever writes a piece of a file; never in the path of a message; reading
goes on whatever happens; what is refused here is not queued.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rooms.commands import Command
from rooms.commands.gathering import ChangeMembers, OpenRoom
from rooms.commands.posting import PostMessage
from rooms.commands.receiving import ReceiveAttachment
from rooms.perform import Outcome
from rooms.refusals import refuse

Perform = Callable[[Command, Callable[[Outcome], None]], None]
_NEEDS_SPACE = (PostMessage, ReceiveAttachment, OpenRoom, ChangeMembers)


class StorageWatch:
    """``share`` answers how full the disk is, 0 to 1; the limits are shares too."""

    def __init__(self, share: Callable[[], float], refuse_uploads: float, read_only: float) -> None:
        self.share = share
        self._refuse_uploads = refuse_uploads
        self._read_only = read_only
        self.used = 0.0

    def look(self) -> None:
        self.used = self.share()

    def takes_uploads(self) -> bool:
        """Whether there is room for files now: looks afresh."""
        self.look()
        return self.used < self._refuse_uploads

    @property
    def refuses_uploads(self) -> bool:
        """Whether files found no room at the last look."""
        return self.used >= self._refuse_uploads

    @property
    def reads_only(self) -> bool:
        return self.used >= self._read_only

    def guard(
        self, submit: Callable[[Command], asyncio.Future[Outcome]]
    ) -> Callable[[Command], asyncio.Future[Outcome]]:
        """The same ``submit``, but that what needs space is refused while there is none."""

        def guarded(command: Command) -> asyncio.Future[Outcome]:
            if self.reads_only and isinstance(command, _NEEDS_SPACE):
                refused: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
                refused.set_result(Outcome(command, refuse("read_only")))
                return refused
            return submit(command)

        return guarded

    def guard_perform(self, perform: Perform) -> Perform:
        """``guard`` for who is called back."""

        def guarded(command: Command, answered: Callable[[Outcome], None]) -> None:
            if self.reads_only and isinstance(command, _NEEDS_SPACE):
                answered(Outcome(command, refuse("read_only")))
            else:
                perform(command, answered)

        return guarded
