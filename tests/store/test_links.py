"""Links: what people are called elsewhere leads to them."""

from itertools import product

import pytest

from notifs.errors import BadRequest
from notifs.store import Store


async def test_a_name_stands_for_who_is_linked_to_it(store: Store) -> None:
    assert await store.links.link("github", "ada", "42")
    assert not await store.links.link("github", "ada", "42")
    assert await store.links.link("gitlab", "ada", "43")
    assert await store.links.recipients("github", ["ada", "bob"]) == {"ada": ["42"]}
    assert await store.links.recipients("gitlab", ["ada"]) == {"ada": ["43"]}
    assert await store.links.recipients("github", []) == {}


async def test_capitals_and_small_letters_are_the_same(store: Store) -> None:
    await store.links.link("GitHub", "Ada-L", "Ada")
    assert not await store.links.link("github", "ADA-L", "Ada")
    assert await store.links.recipients("GITHUB", ["aDa-l", "ADA-L"]) == {"aDa-l": ["Ada"], "ADA-L": ["Ada"]}
    assert await store.links.of("Ada") == [("github", "ada-l")]
    assert await store.links.unlink("gitHUB", "ADA-l", "Ada")
    assert await store.links.of("Ada") == []


async def test_a_team_is_several_people_and_a_person_has_several_names(store: Store) -> None:
    for name, recipient in (("acme/core", "b"), ("acme/core", "a"), ("ada", "a"), ("other/core", "c")):
        await store.links.link("github", name, recipient)
    assert await store.links.recipients("github", ["acme/core", "ada"]) == {"acme/core": ["a", "b"], "ada": ["a"]}
    assert await store.links.of("a") == [("github", "acme/core"), ("github", "ada")]
    assert await store.links.unlink("github", "acme/core", "a")
    assert not await store.links.unlink("github", "acme/core", "a")
    assert await store.links.recipients("github", ["acme/core", "ada"]) == {"acme/core": ["b"], "ada": ["a"]}


async def test_any_number_of_names_is_asked_for_at_once(store: Store) -> None:
    await store.links.link("github", "name77", "77")
    assert await store.links.recipients("github", [f"Name{n}" for n in range(40_000)]) == {"Name77": ["77"]}


NONE = [
    ("", "ada", "42", "invalid_link"),
    ("git hub", "ada", "42", "invalid_link"),
    ("g" * 51, "ada", "42", "invalid_link"),
    ("github", "", "42", "invalid_link"),
    ("github", "a da", "42", "invalid_link"),
    ("github", "a" * 201, "42", "invalid_link"),
    ("github", "İ" * 200, "42", "invalid_link"),  # twice as long in small letters
    ("github", "a\0", "42", "invalid_link"),
    ("github", "ada", "", "invalid_recipient"),
    ("github", "ada", "4\n2", "invalid_recipient"),
]


async def test_what_cannot_be_a_link_is_refused(store: Store) -> None:
    for act, (system, name, recipient, code) in product((store.links.link, store.links.unlink), NONE):
        with pytest.raises(BadRequest) as refused:
            await act(system, name, recipient)
        assert (refused.value.code, refused.value.status) == (code, 422)


async def test_what_cannot_be_a_name_stands_for_nobody(store: Store) -> None:
    assert await store.links.recipients("github", ["\0", "", "\ud800", "x" * 300]) == {}
    assert await store.links.recipients("\0", ["ada"]) == {}
    assert await store.links.of("\0") == []
