"""TLS, mutual TLS and unix sockets; logs and problems."""

from __future__ import annotations

import datetime
import io
import ipaddress
import json
import logging
import socket
import ssl
import stat
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from support.served import receive, send, served
from websockets.asyncio.client import connect, unix_connect
from websockets.typing import Subprotocol

from rooms.refusals import REASONS, refuse
from rooms.store.database import writer_engine
from server.binding import StartRefused, bind
from server.log_format import configure
from server.problems import problem_response
from server.settings import ListenerSettings

SUBPROTOCOLS = [Subprotocol("sekisho.v1")]


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """A self-signed certificate for 127.0.0.1, good for the server, the client and as their authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "terminal 1")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_pem = tmp_path / "cert.pem", tmp_path / "key.pem"
    pem.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    key_pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(pem), str(key_pem)


def client_context(certificate: tuple[str, str], *, shows: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificate[0])
    if shows:
        context.load_cert_chain(*certificate)
    return context


async def test_tls_with_a_certificate_of_the_terminal(certificate: tuple[str, str]) -> None:
    pem, key = certificate
    secure = ListenerSettings(
        name="in", zone="lgwan", host="127.0.0.1", tls_certificate=pem, tls_key=key, client_ca=pem
    )
    async with served(listeners=[secure]) as town:
        shown = client_context(certificate, shows=True)
        async with httpx.AsyncClient(verify=shown, trust_env=False) as client:
            answer = await client.get(f"{town.url('lgwan')}/who")
            assert answer.json()["device"].startswith("tls:") and len(answer.json()["device"]) == 4 + 64
            assert answer.headers["strict-transport-security"].startswith("max-age=")
        url = town.url("lgwan").replace("https", "wss") + "/api/v1/ws"
        async with connect(url, ssl=shown, subprotocols=SUBPROTOCOLS, compression=None, proxy=None) as opened:
            await send(opened, op="hello", token=town.engine.add_session("sato", "lgwan"))
            assert (await receive(opened))["zone"] == "lgwan"
            assert town.engine.origins[-1].device == answer.json()["device"]
            await opened.send(b"binary")
            await opened.wait_closed()
            assert opened.close_code == 1003
        async with httpx.AsyncClient(verify=client_context(certificate, shows=False), trust_env=False) as stranger:
            with pytest.raises((httpx.ReadError, httpx.ConnectError, httpx.RemoteProtocolError)):
                await stranger.get(f"{town.url('lgwan')}/who")


async def test_a_unix_socket_behind_a_proxy(tmp_path: Path) -> None:
    path = tmp_path / "in.sock"
    inside = ListenerSettings(
        name="in", zone="lgwan", unix=str(path), allowed_hosts=("chat.example.jp",), trusted_proxy="unix"
    )
    async with served(listeners=[inside]) as town:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        transport = httpx.AsyncHTTPTransport(uds=str(path))
        async with httpx.AsyncClient(transport=transport, base_url="http://chat.example.jp") as client:
            answer = (await client.get("/who", headers={"X-Forwarded-For": "192.0.2.5"})).json()
            assert (answer["address"], answer["zone"]) == ("192.0.2.5", "lgwan")
            assert (await client.get("/who")).json()["address"] == "unix"
        uri = "ws://chat.example.jp/api/v1/ws"
        async with unix_connect(str(path), uri, subprotocols=SUBPROTOCOLS, compression=None) as opened:
            await send(opened, op="hello", token=town.engine.add_session("sato", "lgwan"))
            assert (await receive(opened))["op"] == "ready"
        busy = bind([inside])
        assert isinstance(busy, StartRefused) and busy.code == "address_in_use"
    assert not path.exists()


def test_a_socket_file_that_a_dead_server_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    inside = ListenerSettings(name="in", zone="lgwan", unix=str(path), allowed_hosts=("h",))
    bound = bind([inside])
    assert isinstance(bound, list)
    bound[0].sock.close()
    file = tmp_path / "file"
    file.write_text("not ours")
    refused = bind([ListenerSettings(name="in", zone="lgwan", unix=str(file), allowed_hosts=("h",))])
    assert isinstance(refused, StartRefused) and file.read_text() == "not ours"


def test_a_log_record_is_one_line_whatever_it_says() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure("info", stream)
        logging.getLogger("sekisho").info('one\n{"forged": true}\r\u2028', extra={"request_id": "abc"})
        try:
            raise ValueError("a\nfault")
        except ValueError:
            logging.getLogger("sekisho").exception("failed")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    first, second = (json.loads(line) for line in stream.getvalue().split("\n")[:-1])
    assert first["message"].startswith("one\n") and first["request_id"] == "abc" and first["level"] == "info"
    assert second["error"] == "ValueError" and second["frames"][0].startswith("server/test_kinds_of_sockets.py:")


def test_at_level_debug_libraries_tell_nothing_of_what_people_wrote(tmp_path: Path) -> None:
    stream = io.StringIO()
    root, ours = logging.getLogger(), logging.getLogger("sekisho")
    kept = root.handlers[:], root.level, ours.level
    try:
        configure("debug", stream)
        logging.getLogger("sekisho.anything").debug("ours")
        logging.getLogger("aiosqlite").debug("operation %s", "秘密")
        engine = writer_engine(tmp_path / "db")
        with pytest.raises(OperationalError) as failed, engine.connect() as connection:
            connection.execute(text("insert into nowhere values (:text)"), {"text": "秘密"})
        engine.dispose()
    finally:
        root.handlers[:] = kept[0]
        root.setLevel(kept[1])
        ours.setLevel(kept[2])
    assert "ours" in stream.getvalue()
    assert "秘密" not in stream.getvalue() + str(failed.value)


@pytest.mark.parametrize("reason", sorted(REASONS))
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_every_refusal_is_a_problem(reason: str, lang: str) -> None:
    refusal = refuse(reason)
    response = problem_response(refusal, lang, "id")
    problem = json.loads(bytes(response.body))
    assert response.status_code == problem["status"] == refusal.status
    assert response.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["reason"], problem["request_id"]) == (refusal.code, reason, "id")
    assert problem["detail"] == refusal.sentence(lang)
    assert ("retry-after" in response.headers) == (refusal.status in (429, 503))
