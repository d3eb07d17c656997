"""Bytes that nobody sends by mistake: each is answered in time, by the contract, and never with a 500."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.comment import without_surrogates

if TYPE_CHECKING:
    from conftest import Reply, Service
    from flask.testing import FlaskClient

MIB = 1024 * 1024
ANSWERS_WITHIN_SECONDS = 5.0
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)


def text_body(text: str) -> bytes:
    return json.dumps({"text": text}).encode()


def timed(service: Service, path: str, body: bytes, **headers: str) -> Reply:
    """Make a request that must be answered in time, by a service that still answers afterwards."""
    started = time.monotonic()
    reply = service.call("POST", path, body, **headers)
    assert time.monotonic() - started < ANSWERS_WITHIN_SECONDS
    assert service.call("GET", "/healthz").status == 200
    return reply


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("invalid UTF-8", b'{"text": "\xff\xfe"}', 400),
        ("half an encoded surrogate pair", b'{"text": "\xed\xa0\xbd"}', 400),
        ("an escaped lone surrogate", rb'{"text": "cut emoji \ud83d"}', 200),
        ("an escaped lone surrogate before text", rb'{"text": "\udc00 and \uD83Dx"}', 200),
        ("a lone surrogate in broken JSON", rb'{"text": "\ud83d"', 400),
        ("a lone surrogate in deep JSON", b'{"text": "\\ud83d", "x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        ("an escaped NUL", rb'{"text": "a\u0000b"}', 200),
        ("a raw NUL", b'{"text": "a\x00b"}', 400),
        ("a byte order mark", b'\xef\xbb\xbf{"text": "x"}', 400),
        ("UTF-16", '{"text": "x"}'.encode("utf-16"), 400),
        ("100,000 lists", b"[" * 100_000, 400),
        ("100,000 closed lists", b"[" * 100_000 + b"]" * 100_000, 400),
        ("100,000 objects in an unknown field", b'{"text":"x","y":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, 400),
        ("a number of 100,000 digits", b'{"text": "x", "n": ' + b"9" * 100_000 + b"}", 400),
        ("a number for text", b'{"text": 1}', 422),
        ("an infinite number", b'{"text": "x", "n": Infinity}', 400),
        ("duplicate keys, the last of which counts", b'{"text": 1, "text": "x"}', 200),
        ("duplicate keys, the last of which is wrong", b'{"text": "x", "text": 1}', 422),
        ("100,000 keys", json.dumps({"text": "x"} | {f"k{i}": i for i in range(60_000)}).encode(), 200),
        ("a megabyte of one emoji", b'{"text": "' + "😀".encode() * (MIB // 4 - 10) + b'"}', 200),
        ("a megabyte of one letter", text_body("a" * (MIB - 20)), 200),
        ("a megabyte of combining marks", b'{"text": "' + "e\u0301".encode() * (MIB // 3 - 10) + b'"}', 200),
        ("a megabyte of opened tags", text_body("<a " * (MIB // 3 - 10)), 200),
        ("a megabyte of entities", text_body("&amp" * (MIB // 4 - 10)), 200),
        ("a megabyte of opened BBCode", text_body("[url=" * (MIB // 5 - 10)), 200),
        ("a megabyte of the start of an address", text_body("http://" * (MIB // 7 - 10)), 200),
        ("a megabyte of addresses", text_body("http://a.bc/ " * (MIB // 13 - 10)), 200),
        ("a megabyte of dots", text_body("." * (MIB - 20)), 200),
        ("a megabyte of at signs", text_body("a@" * (MIB // 2 - 20)), 200),
        ("a megabyte of spaced letters", text_body("a " * (MIB // 2 - 20)), 200),
        ("a megabyte of new lines", ('{"text": "' + "\\n" * (MIB // 2 - 20) + '"}').encode(), 200),
        ("a megabyte of joiners", b'{"text": "' + "\u200d".encode() * (MIB // 3 - 10) + b'"}', 200),
        ("an author of a megabyte", json.dumps({"text": "", "author": "Buy " * (MIB // 4 - 20)}).encode(), 200),
        ("10 MiB of text", text_body("a" * (10 * MIB)), 413),
        ("40 MiB of nothing", b"\0" * (40 * MIB), 413),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_hostile_body_is_answered_by_the_contract(service: Service, name: str, body: bytes, status: int) -> None:
    reply = timed(service, "/v1/check", body)
    assert reply.status == status, (name, reply.body[:300])
    expected = "application/json" if status == 200 else "application/problem+json"
    assert reply.headers["content-type"] == expected


def test_half_of_an_emoji_reads_as_a_replacement_character(client: FlaskClient) -> None:
    broken = client.post("/v1/check", data=rb'{"text": "cut \ud83d"}', content_type="application/json").json
    replaced = client.post("/v1/check", json={"text": "cut \ufffd"}).json
    assert broken["score"] == replaced["score"]


@pytest.mark.parametrize("value", ["5", "abc", "1_3", "-1", ""])
def test_a_header_with_an_underscore_is_not_taken_for_the_one_with_a_hyphen(service: Service, value: str) -> None:
    for path, status in (("/v1/check", 200), ("/healthz", 200), ("/metrics", 200)):
        method, body = ("POST", text_body("Hi")) if path == "/v1/check" else ("GET", b"")
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {service.key}\r\n"
        head += f"Content_Length: {value}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_connection((service.host, service.port), timeout=ANSWERS_WITHIN_SECONDS) as connection:
            connection.sendall(head.encode() + body)
            assert connection.recv(64).split(b" ")[1] == str(status).encode(), path


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_compressed_bodies_are_refused_unread(service: Service, encoding: str) -> None:
    bomb = gzip.compress(b'{"text": "' + b"a" * (100 * MIB) + b'"}')
    assert timed(service, "/v1/check", bomb, Content_Encoding=encoding).status == 415


def test_a_batch_is_bounded_in_bytes(service: Service) -> None:
    comments = json.dumps({"comments": [{"text": "a" * 17_000}] * 1_000}).encode()
    assert timed(service, "/v1/check/batch", comments).status == 413


def test_a_body_in_pieces_is_read_and_bounded(service: Service) -> None:
    def pieces(count: int) -> bytes:
        piece = b"%x\r\n%s\r\n" % (MIB, b" " * MIB)
        return piece * count + b'd\r\n{"text": "x"}\r\n0\r\n\r\n'

    head = (
        f"POST /v1/check HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {service.key}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    assert raw(service, head + pieces(0)).startswith(b"HTTP/1.1 200 ")
    assert raw(service, head + pieces(2)).startswith(b"HTTP/1.1 413 ")
    assert raw(service, head + pieces(20)).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST /v1/check HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
        b"GET /" + b"a" * 500_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 500_000 + b"\r\n\r\n",
        b"GET /%00%ff%2e%2e/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n",
        b"G\xffT / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"BREW /v1/check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
    ids=lambda request_bytes: repr(request_bytes[:40]),
)
def test_what_is_hardly_http_does_no_harm(service: Service, request_bytes: bytes) -> None:
    answer = raw(service, request_bytes)
    assert not answer or answer.startswith(b"HTTP/1.1 4"), answer[:200]
    assert b"Traceback" not in answer
    assert service.check("hi").status == 200


def raw(service: Service, request_bytes: bytes) -> bytes:
    """Send bytes and return all that comes back before the other side closes, or has nothing more to say."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=3) as connection:
        received = b""
        try:
            connection.sendall(request_bytes)
            while piece := connection.recv(65_536):
                received += piece
        except OSError:
            return received
        return received


def test_slow_clients_hold_up_nobody_and_are_sent_away(service: Service) -> None:
    head = f"POST /v1/check HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
    body_missing = f"{head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{".encode()
    long_body_missing = f"{head}Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{{".encode()
    slow = [socket.create_connection(("127.0.0.1", service.port), timeout=10) for _ in range(300)]
    try:
        for number, connection in enumerate(slow):
            connection.sendall((body_missing, long_body_missing, head.encode())[number % 3])
        for _ in range(20):
            started = time.monotonic()
            assert service.check("hi").status == 200
            assert time.monotonic() - started < 1
        for connection in slow[:2]:
            assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")
    finally:
        for connection in slow:
            connection.close()


def test_announced_bodies_that_never_come_take_no_room_from_others(service: Service) -> None:
    head = b"POST /v1/check/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n"
    waiting = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(40)]
    try:
        for connection in waiting:
            connection.sendall(head)
        batch = json.dumps({"comments": [{"text": "a" * 1_000}] * 100}).encode()
        assert timed(service, "/v1/check/batch", batch).status == 200
    finally:
        for connection in waiting:
            connection.close()


def test_clients_who_go_away_leave_no_trace(service: Service) -> None:
    for number in range(30):
        with socket.create_connection(("127.0.0.1", service.port)) as connection:
            length = 10 if number % 2 else 50_000
            connection.sendall(f"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{{".encode())
    assert service.check("hi").status == 200
    assert not [line for line in service.lines() if line["level"] == "error"]


def test_long_requests_let_short_ones_between_them(service: Service) -> None:
    batch = json.dumps({"comments": [{"text": f"number {i} of many, with some words"} for i in range(1_000)]}).encode()
    done: list[int] = []
    senders = [
        threading.Thread(target=lambda: done.append(service.call("POST", "/v1/check/batch", batch).status))
        for _ in range(6)
    ]
    for sender in senders:
        sender.start()
    waits = []
    while any(sender.is_alive() for sender in senders):
        started = time.monotonic()
        assert service.check("hi").status == 200
        waits.append(time.monotonic() - started)
    assert done == [200] * 6
    assert max(waits) < 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200))
def test_no_bytes_make_an_error_of_our_own(client: FlaskClient, body: bytes) -> None:
    for path in ("/v1/check", "/v1/check/batch"):
        reply = client.post(path, data=body, content_type="application/json")
        assert reply.status_code in (200, 400, 413, 422), body


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON_VALUES, name=st.sampled_from(["text", "author", "author_url", "type", "date", "comments", "x"]))
def test_no_json_makes_an_error_of_our_own(client: FlaskClient, value: Any, name: str) -> None:
    body = json.dumps({"text": "x", name: value})
    for path in ("/v1/check", "/v1/check/batch"):
        reply = client.post(path, data=body, content_type="application/json")
        assert reply.status_code in (200, 400, 413, 422), body


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("\0a\ufeff\ud800\ud83d\udbff\udc00\ude00\udfff😀é"), max_size=12))
def test_surrogates_are_joined_and_replaced_as_the_codec_does(text: str) -> None:
    assert without_surrogates(text) == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
