"""What the pages say, in the language of who reads them.

The words that a page has in common with the elements come from the elements' catalogues (`browser/words`), so that the
first paint says what the elements will; the rest from `catalogues`. What other code says in English, such as an
error's message, is a phrase: it stays English where a catalogue has none for it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from markupsafe import Markup, escape

from notifs.phrases import Phrase
from notifs.wire import Search

OWN = Path(__file__).parent / "catalogues"
SHARED = Path(__file__).parent.parent / "browser" / "words"
MOST_ASKED = 20
"""Of the languages that a browser may ask for, how many are looked at."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_UNITS = (
    (365 * _DAY, "years"),
    (30.5 * _DAY, "months"),
    (_DAY, "days"),
    (_HOUR, "hours"),
    (_MINUTE, "minutes"),
)
"""Seconds, as browser/elements/time.ts has them."""


def _two_forms(n: int) -> str:
    return "one" if n == 1 else "other"


def _spanish(n: int) -> str:
    return "many" if n and n % 1_000_000 == 0 else _two_forms(n)


def _arabic(n: int) -> str:
    if n in (0, 1, 2):
        return ("zero", "one", "two")[n]
    if 3 <= n % 100 <= 10:
        return "few"
    return "many" if n % 100 >= 11 else "other"


PLURALS: dict[str, Callable[[int], str]] = {"en": _two_forms, "de": _two_forms, "es": _spanish, "ar": _arabic}
"""By language, the form that a number takes (Unicode CLDR, plural rules for cardinals). The first is what is spoken
where none of them was asked for."""
RIGHT_TO_LEFT = frozenset({"ar"})


@dataclass(frozen=True, slots=True)
class Words:
    """One language.

    Args:
        language: its tag (BCP 47), for the page's `lang`.
        words: what is said, by name.
        phrases: what is said in the place of English that other code says.
        names: of weekdays and months, and how a date is put together.
    """

    language: str
    words: dict[str, str]
    phrases: dict[str, str]
    names: dict[str, Any]

    @property
    def direction(self) -> str:
        """For the page's `dir`."""
        return "rtl" if self.language in RIGHT_TO_LEFT else "ltr"

    def __call__(self, word: str, /, **values: object) -> str:
        """The words with `{name}` replaced by `values`; of a plural, in the form that `n` takes.

        Raises:
            KeyError: there are no such words.
        """
        return self._form(word, values.get("n")).format_map(values)

    def html(self, word: str, /, **values: object) -> Markup:
        """The same for a page, where values may be elements; those that are text have a direction of their own."""
        parts = {name: _apart(value) if isinstance(value, str) else value for name, value in values.items()}
        return escape(self._form(word, values.get("n"))).format_map(parts)

    def phrase(self, english: str) -> str:
        """What other code says, in this language if there are words for it."""
        if isinstance(english, Phrase):
            return self.phrases.get(english.pattern, english.pattern).format_map(english.values)
        return self.phrases.get(english, english)

    def title(self, code: str) -> str:
        """What an error is called, by its code."""
        return self.phrase(code.replace("_", " ").capitalize())

    def sentence(self, message: str) -> str:
        """An error's message, which is a clause without a capital and a full stop, as a sentence."""
        said = self.phrase(message)
        return said[:1].upper() + said[1:] + ("" if said.endswith((".", "?")) else ".")

    def age(self, at: str, now: datetime | None = None) -> str:
        """How long ago a moment (ISO 8601) was, where there is little room: "now", "3 min", "2 h"."""
        return self._since(datetime.fromisoformat(at), now, "time")

    def ago(self, at: datetime, now: datetime | None = None) -> str:
        """The same in a sentence: "just now", "3 minutes ago"."""
        return self._since(at, now, "ago")

    def day(self, at: str, now: datetime | None = None) -> str:
        """The heading of a day in UTC: "Today", "Monday", "12 November". The browser redoes it in the reader's zone."""
        day, today = datetime.fromisoformat(at).astimezone(UTC).date(), (now or datetime.now(UTC)).date()
        if day >= today:
            return self("time.today")
        if day == today - timedelta(days=1):
            return self("time.yesterday")
        if day > today - timedelta(days=7):
            return str(self.names["weekdays"][day.weekday()])
        return self.date(at, now)

    def date(self, at: str, now: datetime | None = None) -> str:
        """The day of a moment (ISO 8601) in UTC: "12 November"."""
        day, today = datetime.fromisoformat(at).astimezone(UTC).date(), (now or datetime.now(UTC)).date()
        pattern: str = self.names["date" if day.year == today.year else "date_and_year"]
        return pattern.format(day=day.day, month=self.names["months"][day.month - 1], year=day.year)

    def sought(self, search: Search, name: str | None) -> str:
        """What was looked for, as browser/elements/find.ts says it; the actor is called `name`."""
        parts = (
            search.text and f"“{search.text}”",
            name and self("find.from", name=name),
            search.kind and _kind_name(search.kind),
        )
        return ", ".join(part for part in parts if part)

    def _form(self, word: str, n: object) -> str:
        """What fills in values, of a plural in the form that `n` takes."""
        form = f"{word}_{PLURALS[self.language](n)}" if isinstance(n, int) else word
        return self.words[form] if form in self.words else self.words[word]

    def _since(self, at: datetime, now: datetime | None, words: str) -> str:
        age = ((now or datetime.now(UTC)) - at).total_seconds()
        for length, unit in _UNITS:
            if age >= length:
                return self(f"{words}.{unit}", n=int(age // length))
        return self(f"{words}.now")


def _apart(value: str) -> Markup:
    """As an element, whose direction is its own, whatever is around it."""
    return value if isinstance(value, Markup) else Markup("<bdi>{}</bdi>").format(value)


def _kind_name(kind: str) -> str:
    """A kind's key for people: "comment.posted" is "Comment posted"."""
    said = re.sub(r"[._-]+", " ", kind)
    return said[:1].upper() + said[1:]


def negotiate(accepted: str) -> str:
    """The language to answer in, by an Accept-Language header (RFC 9110, 12.5.4): what it says wrong is left out."""
    asked: list[tuple[float, str]] = []
    for item in accepted.split(",")[:MOST_ASKED]:
        tag, _, weight = item.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        language = tag.strip().lower().partition("-")[0]
        if quality > 0 and language in PLURALS:
            asked.append((quality, language))
    return max(asked, key=lambda each: each[0], default=(1.0, next(iter(PLURALS))))[1]


@cache
def words(language: str) -> Words:
    """The words of one of the languages of `PLURALS`."""
    shared = orjson.loads((SHARED / f"{language}.json").read_bytes())
    own = orjson.loads((OWN / f"{language}.json").read_bytes())
    return Words(language, shared | own["words"], own["phrases"], own["names"])
