"""Addresses as keyed hashes: equal for equal ones, unlike for others, and without any effect on what is decided."""

from __future__ import annotations

import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import SHIPPED
from model.artifact import load
from model.comment import Comment
from model.segments import parts_of
from training.pseudonyms import Pseudonyms

KEYED = Pseudonyms(b"k" * 32)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bo@mail.example", "Bo@Mail.Example"),
        ("bo@mail.example", " bo@mail.example\n"),
        ("bo@mail.example", "bo @ mail.example"),
        ("no address", "No Address "),
    ],
)
def test_the_same_e_mail_address_has_the_same_pseudonym_however_it_is_written(one: str, other: str) -> None:
    assert KEYED.of_email(one) == KEYED.of_email(other) != KEYED.of_email("bo2@mail.example")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.1", " 192.0.2.1"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8::1", "2001:0DB8:0:0:0:0:0:1"),
        ("not:an:address", "Not:An:Address"),
    ],
)
def test_the_same_ip_address_has_the_same_pseudonym_however_it_is_written(one: str, other: str) -> None:
    assert KEYED.of_ip(one) == KEYED.of_ip(other) != KEYED.of_ip("192.0.2.2")


def test_only_the_domain_of_an_address_can_be_read() -> None:
    comment = KEYED.of(Comment(text="Hi", author_email="bo.long@mail.example", user_ip="192.0.2.1"))
    assert re.fullmatch(r"keyed-[0-9a-f]{32}@mail\.example", comment.author_email)
    assert re.fullmatch(r"keyed-[0-9a-f]{32}", comment.user_ip)
    assert comment.author_email[:38] != comment.user_ip


@pytest.mark.parametrize("key", [b"k" * 32, b"", b"k" * 64, b"k" * 65], ids=len)
def test_a_pseudonym_begins_an_hmac(key: bytes) -> None:
    mac = hmac.new(key, b"ip:192.0.2.1", "sha256").hexdigest()
    assert Pseudonyms(key).of_ip("192.0.2.1") == f"keyed-{mac[:32]}"


def test_an_address_is_told_by_who_has_the_key_alone() -> None:
    other = Pseudonyms(b"o" * 32)
    assert KEYED.of_email("bo@mail.example") != other.of_email("bo@mail.example")
    assert KEYED.of_ip("192.0.2.1") != other.of_ip("192.0.2.1")
    assert KEYED.of_email("192.0.2.1") != KEYED.of_ip("192.0.2.1")


def test_an_address_that_is_not_known_stays_unknown() -> None:
    assert KEYED.of(Comment(text="Hi", author="Bo")) == Comment(text="Hi", author="Bo")


@given(st.text(), st.text())
def test_a_pseudonym_stays_as_it_is(email: str, ip: str) -> None:
    once = KEYED.of(Comment.from_mapping({"text": "", "author_email": email, "user_ip": ip}))
    assert KEYED.of(once) == once


@given(st.text() | st.emails() | st.tuples(st.text(), st.text()).map("@".join))
def test_the_model_sees_no_difference(email: str) -> None:
    comment = Comment.from_mapping({"text": "Great post!", "author_email": email, "user_ip": "192.0.2.1"})
    assert parts_of(KEYED.of(comment)) == parts_of(comment)


@pytest.mark.parametrize("email", ["bo@mail.example", "x@CHEAP-PILLS.example", "a@b@gmail.com ", "none", "@", "bo@"])
def test_a_comment_is_judged_alike_with_its_pseudonyms(email: str) -> None:
    model = load(SHIPPED)
    comment = Comment(text="Buy cheap pills", author="Bo", author_email=email, user_ip="192.0.2.1")
    assert model.check(KEYED.of(comment)) == model.check(comment)
