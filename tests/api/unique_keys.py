"""For schemathesis: an idempotency key that is good names one request and no other, as it does with producers.

Else what it just created may be the answer to an earlier request, and have been taken back since.
"""

import re
import uuid
from typing import Any

import schemathesis


@schemathesis.hook
def map_headers(context: Any, headers: Any) -> Any:
    if headers and re.fullmatch(r"[!-~]{1,200}", str(headers.get("Idempotency-Key", ""))):
        return {**headers, "Idempotency-Key": uuid.uuid4().hex}
    return headers
