"""What a page draws first, its script draws again: both by a table that browser/tests/words.test.ts reads as well."""

import json
from pathlib import Path
from typing import Any

import pytest

from notifs.web.render import environment
from notifs.web.words import words
from notifs.wire import Search

TABLE: dict[str, Any] = json.loads(Path(__file__).with_name("drawn_twice.json").read_text("utf-8"))


@pytest.mark.parametrize("person", TABLE["people"])
def test_who_has_no_picture_has_initials_in_a_tint(person: dict[str, Any]) -> None:
    macros: Any = environment("", "", "socket", frozenset()).get_template("avatar.html").module
    drawn = macros.avatar({"actor": {"name": person["name"], "avatar": None}, "icon": None})
    tint, initials = person["tint"], person["initials"]
    assert drawn.strip() == f'<span class="avatar tint-{tint}" aria-hidden="true">{initials}</span>'


@pytest.mark.parametrize("search", TABLE["sought"])
def test_what_was_looked_for_is_told_in_words(search: dict[str, Any]) -> None:
    terms = Search(**search["terms"])
    assert words("en").sought(terms, TABLE["names"].get(terms.actor, terms.actor)) == search["said"]
