"""notifs: the notification system for async Python web apps.

Its names are imported when they are first used, so that the command line starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from notifs.app import Notifs
    from notifs.errors import NotifsError
    from notifs.identity import Identify
    from notifs.kinds import Action, Actor, Kind
    from notifs.realtime import Context, Handlers
    from notifs.requests import Request
    from notifs.settings import Settings
    from notifs.signals import (
        Announced,
        Changed,
        Connected,
        Created,
        Delivered,
        DeliveryFailed,
        Disconnected,
        Pushed,
        Retracted,
        Signal,
        SignedIn,
        SignedOut,
        Updated,
    )
    from notifs.standalone import create_app
    from notifs.store import Progress

__version__ = "0.1.0"

__all__ = [
    "Action",
    "Actor",
    "Announced",
    "Changed",
    "Connected",
    "Context",
    "Created",
    "Delivered",
    "DeliveryFailed",
    "Disconnected",
    "Handlers",
    "Identify",
    "Kind",
    "Notifs",
    "NotifsError",
    "Progress",
    "Pushed",
    "Request",
    "Retracted",
    "Settings",
    "Signal",
    "SignedIn",
    "SignedOut",
    "Updated",
    "create_app",
]

_MODULES = ("signals", "errors", "identity", "kinds", "requests", "settings", "store", "realtime", "app", "standalone")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for module in _MODULES:
            found = getattr(import_module(f"notifs.{module}"), name, None)
            if found is not None:
                return found
    raise AttributeError(f"module 'notifs' has no attribute {name!r}")
