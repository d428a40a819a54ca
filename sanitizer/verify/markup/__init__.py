"""Reads pages and drawings as ``docs/grammar-markup.md`` allows them.

Rules kept here:

- Written from the grammar alone; no library for HTML, SVG, CSS or XML, not a line of the transformer.
- A file is cut at every ``<``; what is between must be a tag and the text behind it, written in the one way there is.

In reading order: ``characters`` (what both share), ``values`` (links, pictures), ``style``, ``html``, ``svg``.
"""
