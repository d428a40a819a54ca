"""The verifier of PDF: accepts exactly the files of ``docs/grammar-pdf.md`` and nothing else.

It is written from that document and ISO 32000-1 alone, shares no code with the transformer, and uses no PDF library.
Read it beside the document, in this order:

====================  =========================================================================
``layout``            section 1: every byte of the file has its place (``flate``: 1.3)
``values``            section 2: the one way to write a value
``kinds``             section 3: kinds of strings
``tables``            section 4: the tables, word for word; ``rules`` compiles their notation
``walk``, ``checks``  sections 4 and 6: one type for every object, nothing left over
``trees``, ``colour``  section 4: rules that span objects; colour spaces
``content``, ``inline``, ``images``, ``fonts``, ``functions``   section 5: data of streams
====================  =========================================================================

Rules kept here:

- It repairs nothing and guesses nothing: whatever is not expressly allowed is a ``Violation``.
- Any other exception, from whatever cause, becomes a ``Violation`` too.
- It is cheap: a file of 50 kB costs about 2.5 ms of CPU, so that nobody is tempted to skip it.

>>> verify(b"%PDF-1.7\\n", Limits())
Traceback (most recent call last):
sanitizer.verify.Violation: ('header', '')
"""

from __future__ import annotations

from sanitizer.limits import Limits
from sanitizer.verify import Violation
from sanitizer.verify.pdf.flate import Inflater
from sanitizer.verify.pdf.layout import read
from sanitizer.verify.pdf.trees import check_trees
from sanitizer.verify.pdf.walk import Walk


def verify(data: bytes, limits: Limits, mime: str = "application/pdf") -> None:
    """Return if ``data`` is in the grammar; else raise ``Violation`` with a code and the object or offset."""
    try:
        inflater = Inflater(limits.max_inflated)
        walk = Walk(read(data, limits, inflater), limits, inflater)
        walk.run()
        check_trees(walk)
    except Violation:
        raise
    except Exception as error:
        raise Violation("unverifiable") from error
