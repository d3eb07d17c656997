"""An operator's own lists: what is let through, held or blocked whatever the filter believes, and finding the line.

A line names an author, an e-mail address or its domain, the domain of a link, a range of IP addresses, or a phrase. All
are looked up in tables, and a phrase is a sequence of whole words, never a pattern, so that a comment costs the same
whatever the lines are. Names and texts are compared as people read them (``text``): a disguise evades no line. Owns
what a line may say and which line decides. Leaves what that does to a verdict to ``artifact``, and keeping lines to the
training package.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Self

from model.comment import ModelError
from model.links import host_of
from model.segments import folded_name
from model.spelling import with_single_letters
from model.text import HEAD_CHARACTERS, TAIL_CHARACTERS, read
from model.verdict import Decision

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from ipaddress import IPv4Network

    from model.comment import Comment
    from model.text import Reading

MAX_LINE_CHARACTERS = 250
MAX_PHRASE_WORDS = 24
MIN_PREFIXES = {4: 8, 6: 16}
"""A range of more addresses than that would be most of the Internet, and a slip."""
_SHOWN_CHARACTERS = 60


class InvalidLineError(ModelError):
    """A line can't be used; the message says what was found and what is expected."""


class Subject(StrEnum):
    """What of a comment a line speaks of."""

    AUTHOR = "author"
    EMAIL = "email"
    DOMAIN = "domain"
    IP = "ip"
    PHRASE = "phrase"


_SEVERITY = {Decision.REVIEW: 1, Decision.BLOCK: 2, Decision.DISCARD: 3, Decision.ALLOW: 4}
"""Of several lines that speak of a comment the highest decides: allow beats deny, and stricter denies beat milder."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a site's lists: what it speaks of, what it names, and what is then decided.

    ``pattern`` is as ``of`` returns it; ``number`` is the store's name for the line.
    """

    subject: Subject
    pattern: str
    decision: Decision
    number: int = 0

    @classmethod
    def of(cls, subject: Subject, written: str, decision: Decision) -> Self:
        """Read a line as an operator wrote it.

        Raises:
            InvalidLineError: it names nothing that could be found in a comment.
        """
        if len(written) > MAX_LINE_CHARACTERS:
            raise InvalidLineError(
                f"found a line of {len(written):,} characters, expected at most {MAX_LINE_CHARACTERS}"
            )
        line = _visible(written).lower()
        if not line:
            raise InvalidLineError("found an empty line, expected something to look for")
        return cls(subject, _READERS[subject](line), decision)

    @property
    def feature(self) -> str:
        """Name the kind of line, as the feature of a reason."""
        return f"list:{self.subject}"

    @property
    def reason(self) -> str:
        """Say which line it is, in words for moderators."""
        which = "allow" if self.decision is Decision.ALLOW else "deny"
        return f"this site's {which} list: {self.subject} “{self.pattern}”"


def subject_of(written: str) -> Subject:
    """Guess what a line of a list that mixes all kinds, such as WordPress's, speaks of."""
    line = _visible(written).lower()
    if " " not in line:
        for subject, reads in ((Subject.IP, _ip), (Subject.EMAIL, _email), (Subject.DOMAIN, _domain)):
            if subject is Subject.EMAIL and "@" not in line:
                continue
            try:
                reads(line)
            except InvalidLineError:
                continue
            return subject
    return Subject.PHRASE


def read_lines(
    written: str, decision: Decision, subject: Subject | None = None
) -> tuple[list[Line], list[tuple[int, str]]]:
    """Read one entry a line; without a subject each line's is guessed.

    Returns:
        the lines, and the numbers of those that can't be used, with what is wrong. Empty ones are passed over.
    """
    lines, refused = [], []
    for number, entry in enumerate(written.splitlines(), 1):
        if entry.strip():
            try:
                lines.append(Line.of(subject or subject_of(entry[: MAX_LINE_CHARACTERS + 1]), entry, decision))
            except InvalidLineError as error:
                refused.append((number, str(error)))
    return lines, refused


class Lists:
    """The lines of one site, ready to be looked up. Never changes, so threads can share it."""

    def __init__(self, lines: Iterable[Line]) -> None:
        strictest_first = sorted(lines, key=_rank)
        self._allowing = _Index(line for line in strictest_first if line.decision is Decision.ALLOW)
        self._denying = _Index(line for line in strictest_first if line.decision is not Decision.ALLOW)
        self._subjects = frozenset(str(line.subject) for line in strictest_first)

    def match(self, comment: Comment) -> Line | None:
        """Return the line that decides on a comment, ``None`` where no line speaks of it.

        A deny line for a domain needs one link to it; an allow line vouches only for comments all whose links go to
        allowed domains, or anybody could vouch for a link by adding an innocent one.
        """
        if not self._subjects:
            return None
        seen = _Seen.of(comment, self._subjects)
        allowed = [*self._allowing.lines(seen), *self._allowing.lines_of_all_hosts(seen)]
        return min(
            allowed or [*self._denying.lines(seen), *self._denying.lines_of_hosts(seen)], key=_rank, default=None
        )


def _rank(line: Line) -> tuple[int, int]:
    return -_SEVERITY[line.decision], line.number


@dataclass(frozen=True, slots=True)
class _Seen:
    """What of a comment lines can speak of. ``hosts`` are linked to, ``named`` only stand in the text.

    ``drawn_out`` are the words of a text or name some of whose words are, without doubled letters: what is left of a
    run of letters doesn't tell whether the word has one or two.
    """

    author: str = ""
    email: str = ""
    ip: IPv4Address | IPv6Address | None = None
    hosts: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    words: tuple[list[str], ...] = ()
    drawn_out: tuple[list[str], ...] = ()

    @classmethod
    def of(cls, comment: Comment, subjects: frozenset[str]) -> Self:
        """Look at a comment; at its text only where lines speak of links or phrases."""
        author = folded_name(comment.author)
        hosts, named, words = (), (), ()  # type: tuple[str, ...], tuple[str, ...], tuple[list[str], ...]
        drawn_out: tuple[list[str], ...] = ()
        if "domain" in subjects or "phrase" in subjects:
            reading = read(comment.text)
            if "domain" in subjects:
                hosts, named = _hosts(comment, reading), _named_hosts(reading.plain)
            if "phrase" in subjects:
                words = _words(author), _words(reading.plain), *_other_words(comment.text, reading)
                readings = (one for one in (read(comment.author), reading) if "elongated" in one.signals)
                drawn_out = tuple(_words(with_single_letters(one.plain)) for one in readings)
        email = comment.author_email.strip().lower()
        return cls(author, email, _address(comment.user_ip), hosts, named, words, drawn_out)


def _hosts(comment: Comment, reading: Reading) -> tuple[str, ...]:
    own = host_of(comment.author_url) if comment.author_url else ""
    return tuple(_ascii(host) for host in (own, *(link.host for link in reading.links)) if host)


def _named_hosts(text: str) -> tuple[str, ...]:
    """Return the hosts that words of a text name without being links."""
    words = (word.strip("()[]{}<>\"'“”‘’«»,;:!?…") for word in text.split() if "." in word[1:-1])
    return tuple(_ascii(host) for host in map(host_of, words) if host)


def _other_words(text: str, reading: Reading) -> tuple[list[str], ...]:
    """Return the words of a text as it was written, where people read it otherwise."""
    if not (reading.signals or reading.links) and reading.plain.isascii():
        return ()
    if len(text) > HEAD_CHARACTERS + TAIL_CHARACTERS:
        text = f"{text[:HEAD_CHARACTERS]}\n{text[-TAIL_CHARACTERS:]}"
    return (_words(text),)


class _Node:
    """The beginning of a phrase: the line it is, if it is a whole one, and the words that go on from there."""

    __slots__ = ("following", "line")

    def __init__(self) -> None:
        self.line: Line | None = None
        self.following: dict[str, _Node] = {}


class _Index:
    """Lines by what they name; where two name the same, the first stays."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._authors: dict[str, Line] = {}
        self._emails: dict[str, Line] = {}
        self._domains: dict[str, Line] = {}
        self._networks: dict[tuple[int, int], dict[int, Line]] = {}
        self._phrases, self._phrases_drawn_out = _Node(), _Node()
        for line in lines:
            self._add(line)

    def lines(self, seen: _Seen) -> Iterator[Line]:
        """Yield the lines that speak of a comment, but for those that name domains of links."""
        if seen.author and (line := self._authors.get(seen.author)):
            yield line
        if seen.email:
            if line := self._emails.get(seen.email):
                yield line
            yield from _within(self._emails, _ascii(seen.email.rpartition("@")[2]), "@")
        if seen.ip is not None:
            yield from self._lines_of_ip(seen.ip)
        if self._phrases.following:
            for words in seen.words:
                yield from self._lines_of_words(words, self._phrases)
            for words in seen.drawn_out:
                yield from self._lines_of_words(words, self._phrases_drawn_out)

    def lines_of_hosts(self, seen: _Seen) -> Iterator[Line]:
        """Yield the lines that name a domain which is linked to, or stands in the text."""
        if self._domains:
            for host in (*seen.hosts, *seen.named):
                yield from _within(self._domains, host)

    def lines_of_all_hosts(self, seen: _Seen) -> list[Line]:
        """Return a line for each link of a comment, and none if a link has none."""
        found = [next(_within(self._domains, host), None) for host in seen.hosts] if self._domains else []
        return [line for line in found if line is not None] if all(found) else []

    def _lines_of_ip(self, ip: IPv4Address | IPv6Address) -> Iterator[Line]:
        for (version, bits), networks in self._networks.items():
            if version == ip.version and (line := networks.get(int(ip) >> bits)):
                yield line

    def _lines_of_words(self, words: list[str], phrases: _Node) -> Iterator[Line]:
        ended = [*words, ""]  # no phrase goes on with an empty word
        for place, word in enumerate(words):
            node = phrases.following.get(word)
            while node is not None:
                if node.line is not None:
                    yield node.line
                place += 1
                node = node.following.get(ended[place])

    def _add(self, line: Line) -> None:
        match line.subject:
            case Subject.AUTHOR:
                self._authors.setdefault(folded_name(line.pattern), line)
            case Subject.EMAIL:
                self._emails.setdefault(line.pattern, line)
            case Subject.DOMAIN:
                self._domains.setdefault(line.pattern, line)
            case Subject.IP:
                network = ip_network(line.pattern)
                bits = network.max_prefixlen - network.prefixlen
                of_size = self._networks.setdefault((network.version, bits), {})
                of_size.setdefault(int(network.network_address) >> bits, line)
            case Subject.PHRASE:
                for words in {_phrase_words(read(line.pattern).plain), _phrase_words(line.pattern)}:
                    _add_phrase(self._phrases, words, line)
                    _add_phrase(self._phrases_drawn_out, with_single_letters(words), line)


def _add_phrase(phrases: _Node, words: str, line: Line) -> None:
    node = phrases
    for word in words.split():
        node = node.following.setdefault(word, _Node())
    if node is not phrases and node.line is None:
        node.line = line


def _within(lines: dict[str, Line], host: str, sign: str = "") -> Iterator[Line]:
    """Yield the lines for a host, the domains it lies in, and its top-level domain."""
    while host:
        if line := lines.get(sign + host):
            yield line
        parent = host.partition(".")[2]
        if not parent and (line := lines.get(f"{sign}.{host}")):
            yield line
        host = parent


def _visible(written: str) -> str:
    """Drop characters that can't be seen, and fold white space."""
    kept = (" " if c.isspace() else c for c in written if c.isspace() or unicodedata.category(c) not in _UNSEEN)
    return " ".join("".join(kept).split())


_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn")


def _author(line: str) -> str:
    if not folded_name(line):
        raise InvalidLineError(f"found {_shown(line)}, expected an author's name")
    return line


def _email(line: str) -> str:
    local, _, domain = line.rpartition("@")
    if " " in local or "@" in local:
        raise InvalidLineError(f"found {_shown(line)}, expected an e-mail address, or its domain: @mail.example")
    return f"{local}@{_domain(domain)}"


def _domain(line: str) -> str:
    is_top_level = line.startswith((".", "*.")) and "." not in line.lstrip("*.")
    host = f".{_ascii(line.lstrip('*.'))}" if is_top_level else _ascii(host_of(line.removeprefix("*.")))
    if len(host) > _MAX_HOST or not (_TOP_LEVEL if is_top_level else _HOST).fullmatch(host):
        raise InvalidLineError(f"found {_shown(line)}, expected a domain: spam.example, or .example for all below it")
    return host


_MAX_HOST = 253
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?:{_LABEL}\.){{1,30}}{_LABEL}")
_TOP_LEVEL = re.compile(rf"\.{_LABEL}")


def _ip(line: str) -> str:
    """Read an address or a range: 192.0.2.7, 192.0.2.0/24, 192.0.2.*, 2001:db8::/32."""
    octets = line.removesuffix("*").removesuffix(".").split(".")
    if line.endswith((".", ".*")) and len(octets) < 4:
        line = f"{'.'.join([*octets, *['0'] * (4 - len(octets))])}/{8 * len(octets)}"
    try:
        network: IPv4Network | IPv6Network = ip_network(line, strict=False)
    except ValueError:
        raise InvalidLineError(
            f"found {_shown(line)}, expected an IP address or a range of them: 192.0.2.7, 192.0.2.0/24, 2001:db8::/32"
        ) from None
    if isinstance(network, IPv6Network) and (mapped := network.network_address.ipv4_mapped) and network.prefixlen >= 96:
        network = ip_network(f"{mapped}/{network.prefixlen - 96}")
    if network.prefixlen < MIN_PREFIXES[network.version]:
        raise InvalidLineError(
            f"found {_shown(line)}, expected no more addresses than /{MIN_PREFIXES[network.version]} has"
        )
    return str(network)


def _phrase(line: str) -> str:
    words = _phrase_words(read(line).plain) or _phrase_words(line)
    if len(words) < 2 and words.isascii():
        raise InvalidLineError(f"found {_shown(line)}, expected a phrase of at least two letters or digits")
    if words.count(" ") >= MAX_PHRASE_WORDS:
        raise InvalidLineError(f"found {_shown(line)}, expected at most {MAX_PHRASE_WORDS} words")
    return line


_READERS = {
    Subject.AUTHOR: _author,
    Subject.EMAIL: _email,
    Subject.DOMAIN: _domain,
    Subject.IP: _ip,
    Subject.PHRASE: _phrase,
}


def _shown(line: str) -> str:
    return repr(line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}…")


def _words(text: str) -> list[str]:
    """Split a text into words in lower case."""
    return text.translate(_LETTERS).split()


class _Letters(dict[int, str]):
    """Letters and digits in lower case, and a blank for all other characters; filled as they are met.

    Of scripts that put no blanks between words, every character is a word.
    """

    def __missing__(self, code: int) -> str:
        character = chr(code)
        found = character.lower() if character.isalnum() else " "
        if _UNSPACED.match(character):
            found = f" {found} "
        if code <= _MAX_KEPT:
            self[code] = found
        return found


_MAX_KEPT = 0xFFFF
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_LETTERS = _Letters()


def _phrase_words(text: str) -> str:
    return " ".join(_words(text))


@lru_cache(maxsize=1024)
def _ascii(host: str) -> str:
    """Write an internationalised host as it is looked up: xn--."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def _address(written: str) -> IPv4Address | IPv6Address | None:
    if not written:
        return None
    try:
        address = ip_address(written.strip())
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
