"""Reads calendars and address cards as ``docs/grammar-cards.md`` allows them.

Rules kept here:

- Written from the grammar alone, with RFC 5545 and RFC 6350; no library, not a line of the transformer.
- A line is in the grammar if its name, its parameters and its value are; what is not in a table is a violation.

In reading order: ``lines`` (how lines are written), ``values``, ``calendar``, ``vcard``.
"""
