"""What an XMPP client says to log in, to join a room and to talk (RFC 6120, XEP-0045): scripts for ``ops.bench.crowd``.

Rules: plain text on loopback, SASL PLAIN; no presence but to the room; no history.

>>> say(3, "u1", "r", "hello")
b"<message to='r@rooms.localhost' type='groupchat' id='u1-3'><body>hello</body></message>"
"""

from __future__ import annotations

import base64

from ops.bench.crowd import Script

HOST = "localhost"
ROOMS = f"rooms.{HOST}"
PASSWORD = "bench"
MARKER = b"</body>"

_STREAM = (
    f"<?xml version='1.0'?><stream:stream to='{HOST}' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
).encode()
_BIND = b"<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
_HISTORY = "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>"


def script(user: str, room: str, text: str) -> Script:
    """Log in as ``user``, join ``room`` (made by whoever comes first), then say ``text``."""
    plain = base64.b64encode(f"\0{user}\0{PASSWORD}".encode()).decode()
    auth = f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{plain}</auth>".encode()
    join = f"<presence to='{room}@{ROOMS}/{user}'>{_HISTORY}</presence>".encode()
    mark = f"@{user}@"
    steps = (
        (_STREAM, b"</stream:features>"),
        (auth, b"<success"),
        (_STREAM, b"</stream:features>"),
        (_BIND, b"</iq>"),
        (join, b"<subject"),  # comes last (XEP-0045, 7.1)
    )
    return Script(steps, lambda number: say(number, user, room, mark + text), mark.encode())


def say(number: int, user: str, room: str, text: str) -> bytes:
    stanza = f"<message to='{room}@{ROOMS}' type='groupchat' id='{user}-{number}'><body>{text}</body></message>"
    return stanza.encode()
