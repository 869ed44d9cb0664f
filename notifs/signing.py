"""What leaves the server and comes back unchanged: signed, for one purpose, for some time.

Several keys may be in use while one replaces another: the first signs, all verify.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer

LEEWAY = 60
"""Seconds by which the clock of the worker that has signed may be ahead."""


class Signer:
    """Signs values that JSON can say.

    Args:
        keys: the deployment's secrets, the newest first.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)

    def sign(self, purpose: str, value: Any) -> str:
        """`value` as text that is safe in a URL or a cookie. Whoever has it can read it, and nobody can change it."""
        return str(self._serializer(purpose).dumps(value))

    def read(self, purpose: str, text: str, *, seconds: int) -> Any | None:
        """What was signed for this purpose, not longer ago than that; None for anything else."""
        try:
            value, at = self._serializer(purpose).loads(text, return_timestamp=True)
        except (BadData, UnicodeEncodeError):
            return None
        age = (datetime.now(UTC) - at).total_seconds()
        return value if -LEEWAY <= age <= seconds else None

    def hashes(self, text: str) -> list[str]:
        """The HMAC-SHA-256 of a secret text under each key, in hex: what may be stored of it, the first one first."""
        data = text.encode("utf-8", "replace")
        return [hmac.digest(key.encode(), data, "sha256").hex() for key in self._keys]

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            list(reversed(self._keys)),  # that library signs with the last
            salt=f"notifs.{purpose}",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
