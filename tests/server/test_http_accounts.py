"""Logging in and out over HTTP, and who may be heard from where."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from support.installation import PASSWORD, Installation, installed

from rooms.commands import SERVER
from rooms.commands.noting import MakeCheckpoint
from rooms.commands.people import SetActive, SetZones
from rooms.session import token_hash
from server.strangers import BURST
from server.terms import LoadTest

pytestmark = pytest.mark.asyncio(loop_scope="module")


def assert_problem(answered: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answered.status_code == status, answered.text
    problem: dict[str, Any] = answered.json()
    assert (problem["code"], problem["status"]) == (code, status)
    assert problem["detail"]
    return problem


def leaf_of(town: Installation, answered: httpx.Response) -> dict[str, Any]:
    """The one leaf of a request."""
    (leaf,) = [x for x in town.leaves() if x["request"] == answered.headers["x-request-id"]]
    return leaf


async def test_login_gives_a_token_and_the_zones_own_cookie(town: Installation) -> None:
    answered = await town.anonymous("lgwan").post("login", json={"login": "sato", "password": PASSWORD})
    assert answered.status_code == 200
    told = answered.json()
    assert (told["zone"], told["user"]["login"], told["user"]["name"]) == ("lgwan", "sato", "佐藤 美咲")
    cookie = answered.headers["set-cookie"]
    assert cookie.startswith(f"__Host-sekisho-lgwan={told['token']};")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert town.rows("SELECT count(*) FROM sessions WHERE token_hash = ?", told["token"]) == [(0,)]
    assert town.rows("SELECT count(*) FROM sessions WHERE token_hash = ?", token_hash(told["token"])) == [(1,)]
    assert answered.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("login", ["SATO", "  sato ", "ｓａｔｏ"])
async def test_a_login_is_understood_however_it_is_typed(town: Installation, login: str) -> None:
    answered = await town.anonymous().post("login", json={"login": login, "password": PASSWORD})
    assert answered.json()["user"]["login"] == "sato"


async def test_unknown_names_and_wrong_passwords_get_the_same_answer(town: Installation) -> None:
    client = town.anonymous()
    wrong = await client.post("login", json={"login": "sato", "password": "wrong password"})
    unknown = await client.post("login", json={"login": "nobody", "password": PASSWORD})
    strange = await client.post("login", json={"login": "パスワードを入れた", "password": "x"})
    empty = await client.post("login", json={"login": "", "password": ""})
    answers = [assert_problem(one, 401, "unauthenticated") for one in (wrong, unknown, strange, empty)]
    for one in answers:
        one.pop("request_id")
    assert answers[0] == answers[1] == answers[2] == answers[3]
    await town.do(MakeCheckpoint(SERVER))
    assert leaf_of(town, wrong)["object"] == town.people["sato"].id
    town.application.strangers.flush(everything=True)
    await asyncio.sleep(0.05)
    assert sum(leaf["notes"]["count"] for leaf in town.leaves("stranger.refused")) >= 3  # a minute may end in between
    assert "パスワードを入れた" not in str(town.leaves()) and "nobody" not in str(town.leaves())


async def test_who_may_not_be_in_the_zone_gets_the_same_answer(town: Installation) -> None:
    await town.add("inside", zones=frozenset({"lgwan"}))
    refused = await town.anonymous("internet").post("login", json={"login": "inside", "password": PASSWORD})
    assert_problem(refused, 401, "unauthenticated")
    await town.login("inside", "lgwan")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"login":"sato"}',
        b'{"login":"sato","password":1}',
        b'{"login":"sato","password":"x","admin":true}',
        b'{"login":"\xff","password":"x"}',
        b'{"login":"\\ud800","password":"x"}',
        b"[" * 50_000,
        b'{"login":"sato","password":"x"}{"login":"sato"}',
    ],
)
async def test_malformed_bodies(town: Installation, body: bytes) -> None:
    answered = await town.anonymous().post("login", content=body, headers={"content-type": "application/json"})
    assert_problem(answered, 400, "malformed")


async def test_a_body_that_is_too_large_is_refused_before_and_while_it_is_read(town: Installation) -> None:
    client = town.anonymous()
    assert_problem(await client.post("login", content=b" " * (1024 * 1024 + 1)), 413, "too_large")

    async def growing() -> Any:
        for _ in range(1100):
            yield b" " * 1024

    assert_problem(await client.post("login", content=growing()), 413, "too_large")


async def test_me_and_zone(town: Installation) -> None:
    sato = await town.login("sato", "lgwan")
    me = (await sato.get("me")).json()
    assert (me["zone"], me["user"]["org_name"]) == ("lgwan", "霞ヶ浜市")
    known = (await sato.get("zone")).json()
    assert (known["zone"], known["user"]) == ("lgwan", me["user"])
    nobody = (await town.anonymous("internet").get("zone")).json()
    assert (nobody["zone"], nobody["name"], nobody["user"]) == ("internet", "インターネット区画", None)


async def test_logout_ends_the_token(town: Installation) -> None:
    sato = await town.login("sato")
    other = await town.login("sato")
    answered = await sato.post("logout")
    assert answered.status_code == 200 and "Max-Age=0" in answered.headers["set-cookie"]
    assert assert_problem(await sato.get("me"), 401, "unauthenticated")["reason"] == "session_ended"
    assert (await other.get("me")).status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Basic c2F0bzp4", "Bearer none", "bearer\u00e9", "Bearer a b", "Token x"],
)
async def test_tokens_that_are_none(town: Installation, authorization: str) -> None:
    headers = {b"authorization": authorization.encode("latin-1")}
    answered = await town.anonymous().get("rooms", headers=httpx.Headers(list(headers.items())))
    assert_problem(answered, 401, "unauthenticated")
    assert answered.headers["www-authenticate"] == "Bearer"


async def test_a_token_of_the_other_zone_is_refused_and_audited(town: Installation) -> None:
    inside = await town.login("sato", "lgwan")
    outside = town.anonymous("internet")
    by_bearer = await outside.get("rooms", headers={"authorization": f"Bearer {inside.token}"})
    by_cookie = await outside.get("rooms", headers={"cookie": f"__Host-sekisho-internet={inside.token}"})
    for answered in (by_bearer, by_cookie):
        assert assert_problem(answered, 401, "unauthenticated")["reason"] == "unauthenticated"
        leaf = leaf_of(town, answered)
        assert (leaf["action"], leaf["zone"], leaf["outcome"]) == ("session.foreign_zone", "internet", "refused")
    other_cookie = await outside.get("rooms", headers={"cookie": f"__Host-sekisho-lgwan={inside.token}"})
    assert_problem(other_cookie, 401, "unauthenticated")


async def test_two_zones_in_one_browser_keep_their_own_cookies(town: Installation) -> None:
    inside, outside = await town.login("sato", "lgwan"), await town.login("suzuki", "internet")
    both = f"__Host-sekisho-lgwan={inside.token}; __Host-sekisho-internet={outside.token}"
    for zone, login in (("lgwan", "sato"), ("internet", "suzuki")):
        me = await town.anonymous(zone).get("me", headers={"cookie": both})
        assert (me.json()["zone"], me.json()["user"]["login"]) == (zone, login)


async def test_a_cookie_needs_a_same_origin_for_what_changes_something(town: Installation) -> None:
    sato = await town.login("sato")
    own = town.url("internet")
    cookie = {"cookie": f"__Host-sekisho-internet={sato.token}"}
    room = {"kind": "group", "name": "防災", "members": []}
    client = town.anonymous()
    for origin in (None, "null", "https://evil.example", town.url("lgwan"), own.replace("127.0.0.1", "localhost")):
        headers = cookie | ({"origin": origin} if origin is not None else {})
        refused = await client.post("rooms", json=room, headers=headers)
        assert assert_problem(refused, 403, "forbidden")["reason"] == "foreign_origin"
    assert (await client.get("me", headers=cookie | {"origin": "https://evil.example"})).status_code == 200
    assert (await client.post("rooms", json=room, headers=cookie | {"origin": own})).status_code == 201
    bearer = {"authorization": f"Bearer {sato.token}"}
    assert (await client.post("rooms", json=room, headers=bearer)).status_code == 201


async def test_no_other_site_logs_anybody_in(town: Installation) -> None:
    login = {"login": "sato", "password": PASSWORD}
    for origin in ("null", "https://evil.example", town.url("lgwan")):
        refused = await town.anonymous().post("login", json=login, headers={"origin": origin})
        assert assert_problem(refused, 403, "forbidden")["reason"] == "foreign_origin"
    own = await town.anonymous().post("login", json=login, headers={"origin": town.url("internet")})
    assert own.status_code == 200


async def test_a_foreign_host_is_refused(town: Installation) -> None:
    sato = await town.login("sato")
    for host in ("evil.example", f"127.0.0.1:{town.port('lgwan')}", "127.0.0.1"):
        refused = await sato.get("rooms", headers={"host": host})
        assert assert_problem(refused, 404, "not_found")["reason"] == "foreign_host"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-forwarded-for", "192.0.2.9"),
        ("forwarded", "for=192.0.2.9;host=chat.example"),
        ("x-zone", "lgwan"),
        ("x-forwarded-host", "chat.example"),
        ("x-real-ip", "192.0.2.9"),
        ("x_forwarded_for", "192.0.2.9"),
    ],
)
async def test_forged_headers_change_nothing_and_are_noted(town: Installation, name: str, value: str) -> None:
    sato = await town.login("sato")
    room = {"kind": "group", "name": "防災", "members": []}
    answered = await sato.post("rooms", json=room, headers={name: value})
    assert answered.status_code == 201
    leaf = leaf_of(town, answered)
    assert (leaf["zone"], leaf["address"], leaf["notes"]["forwarded"]) == ("internet", "127.0.0.1", True)
    plain = leaf_of(town, await sato.post("rooms", json=room))
    assert "forwarded" not in plain["notes"]


async def test_sessions_end_by_rest_and_by_age(town: Installation) -> None:
    outside, inside = await town.login("tanaka", "internet"), await town.login("tanaka", "lgwan")
    town.later(minutes=29)
    assert (await outside.get("me")).status_code == 200
    town.later(minutes=31)
    assert assert_problem(await outside.get("me"), 401, "unauthenticated")["reason"] == "session_ended"
    for _ in range(3):
        assert (await inside.get("me")).status_code == 200
        town.later(minutes=200)
    assert (await inside.get("me")).status_code == 200
    town.later(minutes=70)
    assert_problem(await inside.get("me"), 401, "unauthenticated")


async def test_who_is_set_inactive_or_loses_the_zone_is_out_at_once(town: Installation) -> None:
    await town.add("goto")
    outside, inside = await town.login("goto", "internet"), await town.login("goto", "lgwan")
    await town.do(SetZones(SERVER, "goto", frozenset({"lgwan"})))
    assert (await outside.get("me")).status_code == 401
    assert (await inside.get("me")).status_code == 200
    await town.do(SetActive(SERVER, "goto", False))
    assert (await inside.get("me")).status_code == 401
    refused = await town.anonymous("lgwan").post("login", json={"login": "goto", "password": PASSWORD})
    assert_problem(refused, 401, "unauthenticated")


async def test_languages(town: Installation) -> None:
    client = town.anonymous()
    ja = await client.get("me")
    en = await client.get("me", headers={"accept-language": "en-GB,en;q=0.9"})
    asked = await client.get("me", params={"lang": "en"})
    assert ja.headers["content-language"] == "ja" and "ログイン" in ja.json()["detail"]
    assert en.headers["content-language"] == asked.headers["content-language"] == "en"
    assert en.json()["detail"] == asked.json()["detail"] == "You are not logged in. Please log in again."


async def test_routes_and_methods_that_are_not_there(town: Installation) -> None:
    sato = await town.login("sato")
    for path in ("none", "rooms/x/y/z", "attachments", "../v1/none", "ws"):
        answered = await sato.get(path)
        assert answered.status_code in (404, 405), path
        assert answered.headers["content-type"] == "application/problem+json"
    deleted = await sato.delete("rooms")
    assert (deleted.status_code, deleted.json()["code"]) == (405, "malformed")


async def test_people_are_found(town: Installation) -> None:
    sato = await town.login("sato")
    found = (await sato.get("people", params={"q": "鈴木"})).json()["people"]
    assert [(p["login"], p["org_name"]) for p in found] == [("suzuki", "霞ヶ浜市")]
    assert (await sato.get("people")).json() == {"people": []}
    assert (await sato.get("people", params={"q": "%"})).json() == {"people": []}
    assert len((await sato.get("people", params={"q": "a", "limit": 2})).json()["people"]) == 2
    assert_problem(await sato.get("people", params={"q": "a", "limit": "many"}), 400, "malformed")


async def test_health_without_login_and_figures_on_operations_listeners_alone(town: Installation) -> None:
    client = town.anonymous()
    assert ((await client.get("/healthz")).text, (await client.get("/readyz")).status_code) == ("ok\n", 200)
    assert (await client.get("/metrics")).status_code == 404
    town.fill_disk(0.96)
    try:
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
    finally:
        town.fill_disk(0.1)


async def test_failed_logins_slow_a_source_down_and_lock_a_name(tmp_path: Any) -> None:
    async with installed(tmp_path / "data", load=LoadTest(False)) as town:
        client = town.anonymous()
        for _ in range(5):
            assert_problem(await client.post("login", json={"login": "sato", "password": "no"}), 401, "unauthenticated")
        right = await client.post("login", json={"login": "sato", "password": PASSWORD})
        assert_problem(right, 401, "unauthenticated")
        await town.login("suzuki")
        unknown = {"login": "nobody", "password": "no"}
        assert_problem(await client.post("login", json=unknown), 401, "unauthenticated")
        for _ in range(BURST):
            town.application.strangers.counted("127.0.0.1")
        slow = await client.post("login", json=unknown)
        assert_problem(slow, 429, "rate_limited")
        assert int(slow.headers["retry-after"]) > 0
        town.later(hours=2)
        await town.login("sato")


async def test_requests_of_a_session_are_limited(tmp_path: Any) -> None:
    limits = "[limits]\nrequests_per_second = 1\nrequests_at_once = 5\n"
    async with installed(tmp_path / "data", load=LoadTest(False), extra=limits) as town:
        sato, suzuki = await town.login("sato"), await town.login("suzuki")
        answers = [(await sato.get("me")) for _ in range(7)]
        assert [a.status_code for a in answers] == [200] * 5 + [429] * 2
        assert answers[-1].headers["retry-after"] == "1"
        assert (await suzuki.get("me")).status_code == 200


async def test_an_operations_listener_has_no_people(tmp_path: Any) -> None:
    operations = '[[listeners]]\nname = "ops"\nzone = "lgwan"\nhost = "127.0.0.1"\noperations = true\n'
    async with installed(tmp_path / "data", extra=operations, zones=("internet",)) as town:
        client = town.anonymous("lgwan")
        shown = await client.get("/metrics")
        assert shown.status_code == 200 and "sekisho_audit_leaves" in shown.text
        for path in ("zone", "me", "openapi.json", "/", "/index.html"):
            assert (await client.get(path)).status_code == 404, path
        refused = await client.post("login", json={"login": "sato", "password": PASSWORD})
        assert refused.status_code == 404
