"""A metafile alone (EMF, WMF): drawn here or by the converter, and leaves as PNG.

Rules kept here:

- Who draws it is decided as for metafiles in documents: see ``sanitizer.formats.package.metafiles``.

>>> rebuild(b"GIF89a", Job("image/emf", "rebuild", "a.emf", None, Limits()))
Traceback (most recent call last):
sanitizer.formats.base.Refused: ('unreadable', 'metafile')
"""

from __future__ import annotations

from sanitizer.formats.base import Change, Job, Rebuilt, Refused, ToConvert
from sanitizer.formats.package.metafiles import Metafiles, is_metafile
from sanitizer.limits import Limits


def rebuild(data: bytes, job: Job) -> Rebuilt | ToConvert:
    """The picture as PNG. Raises ``Refused``, with ``unsupported-image`` where it could not be drawn."""
    metafiles = Metafiles()
    drawn = metafiles.picture(data) if is_metafile(data) else None
    if drawn is None and not metafiles.found:
        raise Refused("unreadable", "metafile")
    if drawn is None and job.drawn is None:
        return ToConvert("pictures", metafiles.document())
    if drawn is None and job.drawn is not None:
        metafiles.take(job.drawn)
        drawn = metafiles.picture(data)
    if drawn is None:
        raise Refused("unsupported-image", "not drawn")
    return Rebuilt(drawn, "image/png", changed=[Change("metafile-picture", 1)])


def thumbnail(data: bytes, limits: Limits) -> bytes | None:
    """None: what leaves is of another type."""
    return None


def text(data: bytes, limits: Limits) -> str:
    """Nothing: the same."""
    return ""
