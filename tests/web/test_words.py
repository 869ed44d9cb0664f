"""The pages in the language of who reads them."""

import ast
import re
from datetime import UTC, datetime
from string import Formatter

import httpx2
import orjson
import pytest

from notifs import Notifs
from notifs.store.accounts import Person
from notifs.web.words import OWN, PLURALS, negotiate, words
from tests.servers import REPOSITORY
from tests.web.site import HTML, Document, Site, page

NOW = datetime(2026, 6, 23, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"), ("de", "de"), ("de-AT,de;q=0.9,en;q=0.8", "de"), ("en;q=0.5, es", "es"), ("fr, ar;q=0.1", "ar"),
        ("DE-at", "de"), ("de;q=0, es;q=0.2", "es"), ("de; q=0.3, es; q=0.7", "es"), ("*", "en"), ("fr", "en"),
        ("de;q=x, es;q=0.1", "es"), ("de;level=1, es", "es"), (";;;,,,", "en"), ("de;q=nan, es", "es"),
        ("fr," * 20 + "de", "en"), ("de\u0000", "en"), ("x" * 10_000, "en"),
    ],
)  # fmt: skip
def test_what_the_browser_asks_for_most_is_answered_in(accepted: str, language: str) -> None:
    assert negotiate(accepted) == language


@pytest.mark.parametrize("language", PLURALS)
def test_every_language_says_what_english_says_with_the_same_fields(language: str) -> None:
    english, own = (orjson.loads((OWN / f"{name}.json").read_bytes()) for name in ("en", language))
    assert own["words"].keys() == english["words"].keys()
    for word, text in own["words"].items():
        assert fields(text) == fields(english["words"][word]), word
    assert (len(own["names"]["weekdays"]), len(own["names"]["months"])) == (7, 12)


def test_every_phrase_is_something_that_the_code_says_and_all_languages_have_it() -> None:
    said = {
        node.value
        for path in (REPOSITORY / "notifs").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    titles = {code.replace("_", " ").capitalize() for code in said}
    phrases = {language: words(language).phrases.keys() for language in PLURALS if language != "en"}
    assert [phrase for phrase in phrases["de"] if phrase not in said | titles] == []
    assert len({frozenset(each) for each in phrases.values()}) == 1


@pytest.mark.parametrize(
    ("language", "counted"),
    [("en", {0: "other", 1: "one", 2: "other"}), ("es", {0: "other", 1: "one", 1_000_000: "many", 1_000_001: "other"}),
     ("ar", {0: "zero", 1: "one", 2: "two", 3: "few", 10: "few", 11: "many", 99: "many", 100: "other", 102: "other",
             103: "few", 111: "many"})],
)  # fmt: skip
def test_numbers_take_the_forms_of_the_language(language: str, counted: dict[int, str]) -> None:
    assert {n: PLURALS[language](n) for n in counted} == counted


@pytest.mark.parametrize(
    ("at", "ago", "day"),
    [
        ("2026-06-23T14:05:30+00:00", "now", "Today"), ("2026-06-23T14:04:00Z", "1 min", "Today"),
        ("2026-06-23T00:00:00Z", "14 h", "Today"), ("2026-06-22T23:59:00Z", "14 h", "Yesterday"),
        ("2026-06-21T12:00:00Z", "2 d", "Sunday"), ("2026-06-17T00:00:00Z", "6 d", "Wednesday"),
        ("2026-06-16T23:00:00Z", "6 d", "16 June"), ("2025-11-12T12:00:00Z", "7 mo", "12 November 2025"),
        ("2024-06-23T12:00:00Z", "2 y", "23 June 2024"),
    ],
)  # fmt: skip
def test_times_are_told_as_the_elements_tell_them(at: str, ago: str, day: str) -> None:
    english = words("en")
    assert (english.ago(at, NOW), english.day(at, NOW)) == (ago, day)


async def test_the_inbox_speaks_the_readers_language(notifs: Notifs, ada: Person, adas: httpx2.AsyncClient) -> None:
    for title in ("n1", "n2", "n3"):
        await notifs.notify(to=ada.id, title=title, priority="urgent")
    for language, direction, said in [
        ("de", "ltr", ["3 ungelesen", "Heute", "Dringend", "Archiviert"]),
        ("ar", "rtl", ["3 إشعارات غير مقروءة", "اليوم", "عاجل"]),
    ]:
        answer = await adas.get("/notifications/", headers={**HTML, "accept-language": language})
        document = Document(answer)
        assert [text for text in said if text not in document.text] == []
        html = next(attributes for tag, attributes in document.tags if tag == "html")
        assert (html["lang"], html["dir"], answer.headers["content-language"]) == (language, direction, language)
        assert "Accept-Language" in answer.headers["vary"]
        assert "Cookie" in answer.headers["vary"]
        assert f"words/{language}.json?v=" in answer.text


async def test_errors_and_the_sign_in_page_speak_it_too(nobody: httpx2.AsyncClient) -> None:
    german = {**HTML, "accept-language": "de"}
    lost = await nobody.get("/no/such/place", headers=german)
    assert lost.status_code == 404
    assert "Nicht gefunden" in lost.text
    assert "Unter dieser Adresse gibt es nichts." in lost.text
    form = {"email": "ada@example.org", "password": "not this one"}
    refused = await nobody.post("/login/", data=form, headers=german)
    assert "E-Mail oder Passwort ist falsch." in refused.text
    assert re.findall(r"<h1>(.+?)</h1>", refused.text) == ["Anmelden"]


def test_a_template_has_no_words_of_its_own_unless_it_says_that_it_is_english() -> None:
    english = {"account", "history", "docs", "gallery"}
    spoken = {}
    for path in (REPOSITORY / "notifs" / "web" / "templates").glob("*.html"):
        source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text(), flags=re.DOTALL)
        said = re.findall(r">([^<]*)<", source) + re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', source)
        spoken[path.stem] = [text.strip() for text in said if re.search(r"[^\W\d_]", text.replace("notifs", ""))]
    assert {name for name, said in spoken.items() if said and not name.startswith("admin")} == english


async def test_what_is_not_translated_says_that_it_is_english(adas: httpx2.AsyncClient) -> None:
    adas.headers["accept-language"] = "ar"
    document = await page(adas, "/account/")
    main = next(attributes for tag, attributes in document.tags if tag == "main")
    assert (main["lang"], main["dir"]) == ("en", "ltr")
    assert "12 characters or more." in document.text


async def test_the_gallery_is_for_development_in_any_language(nobody: httpx2.AsyncClient, production: Site) -> None:
    document = Document(await nobody.get("/gallery", params={"lang": "ar", "theme": "dark"}))
    html = next(attributes for tag, attributes in document.tags if tag == "html")
    assert (html["lang"], html["dir"], html["data-theme"]) == ("ar", "rtl", "dark")
    for wrong in ({"lang": "xx", "theme": '"><script>'}, {"lang": "", "theme": ""}):
        document = Document(await nobody.get("/gallery", params=wrong))
        html = next(attributes for tag, attributes in document.tags if tag == "html")
        assert html == {"lang": "en", "dir": "ltr"}
    async with production.visitor() as visitor:
        assert (await visitor.get("/gallery", headers=HTML)).status_code == 404
        assert (await visitor.get("/gallery/", headers=HTML)).status_code == 404


def fields(text: str) -> list[str]:
    """The fields that a format string has."""
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)
