"""Who sends a comment: a name, a link and an address; somebody who advertises, or somebody who does not."""

from __future__ import annotations

import re
from string import ascii_letters, ascii_lowercase, digits
from typing import TYPE_CHECKING, NamedTuple

from training.made_up.words import (
    gibberish,
    goods_by_language,
    lines_of,
    organisations_by_language,
    people_by_language,
    slug,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.made_up.words import Draw

SHARE_WITHOUT_EMAIL = 0.35
SHARE_OF_FOREIGN_PAGES = 0.15
"""Of the links of those who advertise."""
TRADE_SHARE = 0.6
"""Of firms in English; the others are clubs, inns and offices."""
HOME_SHARE = 0.7
"""Of what is advertised in the language of who advertises."""
FAMILY_NAME_FIRST = ("zh-CN", "zh-TW", "ja", "ko", "hu", "vi")
WITHOUT_BLANK = ("zh-CN", "zh-TW", "ja", "ko")

_SHAPES = (
    *["{goods}"] * 4,
    *["{goods} {place}"] * 4,
    *["{place} {goods}"] * 2,
    *["{goods} in {place}"] * 2,
    *["{praise} {goods}"] * 4,
    *["{goods} {added}"] * 2,
    "{praise} {goods} {place}",
)
_NAMELESS = ("Unknown", "Anonymous", "anonymous", "Guest")
_CONSONANTS = "bcdfghjklmnprstvwxz"
_VOWEL = re.compile("[aeiou]")
_DOMAIN_STARTS = ("best", "top", "my", "the", "get", "go", "pro", "", "", "")
_DOMAIN_ENDS = ("hub", "pro", "online", "store", "shop", "world", "guide", "now", "247", "", "", "")
_SCHEMES = ("http://", "https://", "http://www.", "https://www.", "www.")
_PROFILES = (
    "https://www.blogger.com/profile/{number}",
    "https://draft.blogger.com/profile/{number}",
    "http://www.blogger.com/profile/{number}",
    "https://www.linkedin.com/in/{given}-{family}",
    "https://www.youtube.com/@{given}{word}",
    "https://www.instagram.com/{given}.{word}/",
    "https://soundcloud.com/{given}{family}",
    "https://disqus.com/by/{given}{word}/",
)
"""Anybody may have one, who advertises or not."""
_FREE_PAGES = (
    "http://{goods}.blogspot.com",
    "https://{goods}.blogspot.com/",
    "https://{goods}.wordpress.com/",
    "https://{goods}.weebly.com/",
    "https://{goods}.wixsite.com/{goods}",
    "https://{goods}.webflow.io/",
    "https://{goods}.tumblr.com",
    "https://{goods}.github.io",
    "https://{goods}.livejournal.com/",
    "https://{goods}.substack.com",
    "https://sites.google.com/view/{goods}",
    "https://medium.com/@{goods}",
    "https://www.facebook.com/{goods}/",
    "https://twitter.com/{goods}",
    "https://github.com/{goods}",
    "https://www.pinterest.com/{goods}/",
    "https://www.youtube.com/watch?v={letters}",
)
"""Of those who advertise: where anybody may have a page."""
_PAGES_ON_SITES_OF_OTHERS = (
    "http://www.{site}/user/{letters}",
    "https://{site}/profile/{goods}",
    "https://{site}/index.php?title={goods}",
    "http://{site}/forum/member.php?u={number}",
    "http://{site}/{goods}",
    "https://{site}/blog/{goods}.html",
    "http://www.{site}/?p={number}",
    "https://www.{site}/{year}/{month:02}/{goods}/",
)
"""Of those who advertise: on sites that let anybody write, or that were broken into."""
_HOMES = (
    "http://{family}.com",
    "http://www.{given}{family}.com",
    "https://{given}-{family}.{tld}",
    "https://{given}{family}.wordpress.com",
    "http://{word}{other}.blogspot.com",
    "https://github.com/{word}{family}",
    "https://{given}{word}.github.io",
    "https://twitter.com/{given}_{word}",
    "http://www.{family}.{tld}/blog",
    "https://blog.{family}.{tld}",
    "http://{word}-{other}.livejournal.com",
    "https://{word}{other}.tumblr.com",
    "https://www.facebook.com/{given}.{family}",
    "https://medium.com/@{given}{family}",
    "https://{word}{other}.{tld}",
    "http://www.{word}-{other}.{tld}/",
    "https://{word}{other}.substack.com",
    "https://{word}.social/@{given}",
    "https://{initial}{family}.{tld}",
    "https://{consonants}.{tld}",
    *_PROFILES,
)


class Sender(NamedTuple):
    """What is known of who sent a comment; what is not is empty."""

    name: str
    url: str
    email: str


def advertiser(draw: Draw, language: str = "") -> Sender:
    """Make up somebody who advertises: by name and link, or under a person's name or none that means anything."""
    goods, phrase = goods_and_phrase(draw, language)
    kind = draw.random()
    if kind < 0.1:
        name = draw.choice((person(draw, "en"), gibberish(draw, ascii_letters, 7, 16)))
        url = _domain_of_letters(draw)
    else:
        name = cased(draw, phrase) if kind < 0.86 else draw.choice((person(draw, "en"), _nickname(draw)))
        url, page = "", draw.random()
        if page < 0.82:
            url = _shop(draw, goods, phrase)
        elif page < 0.92:
            url = _page(draw, _PROFILES)
    return Sender(name, url, _email(draw))


def bot(draw: Draw) -> Sender:
    """Make up who tries a form out: a given name, perhaps with letters behind it, or letters; a domain of letters."""
    given = draw.choice(people_by_language()["en"]["given"])
    letters = draw.choice(_CONSONANTS) + draw.choice("aeiou") + draw.choice(_CONSONANTS)
    name = draw.choice((given, given + letters, given + letters.capitalize(), gibberish(draw, ascii_letters, 8, 17)))
    return Sender(name, _domain_of_letters(draw) if name == given or draw.random() < 0.5 else "", _email(draw))


def visitor(draw: Draw, language: str = "") -> Sender:
    """Make up somebody who does not advertise, with a home page at times; of any language, or of one."""
    people = people_by_language()
    known = language if language in people else draw.choice((*people, "en", "en", "en"))
    url = "" if draw.random() < 0.55 else _page(draw, _HOMES)
    return Sender(person(draw, known), url, _email(draw))


def nameless(draw: Draw) -> Sender:
    """Make up somebody who gives no name, as platforms show them, with a profile at times."""
    return Sender(draw.choice(_NAMELESS), draw.choice(("", _page(draw, _PROFILES))), "")


def firm(draw: Draw, language: str = "") -> Sender:
    """Make up a firm, a club or an office that does not advertise, though its name and link say what it does.

    ``Ashdown Tree Services``, ``Gasthof Edelweiss``, ``Coro Monte Rosa``; of any language, or of one.
    """
    known = organisations_by_language()
    chosen = language if language in known else draw.choice(("en", draw.choice(tuple(known))))
    name, host = _trade(draw) if chosen == "en" and draw.random() < TRADE_SHARE else _organisation(draw, chosen)
    url = f"{draw.choice(_SCHEMES)}{host}.{draw.choice(lines_of('home_endings'))}{draw.choice(('', '', '/'))}"
    if draw.random() < 0.2:
        name = person(draw, chosen if chosen in people_by_language() else "en")
    return Sender(name, url if draw.random() < 0.85 else "", _email(draw))


def _trade(draw: Draw) -> tuple[str, str]:
    """Make up the name of a firm in English, and the part of its host before the ending."""
    english = people_by_language()["en"]
    given, family, other = draw.choice(english["given"]), draw.choice(english["family"]), draw.choice(english["family"])
    trade = draw.choice(lines_of("trades"))
    own = draw.choice((family, family, f"{given}'s", f"{family} & {other}", _word(draw).title()))
    name = f"{own} {trade.title()}{draw.choice(('', '', '', ' Ltd', ' GmbH', ' Inc.'))}"
    return name, draw.choice((slug(own + trade), slug(own + trade.split()[0]), slug(f"{own} {trade}", "-"), slug(own)))


def _organisation(draw: Draw, language: str) -> tuple[str, str]:
    """Make up the name of a club, an inn or an office, and the part of its host before the ending."""
    known = organisations_by_language()[language]
    own = draw.choice(known["own"])
    name = draw.choice(known["organisation"]).format(own=own)
    host = draw.choice((slug(name), slug(name, "-"), slug(name.split()[0] + own), slug(own)))
    return name, host or _word(draw) + _word(draw)


def goods_and_phrase(draw: Draw, language: str = "") -> tuple[str, str]:
    """Draw what is advertised, and a phrase as people search for it: ``("roofing", "best roofing leeds")``.

    Those who write in ``language`` advertise in it most often, others in English.
    """
    goods = goods_by_language()
    own = language if language in goods else "en"
    known = own if draw.random() < HOME_SHARE else draw.choice(tuple(goods))
    drawn = draw.choice(goods[known])
    if known != "en":
        return drawn, drawn if draw.random() < 0.7 else f"{drawn} {draw.choice((place(draw), 'online', '24h'))}"
    praise, added = draw.choice(lines_of("praise")), draw.choice(lines_of("additions"))
    return drawn, draw.choice(_SHAPES).format(goods=drawn, place=place(draw), praise=praise, added=added)


def place(draw: Draw) -> str:
    """Draw a town or a country."""
    return draw.choice(lines_of("places"))


def cased(draw: Draw, phrase: str) -> str:
    """Write a phrase as those write it who advertise."""
    kind = draw.random()
    if kind < 0.45:
        return " ".join(word[:1].upper() + word[1:] for word in phrase.split())
    if kind < 0.85:
        return phrase.lower()
    return phrase[:1].upper() + phrase[1:] if kind < 0.97 else phrase.upper()


def person(draw: Draw, language: str) -> str:
    """Make up a name as people give it, in whole or in part, or a nickname."""
    names = people_by_language()[language]
    given, family = draw.choice(names["given"]), draw.choice(names["family"])
    whole = f"{family} {given}" if language in FAMILY_NAME_FIRST else f"{given} {family}"
    if language in WITHOUT_BLANK:
        whole = whole.replace(" ", "")
    kind = draw.random()
    if kind < 0.4:
        return whole
    if kind < 0.6:
        return given
    if kind < 0.72:
        return draw.choice((given, whole)).lower()
    if kind < 0.77:
        return f"{given} {family[0]}{draw.choice(('', '.'))}"
    if kind < 0.82:
        return f"{given}{draw.randint(1, 2010)}"
    return family if kind < 0.86 else _nickname(draw)


def own_domain(draw: Draw) -> str:
    """Make up the domain of somebody's site."""
    return f"{_word(draw)}{_word(draw)}.{draw.choice(lines_of('home_endings'))}"


def _nickname(draw: Draw) -> str:
    return draw.choice(lines_of("nicknames"))


def _word(draw: Draw) -> str:
    return slug(draw.choice(lines_of("blog_words")))


def _domain_of_letters(draw: Draw) -> str:
    ending = draw.choice((".com", ".com", ".com", ".ru", ".info", ""))
    return f"http://{gibberish(draw, ascii_lowercase, 6, 13)}{ending}"


def _shop(draw: Draw, goods: str, phrase: str) -> str:
    """Make up the link of somebody who advertises."""
    shown = goods if slug(goods) else draw.choice(goods_by_language()["en"])
    separator = draw.choice(("", "-", ""))
    if draw.random() < SHARE_OF_FOREIGN_PAGES:
        return draw.choice(draw.choice((_FREE_PAGES, _PAGES_ON_SITES_OF_OTHERS))).format(
            goods=slug(draw.choice((phrase, shown)), separator) or slug(shown, separator),
            site=own_domain(draw),
            letters=gibberish(draw, ascii_letters + digits, 7, 12),
            number=draw.randint(3, 200_000),
            year=draw.randint(2008, 2026),
            month=draw.randint(1, 12),
        )
    if draw.random() < 0.3:
        host = f"{draw.choice(_DOMAIN_STARTS)}{slug(shown)}{draw.choice(_DOMAIN_ENDS)}"
    else:
        host = slug(draw.choice((phrase, shown)), separator) or slug(shown, separator)
    kind = draw.random()
    if kind < 0.65:
        path = "" if kind < 0.5 else "/"
    elif kind < 0.9:
        path = f"/{slug(phrase, '-') or slug(shown, '-')}{draw.choice(('', '/', '.html'))}"
    else:
        path = f"/{draw.choice(('blog', 'services', 'products', 'category'))}/{slug(shown, '-')}"
    return f"{draw.choice(_SCHEMES)}{host}.{draw.choice(lines_of('shop_endings'))}{path}"


def _page(draw: Draw, patterns: Sequence[str]) -> str:
    """Make up the link of somebody's own page."""
    english = people_by_language()["en"]
    given, family = slug(draw.choice(english["given"])), slug(draw.choice(english["family"]))
    return draw.choice(patterns).format(
        given=given,
        family=family,
        initial=given[0],
        consonants=_VOWEL.sub("", given + family)[:5],
        word=_word(draw),
        other=_word(draw),
        number=f"{draw.randrange(2 * 10**19):020}",
        tld=draw.choice(lines_of("home_endings")),
    )


def _email(draw: Draw) -> str:
    """Make up an address. Who has which mail domain tells nothing, so all draw from the same."""
    if draw.random() < SHARE_WITHOUT_EMAIL:
        return ""
    given = slug(draw.choice(people_by_language()["en"]["given"]))
    return f"{given}{draw.choice(('', '.', '_', '7'))}{_word(draw)}@{draw.choice(lines_of('mail_domains'))}"
