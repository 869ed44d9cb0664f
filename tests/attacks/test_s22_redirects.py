"""S22: signing in, and every form, leads to an address of this server and of nobody else."""

import re
from urllib.parse import quote, urljoin, urlsplit

import httpx2

from tests.attacks.arena import PASSWORD, Target, attack
from tests.samples import notification

PLACES = [
    "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "\\/evil.example",
    "/\\/evil.example", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example",
    " //evil.example", "/ /evil.example", "/\0/evil.example", "https://evil.example", "HTTPS://evil.example",
    "https:evil.example", "https:/evil.example", "https:///evil.example", "http:\\\\evil.example",
    "javascript:alert(1)", "java\tscript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x",
    "{url}@evil.example", "{url}.evil.example", "{url}:80@evil.example", "//{host}@evil.example", "@evil.example",
    "//evil.example/{host}", "//evil.example#{host}", "//evil.example?{host}", "//[::1]", "//evil%2eexample",
    "/%09/evil.example", "/%5cevil.example", "%2f%2fevil.example", "/%2f/evil.example", "/..//evil.example",
    "/.//evil.example", "/;//evil.example", "/\u2028/evil.example", "/\uff0fevil.example", "\uff0f\uff0fevil.example",
    "/x\r\nlocation: https://evil.example", "/x\r\nset-cookie: notifs=x", "/x%0d%0alocation:%20https://evil.example",
    f"/{'x' * 3000}", f"//evil.example/{'x' * 3000}", "", "/\\\\\\evil.example", "/login/?next=//evil.example",
]  # fmt: skip


def leads_away(target: Target, answer: httpx2.Response) -> bool:
    """Whether a browser would go elsewhere: it drops tabs and newlines, and takes a backslash for a slash."""
    (location,) = answer.headers.get_list("location")
    location = re.sub(r"[\t\r\n]", "", location).strip().replace("\\", "/")
    return urlsplit(urljoin(target.url, location)).netloc != urlsplit(target.url).netloc


@attack("S22", off="next_leads_anywhere")
async def test_nothing_leads_to_another_site(target: Target) -> list[str]:
    """By the address of the sign-in page, by its form, and by the forms of the inbox."""
    ada, through = await target.person("ada"), []
    sent = notification("one")
    await target.store.create(sent, [ada.id])
    same = {"sec-fetch-site": "same-origin"}
    async with target.visitor(ada, **same) as hers, target.visitor(None, **same) as nobody:
        for place in (each.format(url=target.url, host=target.url.removeprefix("http://")) for each in PLACES):
            answers = {
                "GET": await hers.get(f"/login/?next={quote(place)}"),
                "twice encoded": await hers.get(f"/login/?next={quote(quote(place))}"),
                "form": await hers.post(f"/notifications/{sent.id}/unread/", data={"next": place}),
            }
            assert {answer.status_code for answer in answers.values()} == {303}
            through += [f"{way} {place!r}" for way, answer in answers.items() if leads_away(target, answer)]
        for place in PLACES[:: 1 if target.defended else 10]:
            fields = {"email": "ada@example.org", "password": PASSWORD, "next": place}
            answer = await nobody.post("/login/", data=fields)
            assert answer.status_code == 303
            through += [f"POST {place!r}"] if leads_away(target, answer) else []
    return through


@attack("S22", off="links_are_not_checked_when_shown")
async def test_a_stored_address_that_is_no_link_is_not_followed(target: Target) -> list[str]:
    """The mark-as-read link leads to where its notification does, which somebody has written to the database."""
    ada, through = await target.person("ada"), []
    async with target.visitor(ada, **{"sec-fetch-site": "same-origin"}) as client:
        for place in PLACES:
            sent = notification("one", url=place.format(url=target.url, host="x"))
            await target.store.create(sent, [ada.id])
            answer = await client.post(f"/notifications/{sent.id}/read/")
            kind = urlsplit(answer.headers["location"]).scheme
            # A plain link may lead anywhere: that is what links of notifications are for.
            through += [place] if kind not in ("", "https", "http") or answer.headers["location"][1:2] == "/" else []
    return through
