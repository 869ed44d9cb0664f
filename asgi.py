"""For any server of ASGI, like `uvicorn asgi:app`."""

from notifs.errors import SettingsError
from notifs.standalone import create_worker

try:
    app = create_worker()
except SettingsError as error:
    raise SystemExit(f"notifs: {error.message}") from None
