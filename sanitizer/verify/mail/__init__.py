"""Reads messages as ``docs/grammar-mail.md`` allows them: RFC 5322 and Outlook's compound files.

Rules kept here:

- Written from the grammar alone; no library for mail or compound files, not a line of the transformer.
- What can be written in one way only is written anew and compared; the rest is matched as a whole.
- Files in a message go to the verifiers of their types.

In reading order: ``words``, ``fields``, ``message`` (RFC 5322), ``compound``, ``outlook``.
"""
