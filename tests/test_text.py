"""Reading comments: every step by an example that fails without it, honest writing untouched, hostile input bounded."""

from __future__ import annotations

import subprocess
import sys
import time
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from model.lookalikes import fold_scripts
from model.text import HEAD_CHARACTERS, SIGNALS, TAIL_CHARACTERS, _read, read

HIDDEN = [
    # markup
    ("cheap <b>pi</b>lls", "cheap pills", "html"),
    ("one<br>two<p>three</p>", "one\ntwo\nthree", "html"),
    ("<td>one</td><td>two</td>", "one two", "html"),
    ("a <!-- viagra --><i>word</i>", "a word", "html"),
    ('see <a href="http://x.com/a">here', "see here", "html"),
    ('see <a href="http://x.com/a" here</a>', "see", "html"),
    ("buy [b]pi[/b]lls [color=red]now[/color]", "buy pills now", "bbcode"),
    ("see [url=http://x.com]this[/url]", "see this", "bbcode"),
    ("[URL=http://x.com/ - pills[/URL - and", "pills and", "bbcode"),
    ("[URL=http://http://x.com>pills[/URL]", "pills", "bbcode"),
    ("&#118;&#x69;agra", "viagra", "entities"),
    ("&amp;#118;iagra", "viagra", "entities"),
    ("see [this](http://x.com/a_(b)) page", "see this page", "markdown-link"),
    ("see [[this|http://x.com]] page", "see this page", "wiki-link"),
    ("see [[http://x.com|this]] page", "see this page", "wiki-link"),
    ("see [http://x.com this] page", "see this page", "wiki-link"),
    ("{Hello|Hi} there", "{Hello|Hi} there", "spintax"),
    ("ch<b>e</b>ap p<i>ill</i>s", "cheap pills", "split-words"),
    ("ch<x>eap p</y>il<z i=1>ls", "cheap pills", "split-words"),
    ("ch<x></x>eap p<b></b>il<o:p>ls", "cheap pills", "split-words"),
    ("ch<!--x-->eap p<!x>il<?y?>ls", "cheap pills", "split-words"),
    ("ch[b]e[/b]ap p[color=red]ill[/color]s", "cheap pills", "split-words"),
    # characters
    ("vi\u200bag\u200dra", "viagra", "invisible"),
    ("vi\u00adag\u2060ra", "viagra", "invisible"),
    ("vi\x00agra", "viagra", "invisible"),
    ("\u202eargaiv\u202c now", "viagra now", "bidi"),
    ("vi\u200eag\u2066ra", "viagra", "bidi"),
    ("𝗦𝗟𝗢𝗧 𝓰𝓪𝓬𝓸𝓻 𝟴𝟴", "SLOT gacor 88", "styled-letters"),
    ("ＳＬＯＴ gacor", "SLOT gacor", "styled-letters"),
    ("ⓢⓛⓞⓣ 🅢🅛🅞🅣 🆂🅻🅾🆃 🄰🄱 ⒜⒝", "slot SLOT SLOT AB ab", "styled-letters"),
    ("🇻🇮🇦🇬🇷🇦 now", "VIAGRA now", "styled-letters"),
    ("🇻 🇮 🇦 🇬 now", "VIAG now", "styled-letters"),
    ("🇨\u200b🇦\u200b🇸\u200b🇮\u200b🇳\u200b🇴", "CASINO", "styled-letters"),
    ("ᴄᴀꜱɪɴᴏ ʙᴏɴᴜꜱ", "casino bonus", "styled-letters"),
    ("ʏou saw ʏour maʏor", "you saw your mayor", "styled-letters"),
    ("ᵛⁱᵃᵍʳᵃ", "viagra", "styled-letters"),
    ("ᴏᴛ ᴨᴇᴩᴄᴏнᴀᴧ", "от персонал", "styled-letters"),
    ("mᥱᥣіһᥲt", "melihat", "styled-letters"),
    ("z̷̡̛͉͍a̶͙̓̈́l̴̛̹̕gö̷̩́̍", "zalgo", "stacked-marks"),
    ("za\u0301\u200b\u0316\u200b\u0317\u200b\u0334lgo", "zalgo", "stacked-marks"),
    ("u\u030fd\u030fa\u030fh\u030f", "udah", "stacked-marks"),
    ("s\u0336l\u0336o\u0336t\u0336", "slot", "stacked-marks"),
    ("саsinо is рlаyed", "casino is played", "look-alikes"),
    ("νiagrα Ꮃith օur", "viagra With our", "look-alikes"),
    ("informɑtion", "information", "look-alikes"),
    ("the words хосе and рау are read", "the words xoce and pay are read", "look-alikes"),
    ("бecплaтнo зapaбoтoк", "бесплатно заработок", "look-alikes"),
    ("научuм Uщем пдрабоtка", "научим Ищем пдработка", "look-alikes"),
    ("прσстых гραфик вложений", "простых график вложений", "look-alikes"),
    # spelling
    ("v i a g r a pills", "viagra pills", "spaced-letters"),
    ("v.i.a.g.r.a pills", "viagra pills", "spaced-letters"),
    ("A L E X I S 1 7", "ALEXIS17", "spaced-letters"),
    ("s_l_o_t win", "slot win", "spaced-letters"),
    ("b.u.y v.i.a.g.r.a n-o-w", "buy viagra now", "spaced-letters"),
    ("加 我 微 信", "加我微信", "spaced-letters"),
    ("𝘿 𝐎 R 𝘼 7 7", "DORA77", "spaced-letters"),
    ("m4xw1n v1agra p0rn", "maxwin viagra porn", "leet"),
    ("$ex c@sino ca$h 0nline", "sex casino cash online", "leet"),
    ("F0LLOWERS", "FOLLOWERS", "leet"),
    ("3аработок лю6ого", "заработок любого", "leet"),
    ("3аработок в 0000", "заработок в 0000", "leet"),
    ("soooo niceeee", "so nice", "elongated"),
    ("ооочень", "очень", "elongated"),
]

# Each is read as it stands, and nothing about it counts as hidden.
HONEST = {
    "Arabic": "شكراً جزيلاً على هذا المقال الرائع، كان جدّي يعمل هناك!",
    "Chinese": "谢谢你的文章，写得很好。希望你能继续写下去！（2013年第5期）",
    "emoji": "Great post 😀 👍🏽 🇩🇪 🇺🇸🇬🇧 thanks",
    "English": "I paid $100 (about 3 %) for my 2nd iPhone; R&D isn't U.S.-only, e.g. in A/B tests.",
    "formula": "With α = 0.05 and β > 0, Δx is small; see page 2.",
    "French": "Ça m'a plu, « à bientôt » – l'été prochain, cœur léger.",
    "German": "Schöne Grüße aus der Schifffahrt, Seeelefanten und Straßen – daß „alles“ gut wird!",
    "Greek": "Σας ευχαριστώ πολύ για το άρθρο. Ο παππούς μου δούλευε εκεί.",
    "Hebrew": "תודה רבה על המאמר! סבא שלי עבד שם, בְּרֵאשִׁית.",
    "Hindi": "इस लेख के लिए धन्यवाद। मेरे दादाजी वहाँ काम करते थे, क्\u200dष.",
    "Indonesian": "Terima kasih, artikelnya bagus sekali. Kakek saya dulu bekerja di sana.",
    "Japanese": "記事をありがとうございます。祖父はそこで働いていました。カーテン「OK」",
    "Korean": "좋은 글 감사합니다. 제 할아버지는 거기서 일하셨어요. ㅋㅋ",
    "Persian": "ممنون از مقالهٔ خوبتان؛ پدربزرگم آنجا کار می\u200cکرد و خانه\u200cها را می\u200cساخت.",
    "Portuguese": "Ótimo artigo! Meu avô trabalhou lá há anos, não é? Coração.",
    "Russian": "Спасибо за статью! Мой дед работал там; купил iPhone 5 и PDFку, IT-отдел.",
    "Serbian": "Хвала на чланку! Мој деда је радио тамо. Hvala lepo, Đorđe i Ljiljana.",
    "phonetics": "It is said /ˈlʊkəˌlaɪk/ or [ɡʊd ˈmɔːnɪŋ ˈraɪtɪŋ].",
    "polytonic Greek": "ἐν ἀρχῇ ἦν ὁ λόγος, καὶ ὁ λόγος ἦν πρὸς τὸν θεόν, ᾧ ᾄδω",
    "programs": "if (a[i] < b[size] && x > 0) return map<int, string>(axes[i]); // a.b/c, VB.NET/C#",
    "Taiwanese": "Góa ê ha̍k-hāu tha̍k-chheh, chi̍t-ji̍t lo̍h-hō͘.",
    "Thai": "ขอบคุณสำหรับบทความดีๆ คุณปู่ของฉันทำงานที่นั่น",
    "Turkish": "Teşekkürler, İstanbul'da ığdır ve çok güzel şeyler.",
    "Ukrainian": "Дякую за статтю! Мій дід працював там, її їжак.",
    "Urdu": "اس مضمون کا بہت شکریہ، میرے دادا وہاں کام کرتے تھے۔",
    "Vietnamese": "Cảm ơn bài viết rất hay. Ông tôi từng làm việc ở đó, Nguyễn Đình.",
    "Yoruba": "Ẹ ṣé púpọ̀ fún àpilẹ̀kọ yìí; E̩ s̩é púpò̩ fún o̩jó̩.",
}

HONEST_NAMES = (
    "mp3 h264 b2b 2nd k8s 100k IPv6 win10 x86 utf8 H1N1 i18n log4j db4o html5lib PERL5LIB webhost4life 3D 4K R2D2 @bob"
    " user@host Louis XIII AAA XXXL www U.S.A. 10am List<String> a[j] {x} $AAPL AC/DC Hmm"
)

LINKS = [
    ('<a href="http://User@WWW.Foo.com:80/x?a=1&amp;b=2">cheap <b>pills</b></a>',
     [("http://User@WWW.Foo.com:80/x?a=1&b=2", "foo.com", "cheap pills")]),
    ("<a href=http://a.org>one</a> <A HREF='http://b.org'>two</A>",
     [("http://a.org", "a.org", "one"), ("http://b.org", "b.org", "two")]),
    ('<a href="http://a.org">http://a.org</a>', [("http://a.org", "a.org", "http://a.org")]),
    ('<a href="https://www.youtube.com/watch?v=a&amp;t=2m19s">2:19</a> <a class="x" href="https://plus.google.com/s/%23a">#a</a>',
     []),
    ('<a href="http://youtube.com.evil.example/watch?t=1">2:19</a> <a href="http://a.org/">#a</a>',
     [("http://youtube.com.evil.example/watch?t=1", "youtube.com.evil.example", "2:19"),
      ("http://a.org/", "a.org", "#a")]),
    ('<a href="http://a.org">one<a href="http://b.org">two', [("http://a.org", "a.org", "one"),
                                                             ("http://b.org", "b.org", "two")]),
    ('<img src="http://a.org/i.png">', [("http://a.org/i.png", "a.org", "")]),
    ("&lt;a href=&quot;http://a.org&quot;&gt;one&lt;/a&gt;", [("http://a.org", "a.org", "one")]),
    ("[url=http://a.org]one[/url] [url]http://b.org[/url]",
     [("http://a.org", "a.org", "one"), ("http://b.org", "b.org", "")]),
    ("[URL=http://a.org/ - one[/URL - ", [("http://a.org/", "a.org", "one")]),
    ("[one](https://a.org/b_(c)) [two](/about)", [("https://a.org/b_(c)", "a.org", "one"),
                                                 ("/about", "", "two")]),
    ("[[one|http://a.org]] [http://b.org two]", [("http://a.org", "a.org", "one"),
                                                ("http://b.org", "b.org", "two")]),
    ("see (http://a.org/b), www.c.org.", [("http://a.org/b", "a.org", ""), ("www.c.org", "c.org", "")]),
    ("微信http://a.org/b你好", [("http://a.org/b", "a.org", "")]),
    ("HTTP://A.org hxxp://b.org http://http://c.org", [("HTTP://A.org", "a.org", ""),
                                                      ("hxxp://b.org", "b.org", ""),
                                                      ("http://http://c.org", "c.org", "")]),
    ("ｗｗｗ．ａ．ｃｏｍ", [("www.a.com", "a.com", "")]),
    ('<a href="mailto:me@a.org">mail</a> <a href="#top">up</a>', []),
    ("see bit.ly/2H1N1Mj, 加我t.me/+a1b (Foo.COM/x)", [("bit.ly/2H1N1Mj", "bit.ly", ""),
                                                    ("t.me/+a1b", "t.me", ""), ("Foo.COM/x", "foo.com", "")]),
    ("awww. and http:// alone", []),
    ("ASP.NET/MVC and/or shop.com, e.g./i.e. src/a.com/b user@a.com/b .com/b", []),
]  # fmt: skip

LINKED_BY_PLATFORMS = [
    ('see <a href="http://a.org/?b=1&amp;c" rel="nofollow">http://a.org/?b=1&amp;c</a>', "see http://a.org/?b=1&amp;c"),
    ("see <a rel=\"ugc\" href='http://a.org'>a.org</a>", "see a.org"),
    ('<a href="http://www.youtube.com/watch?v=a&amp;t=2m19s">2:19</a> best part', "2:19 best part"),
    ('<a class="ot-hashtag" href="https://plus.google.com/s/%23best">#best</a> part', "#best part"),
]
LINKED_BY_WRITERS = (
    '<a href="http://a.org">one</a>',
    '<a href="http://a.org">http://b.org</a>',
    '<a href="http://a.org/?t=2m19s">2:19</a>',
    '<a href="http://a.org/">#best</a>',
)

MASKED = [
    "call [phone] now",
    "call [PHONE] now",
    "call [email] now",
    "call [LINK] now",
    "call [link] now",
    "call [USERNAME] now",
    "call some.one+two@mail.example.com now",
    "call +62 812-3456-7890 now",
    "call (555) 123-4567 now",
    "call 08123456789 now",
    "call   now",
]

HOSTILE = {
    "open brackets": "[" * 100_000,
    "open angle brackets": "<" * 100_000,
    "almost padding": (" " * 99 + "x") * 1_000,
    "comments left open": "<!----" * 16_000,
    "open links": "<a " * 40_000,
    "open hrefs": '<a href="' * 20_000,
    "padding of links": "<a href=x></a>" * 10_000,
    "hrefs in one tag": ("<a " + 'href="x" ' * 1_000 + "x</a>") * 10,
    "long hrefs": '<a href="' + "x" * 20_000 + "</a>",
    "open wiki links": "[[a|" * 30_000,
    "open markdown links": "[a](" * 30_000,
    "open bbcode": "[url=a " * 20_000,
    "open comments": "<!--" * 30_000,
    "open braces": "{a|" * 30_000,
    "one brace": "{" + "|" * 100_000,
    "nested entities": "&" + "amp;" * 30_000,
    "a long number reference": "&#" + "1" * 100_000 + ";",
    "one emoji": "😀" * 250_000,
    "stacked marks": ("a" + "\u0301\u0316" * 50) * 1_000,
    "one stack of unsorted marks": "a" + "\u0345\u0301\u0316" * 30_000,
    "one stack held apart": "a" + "\u0301\u200b\u0316\u200b" * 30_000,
    "one stack of Hebrew marks": "\u05d0" + "\u05bc\u05b0\u0591" * 30_000,
    "domains": "a.com/" * 20_000,
    "half domains": "a.com" * 20_000,
    "a long half domain": "a." * 4_000 + "com/",
    "open letter tags": "[b]" * 30_000 + "[/b]",
    "tags in words that never end": "a<b " * 25_000,
    "attributes in words that never end": "a<x y=" * 17_000,
    "values in words that never end": "a[b=" * 25_000,
    "one letter": "a" * 100_000,
    "spaced letters": "a b " * 30_000,
    "dotted letters": "a." * 50_000,
    "almost e-mail": "a@" * 50_000,
    "a long domain": "a@" + "a." * 50_000,
    "digits": "1 " * 50_000,
    "schemes": "http://" * 20_000,
    "joiners": "a\u200d" * 50_000,
    "overrides": "\u202ea" * 50_000,
    "mixed scripts": "aа" * 50_000,
    "leet": "a1" * 50_000,
    "lone surrogates": "\ud800" * 100_000,
    "ligatures of 18 letters": "\ufdfa" * 100_000,
    "regional indicators": "🇦" * 100_000,
    "blanks": " " * 100_000,
    "line ends": "\n" * 100_000,
}


@pytest.mark.parametrize(("text", "plain", "signal"), HIDDEN)
def test_hidden_text_is_read_as_people_read_it_and_named(text: str, plain: str, signal: str) -> None:
    reading = read(text)
    assert reading.plain == plain
    assert signal in reading.signals


@pytest.mark.parametrize(
    "text",
    [
        "ch<b>e</b>ap p<i>ill</i>s",
        "ch<x>eap p</y>il<z i=1>ls",
        "ch[b]e[/b]ap p[color=red]ill[/color]s",
        "&#99;h&#x65;ap pills",
        "&#0000000099;heap pills",
        "ch&#8203;eap pi&shy;lls",
        "ch<b></b>eap p<b><i>il</i></b>l<!--x-->s",
        "ch\u200beap pi\u2060lls",
        "ch\u2028e\ufff9ap p\u2029ills",
        "\u202epaehc\u202c pills",
        "ch\u200eeap pills",
        "cheap p1lls",
        "c-h-e-a-p pills",
        "c:h:e:a:p pills",
        "c\u00a0h\u00a0e\u00a0a\u00a0p pills",
        "cheap piiiiills",
    ],
)
def test_what_hides_letters_changes_nothing_of_how_a_text_is_written(text: str) -> None:
    reading = read(text)
    assert reading.written == "cheap pills"
    assert reading.signals


@pytest.mark.parametrize(
    "text",
    [
        "<b>W</b>orld <b>W</b>ide",
        "Map<String>s of List<Integer>s",
        "template<class T>struct A; template<class U>struct B; template<class V>struct C;",
        "if a<b and c>d or e<f and g>h, then i<j and k>l",
        "x[i]y[i]z[s]w and a[b]c[u]d[s]e",
        "x<sup>2</sup>y<sup>2</sup>z<sup>2</sup>w H<sub>2</sub>O",
        "one<br>two<br>three<p>four<br>five",
        "<tr><td>one</td><td>two</td><td>three</td><td>four</td></tr>",
        "me<me@example.org>you<you@example.org>us<us@example.org>them",
        'a<q title="http://example.org">b<q title="http://example.org">c<q title="http://example.org">d',
        "这是<b>重要</b>的事情，请<b>注意</b>安全",
    ],
)
def test_tags_are_as_meant_where_they_may_be(text: str) -> None:
    reading = read(text)
    assert reading.unmasked == text
    assert "split-words" not in reading.signals


def test_only_tags_that_split_words_are_taken_off() -> None:
    assert read("<i>buy</i> v<b>i</b>agra c<b>i</b>alis").written == "<i>buy</i> viagra cialis"
    spam = "[color=Buy pills at http://example.org/pills]"
    assert "pills" in read(f"a[b]c[/b]d e[b]f[/b]g {spam}").plain


def test_urls_and_tags_are_spelt_as_they_were() -> None:
    text = 'sooo v1agra <font color="#fff"> https://aaa.example/b.u.y.i.t/c4sino'
    assert read(text).written == 'so viagra <font color="#fff"> https://aaa.example/b.u.y.i.t/c4sino'


def test_what_was_masked_ends_no_line_with_a_blank() -> None:
    reading = read("me@example.org\nBye")
    assert (reading.unmasked, reading.written) == ("me@example.org\nBye", " ✉ \nBye")


@pytest.mark.parametrize(("language", "text"), HONEST.items(), ids=HONEST)
def test_honest_text_of_any_language_is_left_alone(language: str, text: str) -> None:
    reading = read(text)
    assert reading.plain == text, language
    assert reading.signals == ()


def test_names_with_digits_and_symbols_are_left_alone() -> None:
    reading = read(HONEST_NAMES)
    assert reading.plain == HONEST_NAMES
    assert reading.signals == ()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("caf\u00e9 cafe\u0301", "café café"),
        ("ﬁne №5 Ⅳ …", "fine No5 IV ..."),
        ("one\u00a0two\u3000three\u2003four", "one two three four"),
        ("I\x92d say \x93yes\x94", "I’d say “yes”"),
        ("keep ❤\ufe0f and 1\ufe0f\u20e3", "keep ❤ and 1"),
        ("👨\u200d👩\u200d👧", "👨👩👧"),
        ("خانه\u200b\u200cها", "خانه\u200cها"),
        ("\ufeffHello\ufeff", "Hello"),
        ("\u2068Bob\u2069 شكراً", "Bob شكراً"),
        ("a\u2028b", "a\nb"),
        ("R&amp;D &lt;3 caf&eacute; &#8217; &#1078;", "R&D <3 café ’ ж"),
        ("он читал на iPadе", "он читал на iPadе"),
        ("youвЂre", "youвЂre"),
        ("哈哈哈哈", "哈哈哈哈"),
        ("он жил в СССР", "он жил в СССР"),
        ("これはＯＫです２０１３", "これはOKです2013"),
        (unicodedata.normalize("NFD", "ἐν ἀρχῇ ᾄδω, Nguyễn, ещё, 좋은"), "ἐν ἀρχῇ ᾄδω, Nguyễn, ещё, 좋은"),
    ],
)
def test_honest_variants_are_folded_without_a_signal(text: str, plain: str) -> None:
    reading = read(text)
    assert reading.plain == plain
    disguises = {"invisible", "bidi", "styled-letters", "look-alikes", "stacked-marks", "entities"}
    assert not disguises & set(reading.signals)


@pytest.mark.parametrize("text", MASKED)
def test_what_data_sets_mask_reads_like_what_they_did_not(text: str) -> None:
    reading = read(text)
    assert reading.plain.replace("☎ ", "").replace("✉ ", "") == "call now"
    assert reading.signals == ()


@pytest.mark.parametrize(("linked", "typed"), LINKED_BY_PLATFORMS)
def test_what_a_platform_made_a_link_of_is_written_as_it_was_typed(linked: str, typed: str) -> None:
    assert read(linked).written == read(typed).written == typed


@pytest.mark.parametrize("linked", LINKED_BY_WRITERS)
def test_what_a_writer_made_a_link_of_stays_one(linked: str) -> None:
    assert read(linked).written == linked
    assert len(read(linked).links) == 1


@pytest.mark.parametrize(
    ("masked", "written", "plain"),
    [
        ("call [phone]", "call 08123456789", "call ☎"),
        ("mail [email]", "mail me@mail.example.com", "mail ✉"),
    ],
)
def test_a_mask_and_what_it_hides_are_read_alike(masked: str, written: str, plain: str) -> None:
    assert read(masked).plain == read(written).plain == plain


@pytest.mark.parametrize(("text", "links"), LINKS)
def test_links_are_kept_with_host_and_anchor(text: str, links: list[tuple[str, str, str]]) -> None:
    assert [(link.url, link.host, link.anchor) for link in read(text).links] == links


@pytest.mark.parametrize("text", [text for text, links in LINKS if links])
def test_urls_are_no_part_of_the_plain_text(text: str) -> None:
    plain = read(text).plain.lower()
    assert "://" not in plain
    assert "www." not in plain


def test_white_space_is_folded_to_single_blanks_and_line_ends() -> None:
    assert read("  one \t two\r\n\r\n \n three  ").plain == "one two\nthree"


def test_only_the_head_and_the_tail_of_a_long_text_are_read() -> None:
    reading = read("head " + "middle " * 100_000 + "tail")
    assert reading.plain.startswith("head middle")
    assert reading.plain.endswith("middle tail")
    assert len(reading.plain) <= HEAD_CHARACTERS + TAIL_CHARACTERS + 1


@pytest.mark.parametrize(
    "filler",
    [" ", "\n", "\u200b", "\u00ad", "&nbsp; ", "&shy;", "&#00000032;", "<!--x-->", "<b></b>", "<x-y>", "<b/>", "<i >"],
)
def test_padding_hides_nothing_of_a_long_text(filler: str) -> None:
    padding = filler * (HEAD_CHARACTERS // len(filler))
    assert read(f"I agree.{padding}Buy pills{padding}.").plain.split() == ["I", "agree.", "Buy", "pills", "."]


@pytest.mark.parametrize("tag", ['<a href="http://x.example/a"></a>', "<A title='x' HREF = http://x.example/a></a>"])
def test_padding_hides_no_links(tag: str) -> None:
    padding = tag * (2 * HEAD_CHARACTERS // len(tag))
    reading = read(f"I agree.{padding}Buy pills{padding}.")
    assert reading.plain.split() == ["I", "agree.", "Buy", "pills", "."]
    assert {link.host for link in reading.links} == {"x.example"}


@pytest.mark.parametrize("character", "\f\u2028\u2029\ufff9\ufffa\ufffb\ufffc")
def test_letters_apart_by_what_has_no_width_are_one_word(character: str) -> None:
    reading = read(f"buy {character.join('viagra')} now")
    assert (reading.plain, reading.signals) == ("buy viagra now", ("invisible",))
    pasted = read(f"one line{character}and another")
    assert "invisible" not in pasted.signals


def _seconds_to_read(text: str) -> float:
    def once() -> float:
        _read.cache_clear()
        started = time.process_time()
        read(text)
        return time.process_time() - started

    return min(once() for _ in range(5))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_work_grows_no_faster_than_hostile_text_and_ends_at_the_bound(text: str) -> None:
    noise = 0.001
    most = HEAD_CHARACTERS + TAIL_CHARACTERS
    quarter, whole, all_of_it = map(_seconds_to_read, (text[: most // 4], text[:most], text))
    assert whole <= 8 * quarter + noise  # quadratic work would be 16 times as much
    assert all_of_it <= 3 * whole + noise
    assert len(read(text).plain) <= most + 1


TRICKY = st.text(
    st.sampled_from("aаαé1@$.<>[]()/=&;#|{}:w \n\u200b\u202e\u202c\u0336\ud800𝗔🇦ᴀ加\x92\"'-_")
    | st.characters(exclude_categories=()),
    max_size=80,
)
FRAGMENTS = st.lists(
    st.sampled_from([text for text, _, _ in HIDDEN] + [text for text, _ in LINKS] + MASKED) | TRICKY, max_size=4
).map("".join)


@given(TRICKY | FRAGMENTS)
@example("\ud800")
def test_any_text_can_be_read(text: str) -> None:
    reading = read(text)
    assert set(reading.signals) <= set(SIGNALS)
    assert list(reading.signals) == sorted(set(reading.signals))
    assert reading.plain == reading.plain.strip()
    assert "  " not in reading.plain
    assert "\n\n" not in reading.plain


ORDINARY = st.lists(
    st.sampled_from([word for language, text in HONEST.items() if language != "emoji" for word in text.split()]),
    min_size=1,
    max_size=30,
).map(" ".join)


@given(ORDINARY)
def test_reading_ordinary_text_again_changes_nothing(text: str) -> None:
    plain = read(text).plain
    assert read(plain).plain == plain


@given(ORDINARY, st.integers(0, 30), st.sampled_from("\u200b\u2060\u200e"))
def test_an_invisible_character_anywhere_changes_nothing_people_read(text: str, at: int, character: str) -> None:
    assume(fold_scripts(text, set()) == text)  # where something is hidden, words all of look-alikes are suspect as well
    assert read(text[:at] + character + text[at:]).plain == read(text).plain


def test_importing_reads_no_table_of_look_alikes() -> None:
    program = "import sys, model.text; sys.exit('confusable_homoglyphs' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
