"""Signatures by Standard Webhooks. A webhook's secret is derived from the deployment's own; it is stored nowhere."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook


def secret_of(secret_key: str, webhook: str) -> str:
    """The secret of a webhook by its id, as its receiver is given it."""
    derived = hmac.digest(secret_key.encode(), f"webhook:{webhook}".encode(), hashlib.sha256)
    return f"whsec_{base64.b64encode(derived).decode()}"


def headers(secrets: Sequence[str], id: str, now: datetime, payload: str) -> dict[str, str]:
    """What tells the receiver that this is from us, from when it is, and whether it has it already.

    With several secrets there are as many signatures; a receiver that knows one of them finds its own.
    """
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(id, now, payload) for secret in secrets),
    }
