"""Where a callback may lead: to hosts on the list, at their port, and to no address that is nobody's."""

from __future__ import annotations

import pytest

from service.destinations import WrongHostError, destination_of, host_of
from training.callbacks import AllowedHost

LISTED = [AllowedHost("blog.example"), AllowedHost("shop.example:8080"), AllowedHost("10.0.0.5", is_private=True)]


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("blog.example", "blog.example"),
        ("Blog.EXAMPLE.", "blog.example"),
        ("blog.example:8080", "blog.example:8080"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8:0:0::1]:80", "[2001:db8::1]:80"),
        ("wordpress", "wordpress"),
    ],
)
def test_hosts_are_kept_in_one_way_of_writing(written: str, host: str) -> None:
    assert host_of(written) == host


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "http://blog.example",
            "blog.example/",
            "blog.example?",
            "a@blog.example",
            "blog.example:99999",
            "*.example",
        ),
        *("a b", "a\n", "a\x00b", "a\\b", "x" * 300, "::1", "127.1", "2130706433", "[fe80::1%25eth0]"),
    ],
)
def test_what_is_no_host_is_refused(written: str) -> None:
    with pytest.raises(WrongHostError, match="expected a host"):
        host_of(written)


@pytest.mark.parametrize(
    "callback",
    [
        "http://blog.example/hook",
        "https://blog.example/wp-json/akismet/v1/webhook",
        "https://BLOG.example:443/?rest_route=/akismet/v1/webhook",
        "http://blog.example./hook",
        "http://shop.example:8080/hook",
        "http://10.0.0.5/hook",
    ],
)
def test_a_host_on_the_list_is_allowed_at_its_port(callback: str) -> None:
    assert destination_of(callback, LISTED) is not None


@pytest.mark.parametrize(
    "callback",
    [
        "",
        "hook",
        "//blog.example/hook",
        "ftp://blog.example/hook",
        "file:///etc/passwd",
        "http://blog.example:8080/hook",
        "http://blog.example:443/hook",
        "https://shop.example/hook",
        "http://shop.example/hook",
        "http://evil.example/hook",
        "http://blog.example.evil.example/hook",
        "http://evil.example/http://blog.example/",
        "http://evil.example#@blog.example/",
        "http://evil.example\\@blog.example/",
        "http://blog.example@evil.example/",
        "http://ann:secret@blog.example/hook",
        "http://blog.example\x00.evil.example/",
        "http://[::1",
        "http://10.0.0.5:6379/",
        "http://0x0a.0.0.5/",
        "http://167772165/",
        "http://\ud800/",
        "http://blog.example/" + "x" * 3_000,
    ],
)
def test_nothing_else_is_allowed(callback: str) -> None:
    assert destination_of(callback, LISTED) is None
    assert destination_of(callback, []) is None


@pytest.mark.parametrize(
    ("address", "by_default", "if_private"),
    [
        ("93.184.215.14", True, True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True, True),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("10.0.0.5", False, True),
        ("172.16.0.1", False, True),
        ("192.168.1.1", False, True),
        ("100.64.0.1", False, True),
        ("fd00::1", False, True),
        ("::ffff:127.0.0.1", False, True),
        ("64:ff9b::7f00:1", False, True),
        ("2002:7f00:1::", False, True),
        ("::ffff:93.184.215.14", True, True),
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("64:ff9b::a9fe:a9fe", False, False),
        ("fe80::1", False, False),
        ("fe80::1%eth0", False, False),
        ("224.0.0.1", False, False),
        ("ff02::1", False, False),
        ("0.0.0.0", False, False),  # noqa: S104 - an address to refuse
        ("::", False, False),
        ("240.0.0.1", False, False),
        ("255.255.255.255", False, False),
    ],
)
def test_which_addresses_a_host_may_have(address: str, by_default: bool, if_private: bool) -> None:
    for is_private, expected in ((False, by_default), (True, if_private)):
        destination = destination_of("http://blog.example/", [AllowedHost("blog.example", is_private)])
        assert destination is not None
        assert destination.admits(address) is expected
