"""The formats that can be rebuilt: an explicit table, media type → module.

Rules kept here:

- A format exists where it has a line here, a module with ``rebuild`` and ``thumbnail`` (see ``base``), a verifier in
  ``sanitizer/verify/__init__.py`` for every type it may put out, and three tests: it shows, it cleans, it refuses a
  corrupted file.
- The table holds names, so that importing it imports no parser; ``sanitizer.cell`` imports the modules before the first
  file. ``tests/sanitizer`` and the fuzz targets are derived from this same table.

>>> FORMATS.get("application/x-dosexec") is None
True
"""

from __future__ import annotations

FORMATS: dict[str, str] = {
    # "media/type": "module",
    "application/gzip": "sanitizer.formats.archive",
    "application/msword": "sanitizer.formats.legacy",
    "application/pdf": "sanitizer.formats.pdf",
    "application/rtf": "sanitizer.formats.legacy",
    "application/vnd.ms-excel": "sanitizer.formats.legacy",
    "application/vnd.ms-excel.addin.macroenabled.12": "sanitizer.formats.ooxml",
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": "sanitizer.formats.ooxml",
    "application/vnd.ms-excel.sheet.macroenabled.12": "sanitizer.formats.ooxml",
    "application/vnd.ms-excel.template.macroenabled.12": "sanitizer.formats.ooxml",
    "application/vnd.ms-outlook": "sanitizer.formats.mail.msg",
    "application/vnd.ms-powerpoint": "sanitizer.formats.legacy",
    "application/vnd.ms-powerpoint.addin.macroenabled.12": "sanitizer.formats.ooxml",
    "application/vnd.ms-powerpoint.presentation.macroenabled.12": "sanitizer.formats.ooxml",
    "application/vnd.ms-powerpoint.slideshow.macroenabled.12": "sanitizer.formats.ooxml",
    "application/vnd.ms-powerpoint.template.macroenabled.12": "sanitizer.formats.ooxml",
    "application/vnd.ms-word.document.macroenabled.12": "sanitizer.formats.ooxml",
    "application/vnd.ms-word.template.macroenabled.12": "sanitizer.formats.ooxml",
    "application/vnd.oasis.opendocument.formula": "sanitizer.formats.odf",
    "application/vnd.oasis.opendocument.formula-template": "sanitizer.formats.odf",
    "application/vnd.oasis.opendocument.graphics": "sanitizer.formats.odf",
    "application/vnd.oasis.opendocument.graphics-template": "sanitizer.formats.odf",
    "application/vnd.oasis.opendocument.presentation": "sanitizer.formats.odf",
    "application/vnd.oasis.opendocument.presentation-template": "sanitizer.formats.odf",
    "application/vnd.oasis.opendocument.spreadsheet": "sanitizer.formats.odf",
    "application/vnd.oasis.opendocument.spreadsheet-template": "sanitizer.formats.odf",
    "application/vnd.oasis.opendocument.text": "sanitizer.formats.odf",
    "application/vnd.oasis.opendocument.text-template": "sanitizer.formats.odf",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "sanitizer.formats.ooxml",
    "application/vnd.openxmlformats-officedocument.presentationml.slideshow": "sanitizer.formats.ooxml",
    "application/vnd.openxmlformats-officedocument.presentationml.template": "sanitizer.formats.ooxml",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "sanitizer.formats.ooxml",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.template": "sanitizer.formats.ooxml",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "sanitizer.formats.ooxml",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.template": "sanitizer.formats.ooxml",
    "application/vnd.rar": "sanitizer.formats.archive",
    "application/x-7z-compressed": "sanitizer.formats.archive",
    "application/x-bzip2": "sanitizer.formats.archive",
    "application/x-encrypted-office": "sanitizer.formats.ooxml",
    "application/x-flat-opc": "sanitizer.formats.ooxml.flat",
    "application/x-lzh": "sanitizer.formats.archive",
    "application/x-ooxml": "sanitizer.formats.ooxml",
    "application/x-spreadsheetml": "sanitizer.formats.legacy",
    "application/x-sylk": "sanitizer.formats.legacy",
    "application/x-tar": "sanitizer.formats.archive",
    "application/x-wordml": "sanitizer.formats.legacy",
    "application/x-xz": "sanitizer.formats.archive",
    "application/x-zip-with-programs": "sanitizer.formats.archive",
    "application/xhtml+xml": "sanitizer.formats.markup.html",
    "application/zip": "sanitizer.formats.archive",
    "image/avif": "sanitizer.formats.avif",
    "image/bmp": "sanitizer.formats.image",
    "image/emf": "sanitizer.formats.metafile",
    "image/gif": "sanitizer.formats.image",
    "image/heif": "sanitizer.formats.heif",
    "image/jpeg": "sanitizer.formats.image",
    "image/png": "sanitizer.formats.image",
    "image/svg+xml": "sanitizer.formats.markup.svg",
    "image/tiff": "sanitizer.formats.image",
    "image/webp": "sanitizer.formats.image",
    "image/wmf": "sanitizer.formats.metafile",
    "message/rfc822": "sanitizer.formats.mail.eml",
    "text/calendar": "sanitizer.formats.cards.calendar",
    "text/csv": "sanitizer.formats.csv_table",
    "text/html": "sanitizer.formats.markup.html",
    "text/plain": "sanitizer.formats.text",
    "text/tab-separated-values": "sanitizer.formats.csv_table",
    "text/vcard": "sanitizer.formats.cards.vcard",
}
