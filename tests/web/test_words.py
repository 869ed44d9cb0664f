"""The pages in the language of who reads them."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from string import Formatter

import httpx2
import orjson
import pytest
from markupsafe import Markup

from notifs import Notifs, errors
from notifs.store.accounts import Person
from notifs.store.audit import EVENTS
from notifs.web import account, admin, login
from notifs.web.words import OWN, PLURALS, negotiate, words
from tests.servers import REPOSITORY
from tests.web.site import HTML, Document, Site

NOW = datetime(2026, 6, 23, 14, 5, tzinfo=UTC)
SPOKEN = (
    "store/searches.py", "web/account.py", "web/admin.py", "web/login.py", "web/middleware.py", "web/oidc/flow.py",
    "web/oidc/parties.py", "web/own.py", "web/pages.py", "web/passwords.py", "web/reset.py",
)  # fmt: skip
"""Whose errors come to people, all of them."""


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
def test_every_language_says_what_english_says_in_all_of_its_forms_with_the_same_fields(language: str) -> None:
    english, own = (orjson.loads((OWN / f"{name}.json").read_bytes()) for name in ("en", language))
    counted = {word.removesuffix("_one") for word in english["words"] if word.endswith("_one")}
    forms = {PLURALS[language](n) for n in (0, 1, 2, 3, 11, 100, 1_000_000)}
    plain = english["words"].keys() - {f"{word}_{form}" for word in counted for form in ("one", "other")}
    assert own["words"].keys() == plain | {f"{word}_{form}" for word in counted for form in forms}
    for word, text in own["words"].items():
        model = english["words"].get(word) or english["words"][f"{word.rpartition('_')[0]}_other"]
        said_in_words = {"n"} if word.endswith(("_zero", "_one", "_two")) else set()
        assert fields(text) - said_in_words == fields(model) - said_in_words, word
    assert {phrase for phrase, text in own["phrases"].items() if fields(text) != fields(phrase)} == set()
    assert (len(own["names"]["weekdays"]), len(own["names"]["months"])) == (7, 12)


@pytest.mark.parametrize(("language", "alike"), [("de", {"audit.person"}), ("es", {"people.admin"}), ("ar", set())])
def test_nothing_in_a_catalogue_is_left_in_english(language: str, alike: set[str]) -> None:
    english, own = (orjson.loads((OWN / f"{name}.json").read_bytes()) for name in ("en", language))
    assert {word for word, text in own["words"].items() if text == english["words"].get(word)} == alike
    assert {phrase for phrase, text in own["phrases"].items() if text == phrase} == set()


def test_every_phrase_is_something_that_the_code_says_and_all_languages_have_it() -> None:
    nodes = [node for path in (REPOSITORY / "notifs").rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    said = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    said |= {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}  # the log is told by name,
    said |= {text.rpartition(".")[2] for text in said}  # and what sign_in.browser was counted per
    titles = {title(code) for code in said}
    phrases = {language: words(language).phrases.keys() for language in PLURALS if language != "en"}
    assert [phrase for phrase in phrases["de"] if phrase not in said | titles] == []
    assert len({frozenset(each) for each in phrases.values()}) == 1


def test_what_was_done_and_what_has_happened_are_phrases() -> None:
    told = [*EVENTS.values(), *account.DONE.values(), *admin.DONE.values(), *login.DONE.values()]
    assert [text for text in told if text not in words("de").phrases] == []


def test_errors_that_come_to_a_page_are_phrases_and_so_are_their_titles() -> None:
    untold = {
        (name, text)
        for name in SPOKEN
        for error in errors_in(ast.parse((REPOSITORY / "notifs" / name).read_text()))
        for text in error
        if text not in words("de").phrases
    }
    assert untold == set()


@pytest.mark.parametrize(
    ("language", "counted"),
    [("en", {0: "other", 1: "one", 2: "other"}), ("es", {0: "other", 1: "one", 1_000_000: "many", 1_000_001: "other"}),
     ("ar", {0: "zero", 1: "one", 2: "two", 3: "few", 10: "few", 11: "many", 99: "many", 100: "other", 102: "other",
             103: "few", 111: "many"})],
)  # fmt: skip
def test_numbers_take_the_forms_of_the_language(language: str, counted: dict[int, str]) -> None:
    assert {n: PLURALS[language](n) for n in counted} == counted


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ["just now", "1 minute ago", "2 minutes ago", "3 hours ago", "11 days ago", "2 months ago"]),
        ("de", ["gerade eben", "vor 1 Minute", "vor 2 Minuten", "vor 3 Stunden", "vor 11 Tagen", "vor 2 Monaten"]),
        ("ar", ["قبل لحظات", "قبل دقيقة", "قبل دقيقتين", "قبل 3 ساعات", "قبل 11 يومًا", "قبل شهرين"]),
    ],
)
def test_times_are_told_in_sentences_too(language: str, told: list[str]) -> None:
    ages = [{"seconds": 59}, {"seconds": 60}, {"minutes": 2}, {"hours": 3}, {"days": 11}, {"days": 61}]
    assert [words(language).ago(NOW - timedelta(**age), NOW) for age in ages] == told


def test_names_on_a_page_have_a_direction_of_their_own_and_are_no_markup() -> None:
    said = words("ar").html("reset.whose", email="<i>ada@example.org")
    assert "<bdi>&lt;i&gt;ada@example.org</bdi>" in said
    assert Markup("<b>") in words("en").html("account.last_used", when=Markup("<b>"))


@pytest.mark.parametrize(
    ("at", "age", "day"),
    [
        ("2026-06-23T14:05:30+00:00", "now", "Today"), ("2026-06-23T14:04:00Z", "1 min", "Today"),
        ("2026-06-23T00:00:00Z", "14 h", "Today"), ("2026-06-22T23:59:00Z", "14 h", "Yesterday"),
        ("2026-06-21T12:00:00Z", "2 d", "Sunday"), ("2026-06-17T00:00:00Z", "6 d", "Wednesday"),
        ("2026-06-16T23:00:00Z", "6 d", "16 June"), ("2025-11-12T12:00:00Z", "7 mo", "12 November 2025"),
        ("2024-06-23T12:00:00Z", "2 y", "23 June 2024"),
    ],
)  # fmt: skip
def test_times_are_told_as_the_elements_tell_them(at: str, age: str, day: str) -> None:
    english = words("en")
    assert (english.age(at, NOW), english.day(at, NOW)) == (age, day)


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
    spoken = {}
    for path in (REPOSITORY / "notifs" / "web" / "templates").glob("*.html"):
        source = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text(), flags=re.DOTALL)
        said = re.findall(r">([^<]*)<", source) + re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', source)
        spoken[path.stem] = [text.strip() for text in said if re.search(r"[^\W\d_]", text.replace("notifs", ""))]
    assert {name for name, said in spoken.items() if said} == {"docs", "gallery"}


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


def fields(text: str) -> set[str]:
    """The fields that a format string has."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def title(code: str) -> str:
    """What an error is called in English."""
    return words("en").title(code)


def errors_in(module: ast.Module) -> Iterator[list[str]]:
    """Of each error that a module makes, what it says and what it is called."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            error = getattr(errors, node.func.id, None)
            codes = [ast.literal_eval(keyword.value) for keyword in node.keywords if keyword.arg == "code"]
            if error is not None:
                yield [title(*codes or [error.code]), *texts(node.args[0], module)]


def texts(node: ast.expr, module: ast.Module) -> list[str]:
    """What an expression may be, if it is written down in the module."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp():
            return texts(node.body, module) + texts(node.orelse, module)
        case ast.Call(func=ast.Name(id="Phrase")):
            return texts(node.args[0], module)
        case ast.Name():
            assigned = [each for each in ast.walk(module) if isinstance(each, ast.Assign)]
            return [text for each in assigned if node.id in names(each) for text in texts(each.value, module)]
    return []


def names(assigned: ast.Assign) -> set[str]:
    return {target.id for target in assigned.targets if isinstance(target, ast.Name)}
