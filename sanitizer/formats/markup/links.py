"""Links out of a document: http, https, mailto and tel, written so that they have one reading.

Rules kept here:

- ASCII only: other characters of a path are percent-encoded as UTF-8, a name of a host is written as IDNA says.
- No user name or password in an address, no host that is a bracketed number, no control or blank anywhere: browsers
  take such characters out before they look at the scheme, so they are taken out here first.
- A mail link keeps its recipients and its subject alone.

>>> canonical_link(" HTTPS://www.Example.lg.jp/広報?a=1&b#c")
'https://www.example.lg.jp/%E5%BA%83%E5%A0%B1?a=1&b#c'
>>> canonical_link("java\\tscript:alert(1)") is None
True
"""

from __future__ import annotations

import re
import urllib.parse

from sanitizer.patterns import compile_pattern

LONGEST = 2000
_WEB = compile_pattern(r"(https?):/*([^/?#]*)([^#]*)(#.*)?", re.IGNORECASE | re.DOTALL)
_HOST = compile_pattern(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?")
_PORT = compile_pattern(r"(?::[0-9]{1,5})?")
_SAFE = "/?:@!$&()*+,;=~%-._[]"
_ADDRESS = r"[A-Za-z0-9.!#$*+/=?^_{|}~%-]+@[A-Za-z0-9.-]+"
_MAIL = compile_pattern(rf"mailto:({_ADDRESS}(?:,{_ADDRESS})*)(?:\?(.*))?", re.IGNORECASE | re.DOTALL)
_PHONE = compile_pattern(r"tel:(\+?[0-9().-]{1,40})", re.IGNORECASE)
_REMOVED_BY_BROWSERS = compile_pattern(r"[\x00-\x20\x7f]+")


def canonical_link(address: str) -> str | None:
    """The address written canonically, None for one that may not stay."""
    address = re.sub(r"[\t\r\n]", "", address).strip("".join(map(chr, range(33))))
    if "\\" in address.partition("?")[0]:
        return None
    link = _web(address) or _mail(address) or _phone(address)
    return link if link and len(link) <= LONGEST else None


def _web(address: str) -> str | None:
    match = _WEB.fullmatch(address)
    if not match:
        return None
    host, port = re.fullmatch(r"(.*?)((?::[0-9]*)?)", match[2], re.DOTALL).groups()  # type: ignore[union-attr]
    host = _ascii_host(host)
    port = "" if port == ":" else port
    if not host or not _HOST.fullmatch(host) or not _PORT.fullmatch(port):
        return None
    fragment = "#" + _encoded(match[4][1:]) if match[4] else ""
    return f"{match[1].lower()}://{host}{port}{_encoded(match[3])}{fragment}"


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        return host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""


def _encoded(part: str) -> str:
    """Percent-encoded where it is not plain; a percent sign that encodes nothing becomes ``%25``."""
    return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", urllib.parse.quote(part, safe=_SAFE, errors="replace"))


def _mail(address: str) -> str | None:
    match = _MAIL.fullmatch(address)
    if not match:
        return None
    fields = [field.partition("=") for field in (match[2] or "").split("&")]
    subject = next((value for name, _, value in fields if name.lower() == "subject" and value), "")
    plain = urllib.parse.quote(_REMOVED_BY_BROWSERS.sub(" ", urllib.parse.unquote(subject))[:200], safe="")
    return f"mailto:{match[1]}" + (f"?subject={plain}" if plain else "")


def _phone(address: str) -> str | None:
    match = _PHONE.fullmatch(address.replace(" ", ""))
    return f"tel:{match[1]}" if match else None
