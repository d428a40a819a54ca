"""Strict readers of the canonical HTML and SVG of ``docs/grammar-markup.md``."""
