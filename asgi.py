"""For uvicorn: `uvicorn asgi:app`."""

from notifs.app import create_app
from notifs.errors import SettingsError

try:
    app = create_app()
except SettingsError as error:
    raise SystemExit(f"notifs: {error.message}") from None
