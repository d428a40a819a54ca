"""The language of ICAP, the policy, forms and pages, without a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.icap.forms import MAX_PARTS, NoForm, boundary_of, parts_of
from server.icap.messages import (
    MAX_HEADS,
    BadMessage,
    HttpHead,
    encapsulated,
    preview_of,
    read_head,
    read_request,
    read_response,
    sections_of,
)
from server.icap.pages import page
from server.icap.policy import Policy, file_name, host_of, name_in, unworkable
from server.settings import IcapSettings

POLICY = Policy(IcapSettings().pass_types)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET icap://h/respmod ICAP/1.0", 501),
        ("RESPMOD icap://h/respmod ICAP/1.1", 505),
        ("RESPMOD icap://h/respmod HTTP/1.0", 400),
        ("RESPMOD http://h/respmod ICAP/1.0", 400),
        ("RESPMOD /respmod ICAP/1.0", 400),
        ("RESPMOD  icap://h/respmod ICAP/1.0", 400),
        ("", 400),
    ],
)
def test_what_is_no_request_of_icap(line: str, status: int) -> None:
    with pytest.raises(BadMessage) as bad:
        read_head(f"{line}\r\nHost: h\r\n\r\n".encode())
    assert bad.value.status == status


@pytest.mark.parametrize(
    "fields",
    ["Host h", "Host : h", " Host: h", "Host: h\r\n folded: x", "A: b\0", "A: b\rc", "A: b\nc", ": b", "Ä: b"],
)
def test_a_field_that_two_readers_may_read_differently_is_not_read(fields: str) -> None:
    with pytest.raises(BadMessage):
        read_head(f"OPTIONS icap://h/respmod ICAP/1.0\r\n{fields}\r\n\r\n".encode("latin-1"))


@pytest.mark.parametrize(
    "value",
    [
        "", "res-body", "res-body=", "res-body=x", "res-body=-1", "res-hdr=0", "res-hdr=5, res-body=9",
        "res-hdr=0, res-body=0", "req-hdr=0, res-hdr=9, res-body=8", f"res-hdr=0, res-body={MAX_HEADS + 1}",
        "res-body=0, res-hdr=5", "res-hdr=0, res-body=99999999999999999999", "res-hdr=0, res-body=\u0664",
    ],
)  # fmt: skip
def test_offsets_that_make_no_sense(value: str) -> None:
    with pytest.raises(BadMessage):
        encapsulated(value)


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("RESPMOD", "req-hdr=0, req-body=9"), ("RESPMOD", "req-hdr=0, null-body=9"), ("RESPMOD", "opt-body=0"),
        ("REQMOD", "res-hdr=0, res-body=9"), ("REQMOD", "req-hdr=0, res-hdr=5, req-body=9"), ("REQMOD", "null-body=0"),
        ("RESPMOD", "res-hdr=0, res-hdr=4, res-body=9"), ("RESPMOD", "res-hdr=0, req-hdr=4, res-body=9"),
    ],
)  # fmt: skip
def test_parts_that_do_not_belong_to_the_method(method: str, value: str) -> None:
    head = read_head(f"{method} icap://h/x ICAP/1.0\r\nEncapsulated: {value}\r\n\r\n".encode())
    with pytest.raises(BadMessage):
        sections_of(head)


def test_what_decides_where_a_message_ends_stands_once() -> None:
    head = read_head(b"REQMOD icap://h/x ICAP/1.0\r\nPreview: 1\r\nPreview: 2\r\nEncapsulated: a=0\r\n\r\n")
    with pytest.raises(BadMessage):
        preview_of(head.fields)
    for value in ("-1", "x", "99999999", "1, 2", "\u0661"):
        with pytest.raises(BadMessage):
            preview_of((("Preview", value),))
    with pytest.raises(BadMessage):
        sections_of(head._replace(fields=()))


def test_nothing_breaks_out_of_a_head_that_leaves() -> None:
    for bad in ("a\r\nSet-Cookie: x", "a\nb", "a\0"):
        with pytest.raises(ValueError, match="line end"):
            HttpHead("HTTP/1.1 200 OK", (("X", bad),)).encode()
    for bad_line in (b"HTTP/1.1 20 OK\r\n\r\n", b"FTP/1 200 OK\r\n\r\n", b"\r\n\r\n"):
        with pytest.raises(BadMessage):
            read_response(bad_line)
    with pytest.raises(BadMessage):
        read_request(b"GET a b HTTP/1.1\r\n\r\n")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_head_or_a_bad_message(block: bytes) -> None:
    for read in (read_head, read_request, read_response):
        try:
            read(block + b"\r\n\r\n")
        except BadMessage as bad:
            assert bad.status in (400, 501, 505)


@given(st.text(alphabet="reqsnulopt-hdrbody=0123456789, ", max_size=60))
def test_any_offsets_are_in_order_or_refused(value: str) -> None:
    try:
        sections = encapsulated(value)
    except BadMessage:
        return
    edges = [edge for _, *edges in sections.heads for edge in edges]
    assert edges == sorted(edges) and all(0 <= edge <= MAX_HEADS for edge in edges)


# What goes through ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text/html; charset=Shift_JIS", "TEXT/CSS", "application/ld+json", "font/woff2"])
def test_parts_of_pages_go_through(kind: str) -> None:
    assert POLICY.passes(kind, "", b"anything")
    assert POLICY.passes(kind, "inline", b"")


@pytest.mark.parametrize(
    ("kind", "disposition", "first"),
    [
        ("application/pdf", "", b""), ("", "", b""), ("text/html/x", "", b""), ("text", "", b""),
        ("application/octet-stream", "", b""), ("image/svg+xml", "", b""), ("text/plain", "", b""),
        ("text/html", "attachment", b"<p>"), ("text/html", ' Attachment; filename="a.html"', b"<p>"),
        ("text/html", "", b"%PDF-1.4"), ("text/html", "", b"PK\x03\x04"), ("application/json", "", b"MZ"),
        ("text/css", "", b"{\\rtf1"), ("xtext/html", "", b""), ("text/htmlx", "", b""), ("image/*", "", b""),
    ],
)  # fmt: skip
def test_files_do_not(kind: str, disposition: str, first: bytes) -> None:
    assert not POLICY.passes(kind, disposition, first)


def test_no_type_goes_through_an_empty_list() -> None:
    assert not Policy(()).passes("text/html", "", b"") and not Policy(()).passes("", "", b"")


@pytest.mark.parametrize(
    ("disposition", "target", "told", "name"),
    [
        ("", "http://h/a/%E5%B1%8A.pdf?x=1", "application/pdf", "届.pdf"),
        ("", "http://h/show.php?id=3", "application/pdf", "show.pdf"),
        ("", "http://h/", "application/pdf", "download.pdf"),
        ("", "http://h/", "", "download"),
        ("", "http://h/a.pdf", "application/octet-stream", "a.pdf"),
        ("", "http://h/a.pdf", "text/csv", "a.csv"),
        ("", "/upload/a.docx", "", "a.docx"),
        ("", "http://[broken", "image/jpg", "download.jpg"),
        ('attachment; filename="b.pdf"', "http://h/a.php", "text/csv", "b.pdf"),
        ("attachment; filename*=UTF-8''%E5%B1%8A.pdf", "http://h/a", "", "届.pdf"),
        ('attachment; filename="..\\..\\evil.pdf"', "http://h/a", "", "evil.pdf"),
        ('attachment; filename="/etc/passwd"', "http://h/a", "", "passwd"),
    ],
)
def test_names_are_found(disposition: str, target: str, told: str, name: str) -> None:
    assert file_name(disposition, target, told) == name


def test_names_in_the_encodings_of_browsers() -> None:
    for encoding in ("utf-8", "cp932"):
        raw = 'form-data; name="f"; filename="届出.pdf"'.encode(encoding).decode("latin-1")
        assert name_in(raw) == "届出.pdf"


def test_parts_and_packed_files_cannot_be_rebuilt() -> None:
    whole = HttpHead("HTTP/1.1 200 OK", ())
    assert unworkable(whole) is None
    assert unworkable(whole.having(("Content-Encoding", "identity"))) is None
    assert unworkable(HttpHead("HTTP/1.1 206 Partial Content", ())) == "partial"
    assert unworkable(whole.having(("Content-Range", "bytes 0-1/9"))) == "partial"
    for packed in ("gzip", "br, gzip", "identity, zstd"):
        assert unworkable(whole.having(("Content-Encoding", packed))) == "encoded"


def test_a_host_is_found_or_none() -> None:
    for line, host, found in (
        ("GET http://www.example.jp:80/a HTTP/1.1", "", "www.example.jp"), ("GET /a HTTP/1.1", "h.jp:8080", "h.jp"),
        ("GET http://[x/a HTTP/1.1", "", ""), ("GET /a HTTP/1.1", "[", ""),
    ):  # fmt: skip
        assert host_of(HttpHead(line, (("Host", host),))) == found


# Forms ----------------------------------------------------------------------------------------------------------------

FORM = (
    b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\ntext\r\n'
    b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF-'
    b'\r\n--x\r\nContent-Disposition: form-data; name="none"; filename=""\r\nContent-Type: application/octet-stream'
    b"\r\n\r\n\r\n--x--\r\n"
)


def test_files_of_a_form_are_found() -> None:
    parts = parts_of(FORM, b"x")
    assert [(part.name, part.file, FORM[part.start : part.end]) for part in parts] == [
        ("", False, b"text"), ("a.pdf", True, b"%PDF-"), ("", False, b""),
    ]  # fmt: skip


def test_a_file_with_another_name_keeps_its_field() -> None:
    part = parts_of(FORM, b"x")[1].having('b "x"\r\n届.pdf', "image/png")
    head = part.head()
    assert b'name="f"; filename="b %22x%22%0D%0A\xe5\xb1\x8a.pdf"\r\n' in head
    assert b"Content-Type: image/png\r\n" in head and head.count(b"\r\n") == 3
    same = parts_of(FORM, b"x")[1].having("a.pdf", "application/pdf")
    assert b'form-data; name="f"; filename="a.pdf"\r\n' in same.head()


def test_what_hides_in_a_field_is_a_file() -> None:
    for head, data in (
        (b'Content-Disposition: form-data; name="f"', b"PK\x03\x04"),
        (b'Content-Disposition: form-data; name="f"\r\nContent-Type: application/zip', b"x"),
        (b"Content-Disposition: form-data; name=f; FILENAME*=utf-8''a.txt", b"x"),
    ):
        (part,) = parts_of(b"--x\r\n" + head + b"\r\n\r\n" + data + b"\r\n--x--", b"x")
        assert part.file


@pytest.mark.parametrize(
    "data",
    [
        b"", b"--x", b"--x--junk", b"preamble\r\n" + FORM, FORM + b"epilogue", FORM[:-4], FORM.replace(b"\r\n", b"\n"),
        FORM.replace(b"form-data", b"attachment"), b"--xy\r\n\r\n\r\n--x--", b"--x\r\n\r\nno head\r\n--x--\r\n",
        FORM.replace(b"Content-Type: application/pdf", b"Content-Transfer-Encoding: base64"),
        FORM.replace(b"Content-Type: application/pdf", b'Content-Disposition: form-data; name="other"'),
        FORM.replace(b"Content-Type: application/pdf", b" folded"), FORM.replace(b'"title"', b'"title\0"'),
        b'--x\r\nContent-Disposition: form-data; name="' + b"a" * 20000 + b'"\r\n\r\n\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n\r\n' * (MAX_PARTS + 1) + b"--x--\r\n",
    ],
    ids=range(16),
)  # fmt: skip
def test_what_is_no_form_is_refused(data: bytes) -> None:
    with pytest.raises(NoForm):
        parts_of(data, b"x")


@pytest.mark.parametrize(
    "told",
    ["multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary="a\u3042"',
     "multipart/form-data; boundary=" + "a" * 71, 'multipart/form-data; boundary="a "'],
)  # fmt: skip
def test_a_boundary_that_is_none(told: str) -> None:
    with pytest.raises(NoForm):
        boundary_of(told)


@given(st.lists(st.binary(max_size=40).filter(lambda data: b"--x" not in data), max_size=5))
def test_any_contents_come_out_as_they_went_in(contents: list[bytes]) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'
    data = b"".join(head + content + b"\r\n" for content in contents) + b"--x--\r\n"
    assert [data[part.start : part.end] for part in parts_of(data, b"x")] == contents


def test_a_page_carries_nothing_but_the_escaped_name() -> None:
    head, data = page("executable", "<script>alert(1)</script>\r\n\u202e.pdf")
    text = data.decode("utf-8")
    assert "<script" not in text and "&lt;script&gt;" in text and "\u202e" not in text
    assert head.get("content-length") == str(len(data))
    assert "sandbox" in head.get("content-security-policy")
