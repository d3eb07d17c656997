"""A site's allow and deny lists: which line decides on which comment, and what can be no line."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model import SHIPPED
from model.artifact import Filter, load, log_odds_of
from model.comment import Comment
from model.lists import (
    MAX_LINE_CHARACTERS,
    InvalidLineError,
    Line,
    Lists,
    Subject,
    read_lines,
    subject_of,
)
from model.thresholds import Thresholds
from model.verdict import Decision

SPAM = Comment(text="buy cheap viagra http://pills.example/", author="Cheap Viagra", author_url="http://pills.example/")
GOOD = Comment(text="I think the second example lacks a semicolon.", author="Ann")
BLOCKING = (Decision.BLOCK, Decision.DISCARD)


@pytest.fixture(scope="module")
def model() -> Filter:
    return load(SHIPPED)


def deny(subject: str, written: str, decision: Decision = Decision.BLOCK) -> Line:
    return Line.of(Subject(subject), written, decision)


def is_matched(comment: Comment, *lines: Line) -> bool:
    return Lists(lines).match(comment) is not None


@pytest.mark.parametrize(
    ("subject", "line", "comment"),
    [
        ("author", "Cheap Jerseys", Comment(text="Hi", author="cheap jerseys")),
        ("author", "Cheap Jerseys", Comment(text="Hi", author="  Cheap   Jerseys ")),
        ("author", "Cheap Jerseys", Comment(text="Hi", author="Сheap Jеrseys")),  # Cyrillic letters
        ("email", "ann@mail.example", Comment(text="Hi", author_email="Ann@Mail.example ")),
        ("email", "@mail.example", Comment(text="Hi", author_email="ben@mail.example")),
        ("email", "mail.example", Comment(text="Hi", author_email="ben@mx.mail.example")),
        ("domain", "spam.example", Comment(text="see http://spam.example/x")),
        ("domain", "spam.example", Comment(text="see https://a.b.Spam.Example:8080/x?y")),
        ("domain", "http://www.spam.example/page", Comment(text='<a href="//spam.example">here</a>')),
        ("domain", "spam.example", Comment(text="[url=http://spam.example]here[/url]")),
        ("domain", "spam.example", Comment(text="Hi", author_url="http://spam.example")),
        ("domain", "spam.example", Comment(text="look at (spam.example), it is good")),
        ("domain", "spam.example", Comment(text="look at sраm.example")),  # Cyrillic letters
        ("domain", ".example", Comment(text="see http://any.example/")),
        ("domain", "пример.рф", Comment(text="Hi", author_url="http://xn--e1afmkfd.xn--p1ai/")),
        ("domain", "xn--e1afmkfd.xn--p1ai", Comment(text="Hi", author_url="http://пример.рф/")),
        ("ip", "192.0.2.7", Comment(text="Hi", user_ip="192.0.2.7")),
        ("ip", "192.0.2.0/24", Comment(text="Hi", user_ip=" 192.0.2.255")),
        ("ip", "192.0.2.*", Comment(text="Hi", user_ip="192.0.2.9")),
        ("ip", "192.0.2.9/24", Comment(text="Hi", user_ip="::ffff:192.0.2.1")),
        ("ip", "2001:db8::/32", Comment(text="Hi", user_ip="2001:DB8:1::1")),
        ("ip", "::ffff:192.0.2.0/120", Comment(text="Hi", user_ip="192.0.2.1")),
        ("phrase", "cheap pills", Comment(text="Buy CHEAP\n pills now")),
        ("phrase", "cheap pills", Comment(text="buy cheap, pills")),
        ("phrase", "cheap pills", Comment(text="buy c h e a p pills")),
        ("phrase", "viagra", Comment(text="take v1agra today")),
        ("phrase", "free money", Comment(text="freeee money here")),
        ("phrase", "free money", Comment(text="frrrreee moneyyyy here")),
        ("phrase", "free money", Comment(text="Hi", author="Freeee Money")),
        ("phrase", "viagra", Comment(text="take vi\u200bag\u00adra today")),
        ("phrase", "viagra", Comment(text="take vіаgrа today")),  # Cyrillic letters
        ("phrase", "viagra", Comment(text="take vi<b></b>agra today")),
        ("phrase", "v1agra", Comment(text="take viagra today")),
        ("phrase", "viagra", Comment(text="Hi", author="Viagra Online")),
        ("phrase", "don't panic", Comment(text="Don't panic!")),
        ("phrase", "купить дёшево", Comment(text="здесь КУПИТЬ дёшево")),
        ("phrase", "网赌", Comment(text="最好的网赌平台")),
        ("phrase", "+7 999 123-45-67", Comment(text="call +7 999 123-45-67 now")),
        ("phrase", "buy_now", Comment(text="please buy now")),
    ],
)
def test_a_line_speaks_of_a_comment(subject: str, line: str, comment: Comment) -> None:
    assert is_matched(comment, deny(subject, line))


@pytest.mark.parametrize(
    ("subject", "line", "comment"),
    [
        ("author", "Ann", Comment(text="Ann said so", author="Annabel")),
        ("email", "ann@mail.example", Comment(text="Hi", author_email="joann@mail.example")),
        ("email", "@mail.example", Comment(text="Hi", author_email="ben@hotmail.example")),
        ("domain", "spam.example", Comment(text="see http://notspam.example/")),
        ("domain", "spam.example", Comment(text="see http://spam.example.org/")),
        ("domain", "spam.example", Comment(text="see http://other.example/?u=spam.example")),
        ("domain", "spam.example", Comment(text="write to me@other.example, spam. example")),
        ("ip", "192.0.2.0/24", Comment(text="Hi", user_ip="192.0.3.1")),
        ("ip", "192.0.2.0/24", Comment(text="Hi", user_ip="unknown")),
        ("ip", "192.0.2.0/24", Comment(text="192.0.2.1 is my router")),
        ("phrase", "press", Comment(text="WordPress is fine", author="Express")),
        ("phrase", "cheap pills", Comment(text="pills are cheap")),
        ("phrase", "cheap pills now", Comment(text="cheap pills")),
    ],
)
def test_a_line_does_not_speak_of_a_comment(subject: str, line: str, comment: Comment) -> None:
    assert not is_matched(comment, deny(subject, line))


@pytest.mark.parametrize(
    ("lines", "decision"),
    [
        ([("phrase", "semicolon", "block"), ("author", "ann", "allow")], "allow"),
        ([("phrase", "semicolon", "discard"), ("phrase", "second example", "allow")], "allow"),
        ([("phrase", "semicolon", "review"), ("author", "ann", "block")], "block"),
        ([("phrase", "semicolon", "block"), ("author", "ann", "discard")], "discard"),
        ([("phrase", "second", "review"), ("phrase", "second example lacks", "block")], "block"),
        ([("phrase", "second example lacks", "review"), ("phrase", "second example", "block")], "block"),
    ],
)
def test_allow_beats_deny_and_stricter_beats_milder(lines: list[tuple[str, str, str]], decision: str) -> None:
    match = Lists(deny(subject, line, Decision(said)) for subject, line, said in lines).match(GOOD)
    assert match is not None
    assert match.decision == decision


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [
        ("see http://mine.example/x", True),
        ("see http://mine.example/x and http://www.mine.example/y", True),
        ("see http://mine.example/x and http://pills.example/", False),
        ("mine.example is good, and http://pills.example/ too", False),
        ("mine.example is good", False),
        ("nothing linked", False),
    ],
)
def test_an_allowed_domain_vouches_for_a_comment_without_other_links_only(text: str, is_allowed: bool) -> None:
    assert is_matched(Comment(text=text), deny("domain", "mine.example", Decision.ALLOW)) == is_allowed


@pytest.mark.parametrize(
    ("subject", "line", "says"),
    [
        ("author", "", "empty"),
        ("author", " \u202e\u200b ", "empty"),
        ("author", "x" * (MAX_LINE_CHARACTERS + 1), "characters"),
        ("email", "ann smith@mail.example", "e-mail address"),
        ("email", "ann@", "domain"),
        ("email", "a@b@mail.example", "e-mail address"),
        ("domain", "com", "domain"),
        ("domain", "spam example.org", "domain"),
        ("domain", "-spam.example", "domain"),
        ("domain", ".", "domain"),
        ("domain", "a" * 64 + ".example", "domain"),
        ("domain", "*", "domain"),
        ("ip", "300.0.0.1", "IP address"),
        ("ip", "192.0.2.0/33", "IP address"),
        ("ip", "1.2.3.4.5.*", "IP address"),
        ("ip", "example.org", "IP address"),
        ("ip", "0.0.0.0/0", "no more addresses"),
        ("ip", "::/0", "no more addresses"),
        ("ip", "*", "IP address"),
        ("phrase", "!!!", "letters or digits"),
        ("phrase", "a", "letters or digits"),
        ("phrase", "word " * 25, "words"),
        ("phrase", "m" * 1_000_000, "characters"),
    ],
)
def test_what_can_be_no_line_is_refused_with_what_is_expected(subject: str, line: str, says: str) -> None:
    with pytest.raises(InvalidLineError, match=says) as refusal:
        deny(subject, line)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("line", "subject"),
    [
        ("192.0.2.7", "ip"),
        ("192.0.2.", "ip"),
        ("2001:db8::/32", "ip"),
        ("ann@mail.example", "email"),
        ("@mail.example", "email"),
        ("spam.example", "domain"),
        ("https://spam.example/page", "domain"),
        (".ru", "domain"),
        ("viagra", "phrase"),
        ("cheap pills", "phrase"),
        ("write to me@mail.example", "phrase"),
    ],
)
def test_a_list_of_all_kinds_is_told_apart_line_by_line(line: str, subject: str) -> None:
    assert subject_of(line) == subject


def test_wordpress_keys_are_read_with_the_numbers_of_those_that_cannot_be_used() -> None:
    lines, refused = read_lines("viagra\r\n\r\n 192.0.2.7 \n!!!\nspam.example\n", Decision.REVIEW)
    assert [(line.subject, line.pattern, line.decision) for line in lines] == [
        ("phrase", "viagra", "review"),
        ("ip", "192.0.2.7/32", "review"),
        ("domain", "spam.example", "review"),
    ]
    assert [number for number, _ in refused] == [4]


@pytest.mark.parametrize("comment", [SPAM, GOOD, Comment(text="")])
@pytest.mark.parametrize("said", list(Decision))
@pytest.mark.parametrize(
    "thresholds", [None, Thresholds(0.2, 0.5, 0.9), Thresholds(0.9, 0.99, 0.999999), Thresholds(0.2, 0.97, 0.971)]
)
def test_a_line_decides_and_the_reasons_still_add_up(
    model: Filter, comment: Comment, said: Decision, thresholds: Thresholds | None
) -> None:
    judge = model if thresholds is None else model.deciding_by(thresholds)
    found, line = judge.check(comment), deny("phrase", "whatever it is", said)
    verdict = judge.listed(found, line)
    strictness = list(Decision).index
    if said is Decision.ALLOW:
        assert verdict.decision is Decision.ALLOW
    else:
        assert strictness(verdict.decision) == max(strictness(said), strictness(found.decision))
    assert sum(reason.weight for reason in verdict.reasons) == pytest.approx(log_odds_of(verdict.score), abs=1e-3)
    (reason,) = (reason for reason in verdict.reasons if reason.feature == "list:phrase")
    assert "whatever it is" in reason.text


_FIELDS = st.builds(
    Comment,
    text=st.text(max_size=300),
    author=st.text(max_size=40),
    author_email=st.text(max_size=40),
    author_url=st.text(max_size=60),
    user_ip=st.text(max_size=40),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(Subject), st.text(max_size=60), st.sampled_from(Decision)), max_size=20),
    _FIELDS,
)
@example([(Subject.DOMAIN, "a..b", Decision.BLOCK)], Comment(text="http://a..b/ ..", author_url="http://\u3002x"))
@example([(Subject.IP, "fe80::1%eth0", Decision.BLOCK)], Comment(text="", user_ip="fe80::1%eth0"))
@example([(Subject.EMAIL, "@\u0130.example", Decision.BLOCK)], Comment(text="", author_email="@\u0130.example"))
@example([(Subject.PHRASE, "\u0130\u0130", Decision.BLOCK)], Comment(text="\u0130" * 300))
def test_no_line_can_make_a_check_fail(written: list[tuple[Subject, str, Decision]], comment: Comment) -> None:
    lines = []
    for subject, line, decision in written:
        try:
            lines.append(Line.of(subject, line, decision))
        except InvalidLineError:
            continue
    Lists(lines).match(comment)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(Subject), st.text(max_size=60))
@example(Subject.EMAIL, "@\u0130.example")
@example(Subject.DOMAIN, "\u0130.example")
@example(Subject.IP, "::ffff:10.0.0.0/104")
def test_what_a_line_was_read_as_is_read_as_the_same_again(subject: Subject, written: str) -> None:
    try:
        line = Line.of(subject, written, Decision.BLOCK)
    except InvalidLineError:
        return
    assert Line.of(subject, line.pattern, Decision.BLOCK) == line


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["cheap", "pills", "buy", "дом", "v1agra", "2024", "网赌"]), min_size=1, max_size=6))
def test_a_phrase_is_found_wherever_it_stands(words: list[str]) -> None:
    phrase = " ".join(words)
    assert is_matched(Comment(text=f"before {phrase}, after"), deny("phrase", phrase))
    assert is_matched(Comment(text=phrase.upper()), deny("phrase", phrase))
