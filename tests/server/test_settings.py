"""The settings file: right ones, wrong ones (all mistakes at once, with lines), and the page that describes it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.binding import StartRefused, bind, runtime_listener
from server.settings import TABLES, ListenerSettings, Mistakes, Settings, load, parse, warnings
from server.settings_file import line_index
from server.settings_page import settings_page

GOOD = """\
data = "/var/lib/sekisho"   # comment
preset = "beta-dash"

[[listeners]]
name = "out"
zone = "internet"
host = "192.0.2.10"
port = 443
allowed_hosts = [
    "chat.city.example.jp",  # a = "trap"
]
tls_certificate = "/etc/sekisho/a.pem"
tls_key = "/etc/sekisho/a.key"

[[listeners]]
name = "in"
zone = "lgwan"
unix = "/run/sekisho/in.sock"
allowed_hosts = ["chat.lgwan.example.jp"]
trusted_proxy = "unix"

[limits]
upload_mib = 50
"""


def parsed(text: str) -> Settings:
    settings = parse(text)
    assert isinstance(settings, Settings), str(settings)
    return settings


def mistakes(text: str) -> list[tuple[int, str, str]]:
    found = parse(text)
    assert isinstance(found, Mistakes)
    return [(line, key, advice) for line, key, advice in found.found]


def test_a_good_file_is_read() -> None:
    settings = parsed(GOOD)
    assert settings.preset == "beta-dash" and settings.limits.upload_mib == 50
    assert [listener.zone for listener in settings.listeners] == ["internet", "lgwan"]
    assert settings.sessions.idle_closed_minutes == 480
    assert warnings(settings) == []


def test_all_mistakes_come_at_once_each_with_its_line() -> None:
    text = """\
dta = "/var/lib/sekisho"
preset = "betta"

[[listeners]]
name = "out"
zone = "internet"
host = "127.0.0.1"
port = "8080"
trusted_proxy = "*"

[[listeners]]
name = "out"
zone = "lgwan"
host = "127.0.0.1"
port = 99999
proxy_headers = true
tls_key = "k"

[limits]
upload_mib = 0
post_per_second = 5

[sessions]
idle_internet_minutes = 31
"""
    found = {(line, key): advice for line, key, advice in mistakes(text)}
    assert set(found) == {
        (1, "dta"),
        (1, "data"),
        (2, "preset"),
        (8, "listeners[0].port"),
        (9, "listeners[0].trusted_proxy"),
        (12, "listeners[1].name"),
        (15, "listeners[1].port"),
        (16, "listeners[1].proxy_headers"),
        (11, "listeners[1].tls_certificate"),
        (20, "limits.upload_mib"),
        (21, "limits.post_per_second"),
        (24, "sessions.idle_internet_minutes"),
    }
    assert found[(1, "dta")] == "is not a setting: did you mean data?"
    assert found[(2, "preset")] == 'write "beta"'
    assert found[(8, "listeners[0].port")] == "write a whole number without quotes"
    assert "never believed" in found[(16, "listeners[1].proxy_headers")]
    assert found[(20, "limits.upload_mib")] == "write a number from 1 to 10240"
    assert found[(21, "limits.post_per_second")] == "is not a setting: did you mean posts_per_second?"


@pytest.mark.parametrize("proxy", ["*", "0.0.0.0", "::", "0.0.0.0/0", "192.0.2.0/24", "proxy.example.jp", "", " "])
def test_nobody_is_trusted_wholesale(proxy: str) -> None:
    text = GOOD.replace("port = 443\n", f'port = 443\ntrusted_proxy = "{proxy}"\n')
    if proxy == "":
        assert parsed(text).listeners[0].trusted_proxy == ""
    else:
        assert [key for _, key, _ in mistakes(text)] == ["listeners[0].trusted_proxy"]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('host = "192.0.2.10"\n', "", "listeners[0].host"),
        ('host = "192.0.2.10"', 'host = "0.0.0.0"\nunix = "/x"', "listeners[0].host"),
        ('tls_key = "/etc/sekisho/a.key"\n', "", "listeners[0].tls_key"),
        ('trusted_proxy = "unix"', 'client_ca = "/ca.pem"', "listeners[1].client_ca"),
        ('trusted_proxy = "unix"', 'trusted_proxy = "192.0.2.1"', "listeners[1].trusted_proxy"),
        ('["chat.lgwan.example.jp"]', '["*.example.jp"]', "listeners[1].allowed_hosts"),
        ('["chat.lgwan.example.jp"]', '["https://x.example.jp"]', "listeners[1].allowed_hosts"),
        ('["chat.lgwan.example.jp"]', "[]", "listeners[1].allowed_hosts"),
        ('["chat.lgwan.example.jp"]', '"chat"', "listeners[1].allowed_hosts"),
        ('trusted_proxy = "unix"', 'allowed_origins = ["chat.example.jp"]', "listeners[1].allowed_origins"),
        ('trusted_proxy = "unix"', 'allowed_origins = ["https://x.jp/"]', "listeners[1].allowed_origins"),
        ('zone = "lgwan"\n', "", "listeners[1].zone"),
        ("upload_mib = 50", "upload_mib = true", "limits.upload_mib"),
        ('data = "/var/lib/sekisho"', 'data = "sekisho"', "data"),
        ("[limits]\nupload_mib = 50", "limits = 5", "listeners[1].limits"),
        ("upload_mib = 50", "\n[quotas]\nrefuse_uploads_percent = 96", "quotas.read_only_percent"),
    ],
)
def test_one_mistake_names_one_key(old: str, new: str, key: str) -> None:
    assert old in GOOD
    found = mistakes(GOOD.replace(old, new))
    assert key in [each for _, each, _ in found]
    assert all(line >= 1 for line, _, _ in found)


def test_two_listeners_on_one_address() -> None:
    listener = '[[listeners]]\nname = "{}"\nzone = "lgwan"\nhost = "{}"\nport = 8081\nallowed_hosts = ["h"]\n'
    same = 'data = "/d"\n' + listener.format("a", "127.0.0.1") + listener.format("b", "127.0.0.1")
    any_address = 'data = "/d"\n' + listener.format("a", "127.0.0.1") + listener.format("b", "0.0.0.0")
    for text in (same, any_address):
        assert [(line, key) for line, key, _ in mistakes(text)] == [(12, "listeners[1].port")]
    parsed('data = "/d"\n' + listener.format("a", "127.0.0.1") + listener.format("b", "127.0.0.2"))


def test_a_file_that_is_no_toml_says_where() -> None:
    assert mistakes('data = "/d"\npreset beta\n')[0][0] == 2


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    missing = load(tmp_path / "none.toml")
    assert isinstance(missing, Mistakes) and "No such file" in str(missing)
    (tmp_path / "sjis.toml").write_bytes('data = "/d"\n# 関所'.encode("shift_jis"))
    shift_jis = load(tmp_path / "sjis.toml")
    assert isinstance(shift_jis, Mistakes) and shift_jis.found[0].line == 2
    (tmp_path / "good.toml").write_text(GOOD)
    assert isinstance(load(tmp_path / "good.toml"), Settings)


def test_doctor_is_told_of_shared_host_names_and_open_sockets() -> None:
    shared = GOOD.replace("chat.lgwan.example.jp", "chat.city.example.jp:8443")
    assert "share the host name chat.city.example.jp" in warnings(parsed(shared))[0]
    open_socket = GOOD.replace('tls_certificate = "/etc/sekisho/a.pem"\ntls_key = "/etc/sekisho/a.key"\n', "")
    assert "speaks without TLS" in warnings(parsed(open_socket))[0]
    assert warnings(parsed(open_socket.replace("preset", "production = false\npreset"))) == []


def test_lines_are_found_around_strings_and_lists() -> None:
    text = 'a = """\nb = 1\n[c]\n"""\nd = [\n  "e = 1",\n  { f = 2 },\n]\n[g]\n"h" = \'\'\'\n[i]\'\'\'\nj.k = 1\n'
    assert line_index(text) == {"a": 1, "d": 5, "g": 9, "g.h": 10, "g.j.k": 12}


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8) | st.booleans(), max_size=5))
def test_no_content_breaks_the_reader(content: dict[str, int | str | bool]) -> None:
    import json

    lines = [f"{json.dumps(key)} = {json.dumps(value)}" for key, value in content.items()]
    assert isinstance(parse("\n".join(lines)), Mistakes)


def test_the_page_describes_every_setting() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "settings.md").read_text("utf-8")
    assert page == settings_page()
    for table in TABLES:
        for item in dataclasses.fields(table):
            assert item.metadata["meaning"].endswith("."), item.name


def test_a_busy_port_is_a_refusal_and_nothing_stays_bound() -> None:
    first = bind([ListenerSettings(name="a", zone="internet", host="127.0.0.1")])
    assert isinstance(first, list)
    port = first[0].sock.getsockname()[1]
    free = ListenerSettings(name="b", zone="lgwan", host="127.0.0.1")
    busy = ListenerSettings(name="c", zone="lgwan", host="127.0.0.1", port=port)
    refused = bind([free, busy])
    assert isinstance(refused, StartRefused) and refused.code == "address_in_use"
    assert f"127.0.0.1:{port}" in refused.message_ja and f"127.0.0.1:{port}" in refused.message_en
    first[0].sock.close()
    again = bind([busy])
    assert isinstance(again, list)
    again[0].sock.close()


def test_unusable_addresses_and_certificates_are_refusals(tmp_path: Path) -> None:
    elsewhere = bind([ListenerSettings(name="a", zone="internet", host="192.0.2.1", port=0)])
    assert isinstance(elsewhere, StartRefused) and elsewhere.code == "address_unusable"
    missing = str(tmp_path / "none.pem")
    no_file = bind(
        [ListenerSettings(name="a", zone="internet", host="127.0.0.1", tls_certificate=missing, tls_key=missing)]
    )
    assert isinstance(no_file, StartRefused) and no_file.code == "certificate_unusable"


def test_names_and_origins_follow_from_the_address() -> None:
    own = runtime_listener(ListenerSettings(name="a", zone="internet", host="127.0.0.1"), 8080)
    assert own.hosts == {"127.0.0.1:8080", "localhost:8080"}
    assert own.origins == {"http://127.0.0.1:8080", "http://localhost:8080"}
    names = ("Chat.example.jp",)
    named = ListenerSettings(
        name="a", zone="internet", host="192.0.2.1", allowed_hosts=names, tls_certificate="c", tls_key="k"
    )
    assert runtime_listener(named, 443).hosts == {"chat.example.jp", "chat.example.jp:443"}
    assert runtime_listener(named, 443).origins == {"https://chat.example.jp"}
