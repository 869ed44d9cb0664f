"""What a browser calls itself, in words: only as exactly as people need to know their own browsers apart."""

from notifs.phrases import Phrase

BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
"""Most also say that they are those below them."""
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def browser(agent: str | None) -> str:
    """Like `Firefox on Linux`."""
    named, system = (
        next((word for mark, word in table.items() if mark in (agent or "")), None) for table in (BROWSERS, SYSTEMS)
    )
    if named is None:
        return "Another program" if agent else "Unknown"
    return Phrase("{browser} on {system}", browser=named, system=system) if system else named
