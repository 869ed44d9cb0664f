"""What the world is like around a server under attack, whether it is whole or not; read from the environment.

- `ATTACKS_NAMES`: JSON: names, and the addresses that one question after the other is answered with; the last stays.
- `ATTACKS_SECONDS`: JSON: constants of the server that say how long something may take, like
  `notifs.web.transport.HEAD_SECONDS`, and what they are here, so that an attack need not wait as long.
"""

import json
import os
import socket
from importlib import import_module
from typing import Any


def begin() -> None:
    """Make it so in this process."""
    for place, seconds in json.loads(os.environ.get("ATTACKS_SECONDS", "{}")).items():
        module, _, name = place.rpartition(".")
        assert isinstance(getattr(import_module(module), name), float), f"{place} is no number of seconds"
        setattr(import_module(module), name, seconds)
    answers: dict[str, list[str]] = json.loads(os.environ.get("ATTACKS_NAMES", "{}"))
    resolve = socket.getaddrinfo

    def resolve_there(host: Any, *args: Any, **kwargs: Any) -> Any:
        addresses = answers.get(host.decode() if isinstance(host, bytes) else host)
        if addresses:
            host = addresses.pop(0) if len(addresses) > 1 else addresses[0]
        return resolve(host, *args, **kwargs)

    socket.getaddrinfo = resolve_there
