"""For uvicorn: `uvicorn asgi:app`."""

from notifs.errors import SettingsError
from notifs.standalone import create_app

try:
    app = create_app()
except SettingsError as error:
    raise SystemExit(f"notifs: {error.message}") from None
