"""File name endings and media types: which belong together. A pure table, used on both sides of the wall.

Rules kept here:

- An ending may stand for several types only where programs really write them (``.tif`` and ``.tiff`` are one type, a
  ``.txt`` is text whatever its encoding).
- A released file keeps its name; if its type is not one of its ending's, the ending is replaced.

>>> output_name("写真.heic", "image/jpeg")
'写真.jpg'
>>> output_name("notice.PDF", "application/pdf")
'notice.PDF'
"""

from __future__ import annotations

WORDML, SPREADSHEETML = "application/x-wordml", "application/x-spreadsheetml"  # Word and Excel 2003 XML
FLAT_OPC = "application/x-flat-opc"  # a whole OOXML package as one XML document
_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."

ENDINGS: dict[str, frozenset[str]] = {
    ending: frozenset(types.split())
    for endings, types in (
        ("pdf", "application/pdf"),
        ("png", "image/png"),
        ("jpg jpeg jpe jfif", "image/jpeg"),
        ("gif", "image/gif"),
        ("webp", "image/webp"),
        ("tif tiff", "image/tiff"),
        ("bmp dib", "image/bmp"),
        ("txt text log md json yaml yml ini cfg conf", "text/plain"),
        ("csv", "text/csv"),
        ("tsv tab", "text/tab-separated-values"),
        ("docx", f"{_OOXML}wordprocessingml.document"),
        ("dotx", f"{_OOXML}wordprocessingml.template"),
        ("docm", "application/vnd.ms-word.document.macroenabled.12"),
        ("dotm", "application/vnd.ms-word.template.macroenabled.12"),
        ("xlsx", f"{_OOXML}spreadsheetml.sheet"),
        ("xltx", f"{_OOXML}spreadsheetml.template"),
        ("xlsm", "application/vnd.ms-excel.sheet.macroenabled.12"),
        ("xltm", "application/vnd.ms-excel.template.macroenabled.12"),
        ("xlsb", "application/vnd.ms-excel.sheet.binary.macroenabled.12"),
        ("pptx", f"{_OOXML}presentationml.presentation"),
        ("potx", f"{_OOXML}presentationml.template"),
        ("ppsx", f"{_OOXML}presentationml.slideshow"),
        ("xlam", "application/vnd.ms-excel.addin.macroenabled.12"),
        ("slk sylk", "application/x-sylk"),
        ("pptm", "application/vnd.ms-powerpoint.presentation.macroenabled.12"),
        ("potm", "application/vnd.ms-powerpoint.template.macroenabled.12"),
        ("ppsm", "application/vnd.ms-powerpoint.slideshow.macroenabled.12"),
        ("ppam", "application/vnd.ms-powerpoint.addin.macroenabled.12"),
        ("doc dot", f"application/msword {WORDML} {FLAT_OPC}"),
        ("xls xlt xla", f"application/vnd.ms-excel {SPREADSHEETML}"),
        ("ppt pot pps", "application/vnd.ms-powerpoint"),
        ("rtf", "application/rtf"),
        ("odt", f"{_ODF}text"),
        ("ott", f"{_ODF}text-template"),
        ("ods", f"{_ODF}spreadsheet"),
        ("ots", f"{_ODF}spreadsheet-template"),
        ("odp", f"{_ODF}presentation"),
        ("otp", f"{_ODF}presentation-template"),
        ("odg", f"{_ODF}graphics"),
        ("otg", f"{_ODF}graphics-template"),
        ("odf", f"{_ODF}formula"),
        ("otf", f"{_ODF}formula-template"),
        ("html htm", "text/html"),
        ("xhtml", "application/xhtml+xml"),
        ("svg", "image/svg+xml"),
        ("xml", f"application/xml {WORDML} {SPREADSHEETML} {FLAT_OPC}"),
        ("eml", "message/rfc822"),
        ("msg", "application/vnd.ms-outlook"),
        ("ics", "text/calendar"),
        ("vcf", "text/vcard"),
        ("zip", "application/zip"),
        ("lzh lha", "application/x-lzh"),
        ("7z", "application/x-7z-compressed"),
        ("rar", "application/vnd.rar"),
        ("gz tgz", "application/gzip"),
        ("bz2", "application/x-bzip2"),
        ("xz", "application/x-xz"),
        ("tar", "application/x-tar"),
        ("heic heif hif", "image/heif"),
        ("avif", "image/avif"),
        ("mp3", "audio/mpeg"),
        ("m4a", "audio/mp4"),
        ("wav", "audio/wav"),
        ("aac", "audio/aac"),
        ("flac", "audio/flac"),
        ("ogg oga opus", "audio/ogg"),
        ("amr", "audio/amr"),
        ("aif aiff", "audio/aiff"),
        ("ogv", "video/ogg"),
        ("mpg mpeg vob", "video/mpeg"),
        ("mts m2ts", "video/mp2t"),
        ("flv", "video/x-flv"),
        ("mp4 m4v", "video/mp4"),
        ("mov", "video/quicktime"),
        ("avi", "video/x-msvideo"),
        ("wmv wma asf", "video/x-ms-asf"),
        ("mkv webm", "video/x-matroska"),
        ("jtd jtt jtdc", "application/x-ichitaro"),
        ("xdw xbd", "application/vnd.fujifilm.docuworks"),
        ("jww jwc", "application/x-jww"),
        ("dxf", "image/vnd.dxf"),
        ("dwg", "image/vnd.dwg"),
        ("sfc p21", "application/x-sxf"),
        ("ai eps ps", "application/postscript"),
        ("mdb accdb", "application/x-msaccess"),
        ("one onepkg", "application/onenote"),
        ("indd indt", "application/x-indesign"),
        ("ico", "image/vnd.microsoft.icon"),
        ("psd", "image/vnd.adobe.photoshop"),
        ("wmf", "image/wmf"),
        ("emf", "image/emf"),
        ("jp2 j2k jpx", "image/jp2"),
    )
    for ending in endings.split()
}

_PROGRAMS = """
apk app application appref-ms appx bas bat bin chm class cmd com command cpl crx deb desktop dll dmg drv elf
exe fxp gadget hlp hta img inf ins iso isp jar jnlp js jse ksh lnk mht mhtml msc msh msh1 msh2 msi msix msp
mst ocx ops pcd pif pl ps1 ps1xml ps2 psc1 psc2 py pyc pyo pyw rb reg rpm run scf scr sct settingcontent-ms sh
shb shs so sys url vb vbe vbp vbs vhd vhdx vsmacros vsw vxd website wll ws wsc wsf wsh xbap xll
"""
CONVERTED = frozenset(  # types that LibreOffice alone can read
    {mime for name in ("doc", "xls", "ppt", "rtf", "slk", "emf", "wmf") for mime in ENDINGS[name]} - {FLAT_OPC}
)
EXECUTABLE_ENDINGS = frozenset(_PROGRAMS.split())

CONTAINERS = frozenset(
    {
        "application/gzip",
        "application/vnd.ms-outlook",
        "application/vnd.rar",
        "application/x-7z-compressed",
        "application/x-bzip2",
        "application/x-lzh",
        "application/x-tar",
        "application/x-xz",
        "application/x-zip-with-programs",
        "application/zip",
        "message/rfc822",
    }
)
"""Types that hold files; they have no picture of their own."""

MEDIA = frozenset(mime for types in ENDINGS.values() for mime in types if mime.startswith(("audio/", "video/")))
"""Sound and video; none of them is drawn."""

_CANONICAL = {
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/tiff": "tif",
    "image/bmp": "bmp",
    "text/plain": "txt",
    "text/csv": "csv",
}


def ending(name: str) -> str:
    """The last ending of a file name in lower case, without the dot; empty if it has none."""
    stem, dot, last = name.rpartition(".")
    return last.lower() if dot and stem.strip(". ") else ""


def types_of(name: str) -> frozenset[str]:
    """The media types that the name's ending stands for; empty if it stands for none we know."""
    return ENDINGS.get(ending(name), frozenset())


def ending_of(mime: str) -> str:
    """The ending of a file of type ``mime``, without the dot."""
    return _CANONICAL.get(mime) or next((end for end, types in ENDINGS.items() if mime in types), "bin")


def output_name(name: str, mime: str) -> str:
    """The name under which a file of type ``mime`` leaves."""
    if mime in types_of(name):
        return name
    new = ending_of(mime)
    known = ending(name) in ENDINGS or ending(name) in EXECUTABLE_ENDINGS
    return f"{name.rpartition('.')[0] if known else name}.{new}"
