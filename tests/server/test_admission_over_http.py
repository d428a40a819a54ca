"""What a request may claim and what it gets: zones, hosts, origins, cookies, bodies and headers over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from support.served import Served, served

from server.admission import Listener, cookie_name, origin_of, presented_token, set_cookie
from server.security_headers import CONTENT_SECURITY_POLICY
from server.settings import ListenerSettings

FORGED = {
    "X-Forwarded-For": "10.9.8.7",
    "Forwarded": "for=10.9.8.7;proto=https;host=evil",
    "X-Real-IP": "10.9.8.7",
    "X-Zone": "mynumber",
    "X-Forwarded-Proto": "https",
    "X_Forwarded_For": "10.9.8.7",
    "x-FORWARDED-host": "evil.example",
}


@pytest.fixture
async def town() -> AsyncIterator[Served]:
    async with served() as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as opened:
        yield opened


@pytest.mark.parametrize("zone", ["internet", "lgwan"])
async def test_forged_headers_change_nothing_and_are_noted(town: Served, client: httpx.AsyncClient, zone: str) -> None:
    honest = (await client.get(f"{town.url(zone)}/who")).json()
    assert (honest["zone"], honest["address"], honest["forwarded"]) == (zone, "127.0.0.1", False)
    for name, value in FORGED.items():
        forged = (await client.get(f"{town.url(zone)}/who", headers={name: value})).json()
        assert (forged["zone"], forged["address"], forged["forwarded"]) == (zone, "127.0.0.1", True), name
    assert (await client.get(f"{town.url(zone)}/who", headers=FORGED)).json()["listener"] == f"staff-{zone}"


async def test_a_foreign_host_is_refused_and_reported(town: Served, client: httpx.AsyncClient) -> None:
    other = f"127.0.0.1:{town.port('lgwan')}"
    for host in ("evil.example", other, "127.0.0.1", "127.0.0.1.evil.example", ""):
        answer = await client.get(f"{town.url()}/who", headers={"Host": host})
        assert (answer.status_code, answer.json()["reason"]) == (404, "foreign_host"), host
    assert {reason for _, reason in town.engine.refusals} == {"foreign_host"}
    assert all(origin.host == "" for origin, _ in town.engine.refusals)


async def test_two_hosts_are_refused(town: Served) -> None:
    """uvicorn hands doubles on; which of them a proxy in front believed cannot be known."""
    reader, writer = await asyncio.open_connection("127.0.0.1", town.port())
    host = f"127.0.0.1:{town.port()}"
    writer.write(f"GET /who HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert b" 404 " in answer.split(b"\r\n")[0]


async def test_localhost_is_the_same_place(town: Served, client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{town.url()}/who", headers={"Host": f"LOCALHOST:{town.port()}"})
    assert answer.status_code == 200


async def test_a_cookie_needs_a_same_origin_origin_for_unsafe_methods(town: Served, client: httpx.AsyncClient) -> None:
    cookie = {"Cookie": "__Host-sekisho-internet=token"}
    url = f"{town.url()}/who"
    good = {"Origin": town.url()}
    localhost = {"Origin": f"http://localhost:{town.port()}"}
    assert (await client.post(url, headers=cookie | good)).status_code == 200
    assert (await client.get(url, headers=cookie)).status_code == 200
    assert (await client.post(url, headers={"Authorization": "Bearer t"} | cookie)).status_code == 200
    assert (await client.post(url, headers={"Cookie": "__Host-sekisho-lgwan=token"})).status_code == 200
    evil = {"Origin": "https://evil.example"}
    for origin in ({}, {"Origin": "null"}, evil, {"Origin": town.url("lgwan")}, localhost):
        answer = await client.post(url, headers=cookie | origin)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), origin


async def test_bodies_are_bounded_unless_the_route_streams(town: Served, client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 1000

    assert (await client.post(f"{town.url()}/who", content=b"x" * 10_000)).json()["size"] == 10_000
    announced = await client.post(f"{town.url()}/who", content=b"x" * 10_001)
    assert (announced.status_code, announced.json()["code"]) == (413, "too_large")
    grown = await client.post(f"{town.url()}/who", content=chunks())
    assert (grown.status_code, grown.json()["code"]) == (413, "too_large")
    assert (await client.post(f"{town.url()}/upload", content=chunks())).json()["size"] == 20_000


async def test_every_answer_carries_the_headers(town: Served, client: httpx.AsyncClient) -> None:
    for path in ("/who", "/api/v1/me", "/fault"):
        answer = await client.get(f"{town.url()}{path}")
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers
        assert len(answer.headers["x-request-id"]) == 24
    assert (await client.get(f"{town.url()}/api/v1/me")).headers["cache-control"] == "no-store"


async def test_a_fault_of_a_route_is_internal_and_shows_nothing(town: Served, client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{town.url()}/fault", headers={"Accept-Language": "en"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "internal" and problem["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text and "ValueError" not in answer.text


async def test_the_websocket_path_over_plain_http_is_the_apps_business(town: Served, client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{town.url()}/api/v1/ws")).status_code == 200


async def test_a_body_that_goes_on_after_its_answer_is_dropped_for_a_while_only(
    town: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.http_protocol.HEAD_SECONDS", 1.0)
    reader, writer = await asyncio.open_connection("127.0.0.1", town.port())
    head = f"POST /who HTTP/1.1\r\nHost: 127.0.0.1:{town.port()}\r\nContent-Length: 99999999\r\n\r\n"
    writer.write(head.encode())
    assert b" 413 " in await asyncio.wait_for(reader.readline(), 5)
    with pytest.raises(ConnectionError):
        for _ in range(60):
            writer.write(b"x" * 1000)
            await writer.drain()
            await asyncio.sleep(0.1)
    writer.close()


async def test_a_head_that_does_not_come_is_given_up(town: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.http_protocol.HEAD_SECONDS", 1.0)
    reader, writer = await asyncio.open_connection("127.0.0.1", town.port())
    writer.write(b"GET /who HTTP/1.1\r\nHost:")
    assert await asyncio.wait_for(reader.read(), 4) == b""
    writer.close()


async def test_only_the_trusted_proxy_sets_the_address(client: httpx.AsyncClient) -> None:
    proxied = ListenerSettings(
        name="p", zone="lgwan", host="127.0.0.1", allowed_hosts=("chat.example.jp",), trusted_proxy="127.0.0.1"
    )
    async with served(listeners=[proxied]) as town:

        async def ask(**headers: str) -> dict[str, object]:
            sent = {"Host": "chat.example.jp", **{name.replace("_", "-"): value for name, value in headers.items()}}
            answer: dict[str, object] = (await client.get(f"{town.url('lgwan')}/who", headers=sent)).json()
            return answer

        plain = await ask(X_Forwarded_For="192.0.2.9", X_Forwarded_Proto="https")
        assert (plain["address"], plain["forwarded"], plain["zone"]) == ("192.0.2.9", False, "lgwan")
        forged = await ask(X_Forwarded_For="10.0.0.1, 192.0.2.9")
        assert (forged["address"], forged["forwarded"]) == ("192.0.2.9", True)
        assert (await ask(X_Forwarded_For="not an address"))["address"] == "127.0.0.1"
        assert (await ask(X_Forwarded_For="192.0.2.9", X_Zone="mynumber"))["forwarded"] is True


def test_each_zone_reads_its_own_cookie_and_no_two() -> None:
    both = [(b"cookie", b"__Host-sekisho-internet=i; a=b; __Host-sekisho-lgwan=l")]
    for zone, token in (("internet", "i"), ("lgwan", "l")):
        presented = presented_token(Listener("x", zone), both)
        assert presented is not None and (presented.token, presented.by) == (token, "cookie")
    assert presented_token(Listener("x", "mynumber"), both) is None
    tossed = [(b"cookie", b"__Host-sekisho-lgwan=l"), (b"cookie", b"__Host-sekisho-lgwan=evil")]
    assert presented_token(Listener("x", "lgwan"), tossed) is None


def test_a_bearer_token_wins_and_must_be_one() -> None:
    listener = Listener("x", "lgwan")
    cookie = (b"cookie", b"__Host-sekisho-lgwan=l")
    bearer = presented_token(listener, [(b"authorization", b"bearer t"), cookie])
    assert bearer is not None and (bearer.token, bearer.by) == ("t", "bearer")
    for authorization in (b"Basic eDp5", b"Bearer", b"Bearer ", b""):
        assert presented_token(listener, [(b"authorization", authorization), cookie]) is None
    doubled = [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")]
    assert presented_token(listener, doubled) is None


def test_the_cookie_can_be_set_by_this_host_alone() -> None:
    cookie = set_cookie("lgwan", "t", 60)
    assert cookie.startswith(f"{cookie_name('lgwan')}=t; Path=/; Secure; HttpOnly; SameSite=Strict")
    assert "Domain" not in cookie


def test_a_unix_peer_has_no_address_and_trusts_only_by_name() -> None:
    headers = [(b"host", b"h"), (b"x-forwarded-for", b"192.0.2.1")]
    assert origin_of(Listener("x", "lgwan"), headers, None).address == "unix"
    assert origin_of(Listener("x", "lgwan", trusted_proxy="unix"), headers, None).address == "192.0.2.1"
