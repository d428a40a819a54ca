"""First bytes, and what can be said about a type: the tables of identification (jailed side).

Rules kept here:

- A signature is long enough that text does not begin with it; structure is checked in ``identify`` and ``containers``.
- Every type that is known and not yet rebuilt has a refusal that says what to send instead.

>>> unsupported("image/heif")
'unsupported-heif'
"""

from __future__ import annotations

from sanitizer import kinds

# what begins like this is never let through
EXECUTABLE: tuple[tuple[bytes, str], ...] = (
    (b"\x7fELF", "ELF"),
    (b"\xfe\xed\xfa\xce", "Mach-O"),
    (b"\xfe\xed\xfa\xcf", "Mach-O"),
    (b"\xce\xfa\xed\xfe", "Mach-O"),
    (b"\xcf\xfa\xed\xfe", "Mach-O"),
    (b"\xca\xfe\xba\xbe", "Java class or Mach-O"),
    (b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F", "Windows shortcut"),
    (b"#!", "script"),
    (b"\xef\xbb\xbf#!", "script"),
    (b"dex\n03", "Android program"),
    (b"\0asm", "WebAssembly"),
    (b"ITSF\x03\0\0\0", "compiled HTML help"),
    (b"MSCF\0\0\0\0", "Windows cabinet"),
    (b"!<arch>\n", "program library or package"),
    (b"\xed\xab\xee\xdb", "RPM package"),
    (b"[InternetShortcut]", "internet shortcut"),
    (b"[Desktop Entry]", "desktop shortcut"),
    (b"Windows Registry Editor", "registry file"),
    (b"REGEDIT4", "registry file"),
)

# a program that is also a text: the test file of the anti-virus industry
PROGRAM_IN_TEXT = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR"

# offset, bytes, media type
MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"II+\0", "image/tiff"),
    (0, b"MM\0+", "image/tiff"),
    (0, b"{\\rt", "application/rtf"),
    (0, b"\x09\0\x04\0", "application/vnd.ms-excel"),  # Excel 2 to 4: a stream of records without a compound file
    (0, b"\x09\x02\x06\0", "application/vnd.ms-excel"),
    (0, b"\x09\x04\x06\0", "application/vnd.ms-excel"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (257, b"ustar", "application/x-tar"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"\x1a\x45\xdf\xa3", "video/x-matroska"),
    (0, b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\0\xaa\0b\xcel", "video/x-ms-asf"),
    (0, b"#!AMR\n", "audio/amr"),
    (0, b"#!AMR-WB\n", "audio/amr"),
    (0, b"\0\0\1\xba", "video/mpeg"),
    (0, b"\0\0\1\xb3", "video/mpeg"),
    (0, b"FLV\1", "video/x-flv"),
    (4, b"Standard Jet DB\0", "application/x-msaccess"),
    (4, b"Standard ACE DB\0", "application/x-msaccess"),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", "application/onenote"),
    (0, b"\x06\x06\xed\xf5\xd8\x1d\x46\xe5\xbd\x31\xef\xe7\xfe\x74\xb7\x1d", "application/x-indesign"),
    (0, b"\0\0\1\0", "image/vnd.microsoft.icon"),
    (0, b"JwwData.", "application/x-jww"),
    (0, b"AC10", "image/vnd.dwg"),
    (0, b"%!PS", "application/postscript"),
    (0, b"\xc5\xd0\xd3\xc6", "application/postscript"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"\xd7\xcd\xc6\x9a", "image/wmf"),
    (40, b" EMF", "image/emf"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\xff\x4f\xff\x51", "image/jp2"),
    (0, b"\x60\x0e\x82\x82", "application/vnd.fujifilm.docuworks"),
)

# begins like a script, and is sound
SOUND_LIKE_A_SCRIPT = (b"#!AMR\n", b"#!AMR-WB\n")

# types of which we know little more than the name; all of them are refused unless they pass untouched
BY_NAME = frozenset(
    {
        "application/vnd.fujifilm.docuworks",
        "application/x-ichitaro",
        "application/x-jww",
        "application/x-sxf",
        "audio/aac",
        "image/vnd.dwg",
        "image/vnd.dxf",
    }
)

ANY_TEXT = frozenset(
    {"text/plain", "text/csv", "text/html", "application/xhtml+xml", "image/svg+xml", "message/rfc822"}
)

TEXT_BY_NAME = frozenset(
    {
        "application/x-sxf",
        "application/x-sylk",
        "application/xhtml+xml",
        "application/xml",
        "image/vnd.dxf",
        "text/calendar",
        "text/html",
        "text/vcard",
    }
)

# types that differ in one word of a package: what the contents are → by whose names they may be called. A name may
# promise macros that are not there, never the other way round
TWINS = {
    mime: frozenset().union(*(kinds.ENDINGS[name] for name in (*plain.split(), *with_macros.split())))
    for plain, with_macros in (
        ("docx dotx", "docm dotm"),
        ("xlsx xltx", "xlsm xltm"),
        ("pptx potx ppsx", "pptm potm ppsm"),
        ("odt ott", ""),
        ("ods ots", ""),
        ("odp otp", ""),
        ("odg otg", ""),
    )
    for name in plain.split()
    for mime in kinds.ENDINGS[name]
}

# sound and video in one and the same container, whose brand does not tell which of them: what the contents are → by
# whose names they may be called
TWINS |= {
    "audio/mp4": frozenset({"video/mp4"}),
    "audio/ogg": frozenset({"video/ogg"}),
    "video/mp4": frozenset({"audio/mp4", "video/quicktime"}),
    "video/quicktime": frozenset({"audio/mp4", "video/mp4"}),
}

_UNSUPPORTED = (
    ("application/x-msaccess", "unsupported-database"),
    ("application/onenote", "unsupported-notebook"),
    ("application/vnd.openxmlformats-", "unsupported-office"),
    ("application/x-encrypted-office", "unsupported-office"),
    ("application/x-ooxml", "unsupported-office"),
    ("application/vnd.ms-outlook", "unsupported-mail"),
    ("application/msword", "unsupported-legacy-office"),
    ("application/x-ole-storage", "unsupported-legacy-office"),
    ("application/vnd.oasis.opendocument.", "unsupported-opendocument"),
    ("application/rtf", "unsupported-rtf"),
    ("message/rfc822", "unsupported-mail"),
    ("image/heif", "unsupported-heif"),
    ("image/vnd.dxf", "unsupported-cad"),
    ("image/vnd.dwg", "unsupported-cad"),
    ("application/x-jww", "unsupported-cad"),
    ("application/x-sxf", "unsupported-cad"),
    ("application/x-ichitaro", "unsupported-ichitaro"),
    ("application/vnd.fujifilm.docuworks", "unsupported-docuworks"),
    ("application/zip", "unsupported-archive"),
    ("application/x-zip", "unsupported-archive"),
    ("application/x-lzh", "unsupported-archive"),
    ("application/x-7z", "unsupported-archive"),
    ("application/vnd.rar", "unsupported-archive"),
    ("application/gzip", "unsupported-archive"),
    ("application/x-bzip2", "unsupported-archive"),
    ("application/x-xz", "unsupported-archive"),
    ("application/x-tar", "unsupported-archive"),
    ("audio/", "unsupported-media"),
    ("video/", "unsupported-media"),
    ("image/", "unsupported-image"),
)


def unsupported(mime: str) -> str:
    """The refusal code for a type that cannot be rebuilt: each says what to send instead."""
    if mime.endswith(".12"):
        return "unsupported-office"
    if mime.startswith(("application/vnd.ms-excel", "application/vnd.ms-powerpoint")):
        return "unsupported-legacy-office"
    return next((code for prefix, code in _UNSUPPORTED if mime.startswith(prefix)), "unsupported")
