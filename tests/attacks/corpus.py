"""Text that becomes script where it is taken for anything but text, from `corpus.json`.

What would run calls `alert`, or one of its like, or sets `__pwned`; or it asks `evil.example` for something. In a page
that shows it, none of it does anything.
"""

import json
from pathlib import Path

GROUPS: dict[str, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text())
PAYLOADS = [text for group in GROUPS.values() for text in group]


def joined(limit: int) -> list[str]:
    """All of them, as many together as fit into so many characters, without NUL, which little takes.

    Those that swallow what follows stand last in the corpus.
    """
    texts = [""]
    for payload in PAYLOADS:
        if len(texts[-1]) + len(payload) > limit:
            texts.append("")
        texts[-1] += payload.replace("\0", "")
    return texts
