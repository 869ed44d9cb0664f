"""What the pages say, in the language of who reads them.

The words that a page has in common with the elements come from the elements' catalogues (`browser/words`), so that the
first paint says what the elements will; the rest from `catalogues`. What other code says in English, such as an
error's message, is a phrase: it stays English where a catalogue has none for it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import orjson

OWN = Path(__file__).parent / "catalogues"
SHARED = Path(__file__).parent.parent / "browser" / "words"
MOST_ASKED = 20
"""Of the languages that a browser may ask for, how many are looked at."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_UNITS = (
    (365 * _DAY, "time.years"),
    (30.5 * _DAY, "time.months"),
    (_DAY, "time.days"),
    (_HOUR, "time.hours"),
    (_MINUTE, "time.minutes"),
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
        n = values.get("n")
        form = f"{word}_{PLURALS[self.language](n)}" if isinstance(n, int) else word
        return (self.words[form] if form in self.words else self.words[word]).format_map(values)

    def phrase(self, english: str) -> str:
        """What other code says, in this language if there are words for it."""
        return self.phrases.get(english, english)

    def sentence(self, message: str) -> str:
        """An error's message, which is a clause without a capital and a full stop, as a sentence."""
        said = self.phrase(message)
        return said[:1].upper() + said[1:] + ("" if said.endswith((".", "?")) else ".")

    def ago(self, at: str, now: datetime | None = None) -> str:
        """How long ago a moment (ISO 8601) was: "now", "3 min", "2 h"."""
        age = ((now or datetime.now(UTC)) - datetime.fromisoformat(at)).total_seconds()
        for length, unit in _UNITS:
            if age >= length:
                return self(unit, n=int(age // length))
        return self("time.now")

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
