"""S31: a webhook leads outside, or nowhere; whatever its address is made to look like."""

from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from notifs.errors import BadRequest
from notifs.outbound.addresses import Border, Names, Refused

HTTPS = "https://example.org/hook"
INSIDE = [
    "127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "64:ff9b::808:808"]


def answering(*addresses: str) -> Border:
    """A border in a world where every name has these addresses."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return Border(resolve=resolve)


@pytest.mark.parametrize("address", INSIDE)
async def test_s31_an_address_inside_is_refused(address: str) -> None:
    url = f"https://[{address}]/" if ":" in address else f"https://{address}/"
    with pytest.raises(BadRequest, match="not outside"):
        answering().check(url)
    with pytest.raises(Refused, match="not outside"):
        await answering().find(url)
    with pytest.raises(Refused, match="not outside"):
        await answering(address).find(HTTPS)
    with pytest.raises(Refused, match="not outside"):
        await answering("1.1.1.1", address).find(HTTPS)


@pytest.mark.parametrize("address", OUTSIDE)
async def test_an_address_outside_is_found(address: str) -> None:
    assert [str(found) for found in (await answering(address).find(HTTPS)).addresses] == [address]
    url = f"https://[{address}]/" if ":" in address else f"https://{address}/"
    answering().check(url)
    assert [str(found) for found in (await answering("10.0.0.1").find(url)).addresses] == [address]


@pytest.mark.parametrize(
    "url",
    [
        "https://2130706433/", "https://017700000001/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/",
        "https://0x7f.0.0.1/", "https://0x7f.1/", "https://127.0.0.1./", "https://①②⑦.⓪.⓪.①/", "https://127。0。0。1/",
        "https://%31%32%37.0.0.1/", "https://[::1%25lo]/", "https://[fe80::1%25eth0]/", "https://[::1/",
        "https://localhost/", "https://LOCALHOST:8443/", "https://x.localhost/", "https://ex ample.org/",
        "https://user@example.org/", "https://user:password@example.org/", "https://@example.org/",
        "https://example.org@127.0.0.1/", "https://example.org\\@127.0.0.1/", "https://127.0.0.1\\@example.org/",
        "https://example.org:22/", "https://example.org:0/", "https://example.org:99999/", "https://example.org:x/",
        "http://example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "//example.org/",
        "https:example.org", "https:///hook", "https://", "example.org", "", "https://example.org/\r\nHost: x",
        "https://exa\u00admple.org/\n", f"https://example.org/{'x' * 2000}", f"https://{'x' * 64}.org/",
    ],
)  # fmt: skip
async def test_s31_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(BadRequest, match="address of a webhook") as refused:
        answering("1.1.1.1").check(url)
    assert refused.value.code == "invalid_webhook"
    with pytest.raises(Refused):
        await answering("1.1.1.1").find(url)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (HTTPS, "example.org"),
        ("https://EXAMPLE.org:8443/a?b=c@d", "example.org"),
        ("https://bücher.de/", "xn--bcher-kva.de"),
        ("https://a_b.3com.example.org", "a_b.3com.example.org"),
    ],
)
def test_a_plain_address_is_taken(url: str, host: str) -> None:
    assert Border().check(url).raw_host.decode() == host


async def test_a_network_that_was_named_is_reached_by_http_too_and_no_other() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return {"inside": ["10.1.2.3"], "both": ["10.1.2.3", "10.2.0.1"], "example.org": ["1.1.1.1"]}[host]

    border = Border([ip_network("10.1.0.0/16"), ip_network("fd00::/64")], resolve)
    for url in ("http://10.1.2.3:8000/", "https://10.1.2.3/", "http://[fd00::7]/", "http://inside/"):
        border.check(url)
        await border.find(url)
    await border.find(HTTPS)
    for url in ("http://both/", "https://both/", "http://example.org/"):
        with pytest.raises(Refused, match="NOTIFS_WEBHOOK_NETWORKS"):
            await border.find(url)
    for url in ("http://10.2.0.1/", "https://10.2.0.1/", "http://[fd00:0:0:1::7]/"):
        with pytest.raises(BadRequest, match="NOTIFS_WEBHOOK_NETWORKS"):
            border.check(url)


async def test_a_name_without_an_address_is_told_as_such() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    for border in (answering(), Border(resolve=unknown)):
        with pytest.raises(Refused, match=r"example\.org was not found"):
            await border.find(HTTPS)


async def test_names_are_those_of_the_system() -> None:
    assert "127.0.0.1" in await Names()("localhost", 443)
