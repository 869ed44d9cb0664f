"""What is signed comes back unchanged, for its purpose and in time, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from notifs.signing import Signer

OLD, NEW = "the old secret of all the workers", "the new secret of all the workers"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
HOUR = 3600


@pytest.fixture
def signer() -> Signer:
    return Signer([NEW, OLD])


@given(value=JSON)
def test_what_was_signed_is_read_as_it_was(value: object) -> None:
    signer = Signer([NEW])
    text = signer.sign("cookie", value)
    assert signer.read("cookie", text, seconds=HOUR) == value
    assert text.isascii()
    assert not set(text) & set(' "%&+,/;=?\\')


def test_each_purpose_has_signatures_of_its_own(signer: Signer) -> None:
    text = signer.sign("reset", {"user": 1})
    for purpose in ("pending", "", "rese", "reset.", "Reset", "notifs.reset"):
        assert signer.read(purpose, text, seconds=HOUR) is None
    assert signer.read("reset", text, seconds=HOUR) == {"user": 1}


def test_whatever_is_changed_in_it_is_noticed(signer: Signer) -> None:
    text = signer.sign("reset", {"user": 1, "at": "2026-01-01"})
    swapped = {"A": "B"}
    for place, letter in enumerate(text):
        changed = f"{text[:place]}{swapped.get(letter, 'A')}{text[place + 1 :]}"
        # The last letter of each part has bits that nothing is in.
        if place != len(text) - 1:
            assert signer.read("reset", changed, seconds=HOUR) is None, place
    for cut in range(len(text)):
        assert signer.read("reset", text[:cut], seconds=HOUR) is None


def test_parts_of_two_are_none(signer: Signer) -> None:
    (value, time, _), (other, _, signature) = (signer.sign("reset", n).split(".") for n in (1, 2))
    assert value != other
    assert signer.read("reset", f"{value}.{time}.{signature}", seconds=HOUR) is None


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "\0", "ü", "\ud800", "=" * 10_000, ".eJw.A.A", "null", "{}"])
def test_anything_else_is_none(signer: Signer, text: str) -> None:
    assert signer.read("reset", text, seconds=HOUR) is None


@pytest.mark.parametrize(("age", "read"), [(0, True), (59, True), (61, False), (10**9, False), (-61, False)])
def test_it_is_read_for_some_time(signer: Signer, monkeypatch: pytest.MonkeyPatch, age: int, read: bool) -> None:
    now = TimestampSigner("").get_timestamp()
    with monkeypatch.context() as then:
        then.setattr(TimestampSigner, "get_timestamp", lambda self: now - age)
        text = signer.sign("reset", 1)
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: now)
    assert (signer.read("reset", text, seconds=60) == 1) is read


def test_the_first_secret_signs_and_all_verify() -> None:
    old, both, new = Signer([OLD]), Signer([NEW, OLD]), Signer([NEW])
    assert both.read("reset", old.sign("reset", 1), seconds=HOUR) == 1
    assert new.read("reset", both.sign("reset", 1), seconds=HOUR) == 1
    assert old.read("reset", both.sign("reset", 1), seconds=HOUR) is None
    assert new.read("reset", old.sign("reset", 1), seconds=HOUR) is None
    assert Signer([OLD, NEW]).read("reset", both.sign("reset", 1), seconds=HOUR) == 1


def test_it_is_signed_by_sha_256_and_not_by_what_the_library_takes_itself(signer: Signer) -> None:
    weak = URLSafeTimedSerializer([OLD, NEW], salt="notifs.reset").dumps(1)
    assert signer.read("reset", weak, seconds=HOUR) is None
    assert len(signer.sign("reset", 1).rpartition(".")[2]) == 43  # 256 bits in base64


def test_what_is_stored_of_a_secret_text_is_its_hash_under_each_secret() -> None:
    (new,), (old,) = Signer([NEW]).hashes("token"), Signer([OLD]).hashes("token")
    assert Signer([NEW, OLD]).hashes("token") == [new, old]
    assert len({new, old, *Signer([NEW]).hashes("tokem"), *Signer([NEW]).hashes("")}) == 4
    assert len(new) == 64
    assert Signer([NEW]).hashes("\ud800")  # whatever a cookie has
