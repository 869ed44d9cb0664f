"""What code says to people in English, so that a page can say it in their language."""

from typing import Self


class Phrase(str):
    """English with values in it, which still knows what it was made of: a catalogue has the pattern.

    Args:
        pattern: the text, with `{name}` in the place of each value.
    """

    __slots__ = ("pattern", "values")
    pattern: str
    values: dict[str, object]

    def __new__(cls, pattern: str, **values: object) -> Self:
        self = super().__new__(cls, pattern.format_map(values))
        self.pattern, self.values = pattern, values
        return self
