"""HTML and SVG, rebuilt by allow-list and emitted canonically (``docs/grammar-markup.md``)."""
