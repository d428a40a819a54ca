"""Makes a received file name safe to show, to store on a record and to save on any system.

Rules kept here:

- What is shown is what is meant: no bidirectional controls, zero-width or other invisible characters, control
  characters or line ends; Unicode NFC; runs of blanks are one blank (they push an extension out of sight).
- A name is one path part that Windows, macOS and Linux can save: no folder, drive, stream (``:``) or reserved device
  name, none of ``< > : " / \\ | ? *``, no leading dot, no trailing dot or blank, at most 255 bytes of UTF-8.
- The last extension is not one that a double click would run, however its dot is written (``report.pdf.exe``,
  ``report．exe``): its dot becomes ``_``.
- Characters of Japanese names stay: ideographic variation selectors, gaiji of the private use area, full-width forms.
- A name made safe is safe: ``safe_file_name(safe_file_name(x).name)`` changes nothing.

>>> safe_file_name("..\\\\invoice\\u202efdp.exe")
SafeName(name='invoicefdp_exe', changes=('invisible', 'folder', 'executable-extension'))
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import regex

UNTITLED = "無題"
MAX_BYTES = 255
MAX_EXTENSION_BYTES = 32

# Extensions that Windows, macOS or Linux run, mount or install on a double click.
_RUN_BY_A_DOUBLE_CLICK = """
exe scr pif com bat cmd vbs vbe js jse mjs wsf wsh wsc sct ps1 ps1xml ps2 psc1 psm1 psd1 msi msp mst msix appx
appxbundle msixbundle appinstaller hta lnk jar jnlp class reg dll cpl ocx sys drv url website webloc iso img vhd
vhdx chm hlp scf inf ins isp gadget application appref-ms settingcontent-ms library-ms search-ms searchconnector-ms
theme themepack deskthemepack diagcab xll iqy oqy rqy slk one onepkg desktop sh bash zsh csh ksh command run bin elf
so app dmg pkg deb rpm apk ipa py pyw pyc pyz pl rb php asp aspx jsp swf ade adp mda mdb mde accde accda crt shb shs
ws xbap xnk workflow action scpt scptd applescript osx prg grp job msc psh rdp vb vxd wlh cnt mad maf mag mam mar
mas mat mau mav maw
"""
EXECUTABLE = frozenset(_RUN_BY_A_DOUBLE_CLICK.split())
# Extensions of each type that may be released; the first is the one that is added.
EXTENSIONS: dict[str, tuple[str, ...]] = {
    "application/pdf": ("pdf",),
    "image/png": ("png", "apng"),
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "image/tiff": ("tif", "tiff"),
    "image/bmp": ("bmp", "dib"),
    "image/avif": ("avif",),
    "image/svg+xml": ("svg",),
    "text/plain": ("txt", "text", "log", "md", "ini", "conf", "cfg", "json", "yaml", "yml", "asc", "srt", "tex"),
    "text/csv": ("csv", "tsv", "tab"),
    "text/tab-separated-values": ("tsv", "tab"),
    "text/html": ("html", "htm"),
    "text/calendar": ("ics",),
    "text/vcard": ("vcf",),
    "message/rfc822": ("eml",),
    "application/zip": ("zip",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.template": ("dotx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.template": ("xltx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("pptx",),
    "application/vnd.openxmlformats-officedocument.presentationml.template": ("potx",),
    "application/vnd.openxmlformats-officedocument.presentationml.slideshow": ("ppsx",),
    "application/vnd.oasis.opendocument.text": ("odt",),
    "application/vnd.oasis.opendocument.spreadsheet": ("ods",),
    "application/vnd.oasis.opendocument.presentation": ("odp",),
}
# Extensions of types that leave as another type: they are replaced, not kept before the new one.
_LEAVE_AS_ANOTHER = """
heic heif hif docm dotm doc dot rtf xlsm xltm xlsb xls xlt pptm potm ppsm ppt pot pps msg
lzh lha 7z rar tar gz tgz bz2 xz
"""
_CONVERTED = frozenset(_LEAVE_AS_ANOTHER.split())
_KNOWN = frozenset(extension for extensions in EXTENSIONS.values() for extension in extensions) | _CONVERTED

_RESERVED = regex.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9])", regex.IGNORECASE)
# Cc, Cs, Cn, Zl, Zp, every default-ignorable character but the variation selectors, and letters that look like nothing.
_INVISIBLE = regex.compile(
    r"(?V1)[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc]"
)
# A selector chooses the shape of the character before it; more than one, or one after nothing, says nothing visible.
_STRAY_SELECTOR = regex.compile(
    r"(?:^|(?<=[\s\ufe00-\ufe0f\U000e0100-\U000e01ef]))[\ufe00-\ufe0f\U000e0100-\U000e01ef]+"
)
_BLANKS = regex.compile(r"(?V1)[\p{Zs}--[\u3000]]+|\u3000{2,}|\p{Zs}{2,}")
_DOTS = ".．。｡․﹒"
_ENDS = _DOTS + "… \u3000"
_FORBIDDEN = regex.compile(r'[<>"|?*]')
_CLOCK = regex.compile(r"(?<=\d):(?=\d)")


@dataclass(frozen=True, slots=True)
class SafeName:
    """A safe name and what was changed: stable words such as ``invisible``, ``folder``, ``executable-extension``."""

    name: str
    changes: tuple[str, ...]


def safe_file_name(original: str) -> SafeName:
    """``original`` (any string, also with lone surrogates) made safe. Never empty: what has no name is 無題."""
    changes: list[str] = []
    name = original
    while True:
        before = name
        for word, step in _STEPS:
            after = step(name)
            if after != name and word not in changes:
                changes.append(word)
            name = after
        if name == before:
            return SafeName(name, tuple(changes))


def with_extension(name: str, mime: str) -> str:
    """The safe form of ``name`` with an extension that fits ``mime``: kept where it fits, exchanged where it belongs to
    another type, else added. A type without a line in ``EXTENSIONS`` leaves the name as it is."""
    safe = safe_file_name(name).name
    fitting = EXTENSIONS.get(mime)
    if fitting is None:
        return safe
    stem, extension = _split(safe)
    if extension[1:].lower() in fitting:
        return safe
    if extension[1:].lower() not in _KNOWN:
        stem = safe
    return _shortened(stem.rstrip(_ENDS) or UNTITLED, "." + fitting[0])


def _visible(name: str) -> str:
    shown: str = _STRAY_SELECTOR.sub("", _INVISIBLE.sub("", name))
    return shown


def _last_part(name: str) -> str:
    """The last path part that is not empty or made of dots."""
    parts = [part for part in regex.split(r"[/\\]", name) if part.strip(_ENDS)]
    return parts[-1] if parts else ""


def _without_stream(name: str) -> str:
    """The name without a drive before it or a stream (NTFS) behind its colon; a time of day keeps a full-width one."""
    drive = regex.match(r"\s*[A-Za-z]:(?!\d)", name)
    name = _CLOCK.sub("：", name[drive.end() :] if drive else name)
    return name.partition(":")[0] if not name.startswith(":") else name.lstrip(":")


def _without_leading_dot(name: str) -> str:
    bare = name.lstrip(_ENDS)
    if name != bare and bare.lower() in _KNOWN:
        return f"{UNTITLED}.{bare}"
    return bare


def _not_executable(name: str) -> str:
    """The dot before an extension that runs becomes ``_``; all forms of dot and of letters count."""
    cut = max(name.rfind(dot) for dot in _DOTS)
    extension = unicodedata.normalize("NFKC", name[cut + 1 :]).strip().lower()
    if cut >= 0 and extension in EXECUTABLE:
        return name[:cut] + "_" + name[cut + 1 :]
    return name


def _not_reserved(name: str) -> str:
    stem = unicodedata.normalize("NFKC", name).partition(".")[0].strip()
    return "_" + name if _RESERVED.fullmatch(stem) else name


def _split(name: str) -> tuple[str, str]:
    """Stem and extension with its dot; what is too long to be an extension belongs to the stem."""
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > MAX_EXTENSION_BYTES or not extension:
        return name, ""
    return stem, dot + extension


def _fits(name: str) -> str:
    return name if len(name.encode()) <= MAX_BYTES else _shortened(*_split(name))


def _shortened(stem: str, extension: str) -> str:
    """Stem and extension in at most 255 bytes, cut between graphemes."""
    room = MAX_BYTES - len(extension.encode())
    if len(stem.encode()) > room:
        kept, used = [], 0
        for grapheme in regex.findall(r"\X", stem[:room]):
            used += len(grapheme.encode())
            if used > room:
                break
            kept.append(grapheme)
        stem = "".join(kept).rstrip(_ENDS) or UNTITLED
    return stem + extension


_STEPS = (
    ("invisible", _visible),
    ("not-nfc", lambda name: unicodedata.normalize("NFC", name)),
    ("folder", _last_part),
    ("stream", _without_stream),
    ("forbidden-character", lambda name: _FORBIDDEN.sub("_", name)),
    ("blanks", lambda name: _BLANKS.sub(" ", name)),
    ("leading-dot", _without_leading_dot),
    ("trailing-dot", lambda name: name.rstrip(_ENDS)),
    ("executable-extension", _not_executable),
    ("reserved-name", _not_reserved),
    ("too-long", _fits),
    ("empty", lambda name: name or UNTITLED),
)
