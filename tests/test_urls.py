"""Links and pictures: what the rule lets through is what browsers take for http(s), or for a path on the same host."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from playwright.async_api import Browser

from notifs.urls import URL_LIMIT, is_local_path, is_safe_url, safe_link, safe_picture

UNSAFE = [
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)", "java\0script:x",
    "\njavascript:alert(1)", "\x01javascript:alert(1)", "&#106;avascript:alert(1)", "java&Tab;script:alert(1)",
    "javascript&colon;alert(1)", "javascript://example.org/%0Aalert(1)", "j\u0430vascript:alert(1)", "data:text/html,x",
    "DATA:text/html;base64,x", "vbscript:x", "blob:https://example.org/1", "file:///etc/passwd", "about:blank",
    "view-source:https://example.org", "filesystem:https://example.org/x", "intent://x#Intent;scheme=http;end",
    "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example", "/\t/evil.example",
    "/\n/evil.example", "\t//evil.example", " /a", "/a\n", "/a b", "https:///x", "https:evil.example", "https:/x",
    "https:\\\\evil.example", "http://", "https://?x", "https://user@evil.example", "https://example.org@evil.example",
    "https://example.org:80@evil.example", "https://example.org\\@evil.example", "http://[::1", "http://[evil]",
    "http://a<b", "http://a%2fb", "http://a^b", "http://a|b", "http://a:b", "http://a:1234567", "ftp://example.org",
    "example.org", "mailto:a@b.c", "", ".", "?a", "#a", f"/{'x' * URL_LIMIT}", f"https://example.org/{'x' * URL_LIMIT}",
]  # fmt: skip
SAFE = [
    "/", "/posts/7?a=b#c", "/a//b", "/.//evil.example", "/..//evil.example", "/%2f/evil.example", "/%5cevil.example",
    "/@evil.example", "/javascript:alert(1)", "/\uff0fevil.example", "/\u202egpj", "https://example.org",
    "http://localhost:8000/x", "HTTPS://EXAMPLE.org/", "https://example.org/a@b?c@d#e@f", "https://müller.example/ü",
    "http://[2001:db8::1]:8000/", "https://例え.example/", f"/{'x' * (URL_LIMIT - 1)}",
]  # fmt: skip
HOSTS = {"https://images.example.org", "http://localhost:9000"}
READ = """urls => urls.map(url => {
    if (!URL.canParse(url, location.href)) return "nowhere";
    const { protocol, origin } = new URL(url, location.href);
    return origin === location.origin ? "here" : protocol;
})"""
"""What a browser makes of links on its page."""

PIECES = st.sampled_from([
    "/", "\\", ":", "@", "//", "http", "https:", "HTTPS://", "javascript:", "data:", ".", "%2f", "%00", "[", "]", "?",
    "#", "&#9;", "\t", "\n", "\0", " ", "\u2028", "\uff0f", "\u3002", "\u202e", "\u017f", "\u2100", "evil.example",
])  # fmt: skip
URLS = st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join)


@pytest.mark.parametrize("url", UNSAFE)
def test_a_link_that_could_surprise_is_unsafe(url: str) -> None:
    assert not is_safe_url(url)
    assert not is_local_path(url)
    assert safe_link(url) is None
    assert safe_picture(url, HOSTS) is None


@pytest.mark.parametrize("url", SAFE)
def test_a_plain_link_is_safe(url: str) -> None:
    assert is_safe_url(url)
    assert safe_link(url) == url
    assert is_local_path(url) == url.startswith("/")


@pytest.mark.parametrize("url", [None, 7, b"/", ["/"], {"url": "/"}])
def test_what_is_no_text_is_no_link(url: Any) -> None:
    assert safe_link(url) is None
    assert safe_picture(url, HOSTS) is None


@given(URLS)
@example("/\t/evil.example")
def test_a_local_path_never_leaves_its_host(url: str) -> None:
    if is_local_path(url):
        assert url[0] == "/"
        assert url[1:2] not in ("/", "\\")
        assert not set(url) & set("\t\r\n\\ ")


def test_a_picture_is_from_here_or_from_where_the_settings_say() -> None:
    for url in ("/a.png", "https://images.example.org/a.png", "HTTPS://Images.example.org", "http://localhost:9000/?a"):
        assert safe_picture(url, HOSTS) == url
    elsewhere = [
        "https://elsewhere.example/a.png", "http://images.example.org/a.png", "https://images.example.org:8443/a.png",
        "https://images.example.org.evil.example/", "https://evil-images.example.org/", "//images.example.org/a.png",
        "https://images.example.org@evil.example/a.png", "http://localhost/a.png",
    ]  # fmt: skip
    for url in elsewhere:
        assert safe_picture(url, HOSTS) is None, url
    assert safe_picture("https://images.example.org/a.png", ()) is None


async def test_chromium_reads_what_is_safe_as_we_do(browser: Browser) -> None:
    """It takes each for a link to http(s), or to the same host, or for none at all."""
    drawn: list[str] = []

    @settings(max_examples=1000)
    @given(URLS | URLS.map("https://".__add__) | URLS.map("/".__add__))
    def draw(url: str) -> None:
        if is_safe_url(url):
            drawn.append(url)

    draw()
    assert len(drawn) > 200
    page = await browser.new_page()
    await page.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
    await page.goto("http://here.example/")
    for url, read in zip(drawn + SAFE, await page.evaluate(READ, drawn + SAFE), strict=True):
        assert read in (["here"] if is_local_path(url) else ["http:", "https:", "nowhere"]), url
    for url, read in zip(UNSAFE, await page.evaluate(READ, UNSAFE), strict=True):
        assert read != "here" or not url.startswith("/") or len(url) > URL_LIMIT or set(url) & set(" \n"), url
    await page.close()
