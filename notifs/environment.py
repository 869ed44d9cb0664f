"""Where settings come from, and what is said of those that are wrong: never the value, which may be a secret."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import EnvSettingsSource

from notifs.errors import SettingsError

SECRET_MIN = 32
"""Characters of a secret that something is signed with (256 bits, if they are random: RFC 7518, section 3.2)."""
_FILE = "_file"
_PARTS = "each of its parts is a variable of its own, like NOTIFS_PROVIDERS__GOOGLE__CLIENT_ID"
_SAID = {
    "dict_type": _PARTS,
    "extra_forbidden": "there is no such setting",
    "missing": "is missing",
    "model_type": _PARTS,
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}
"""What we say of some kinds of pydantic's errors."""


class Environment(EnvSettingsSource):
    """The environment, where `NOTIFS_*_FILE` stands for what is in that file, without line breaks at its end."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        variables = dict(super()._load_env_vars())
        for name in [each for each in variables if each.startswith(self.env_prefix.lower()) and each.endswith(_FILE)]:
            plain, path = name.removesuffix(_FILE), variables.pop(name)
            if path and variables.get(plain):
                raise SettingsError(f"set {plain.upper()} or {name.upper()}, and not both")
            if path:
                variables[plain] = _text(name, path)
        return variables


def _text(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        # Without the path: somebody may have put the secret itself there.
        raise SettingsError(f"{name.upper()}: cannot read the file: {reason}") from None


def listed(secret: SecretStr) -> tuple[str, ...]:
    """The secrets of a comma-separated list.

    A secret may have a comma in it, too: commas separate only where what is between them is long enough for one.

    Raises:
        ValueError: only some of it is. To take the whole for one new secret would be to forget those that are in it.
    """
    whole = secret.get_secret_value()
    parts = tuple(part.strip() for part in whole.split(","))
    long = [len(part) >= SECRET_MIN for part in parts]
    if all(long):
        return parts
    if any(long):
        raise ValueError(f"each secret between commas must have at least {SECRET_MIN} characters; one has fewer")
    return (whole,) if whole else ()


def explained(errors: Iterable[Any]) -> str:
    """What pydantic has found wrong, in one line that names the variables."""
    return "; ".join(dict.fromkeys(map(_explained, errors)))


def _explained(error: Any) -> str:
    message = _SAID.get(error["type"], error["msg"].removeprefix("Value error, "))
    if not error["loc"]:
        return str(message)
    field, *steps = error["loc"]
    variable = field if field.isupper() else f"NOTIFS_{field.upper()}"
    # Of the other fields the steps are numbers in a list, or kinds that were tried.
    parts = [variable, *map(str.upper, steps)] if field == "providers" else [variable]
    return f"{'__'.join(parts)}: {message}"
