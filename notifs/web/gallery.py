"""The page `/gallery`, in development only: every element in every state, theme, language and direction."""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from notifs.web.render import Render
from notifs.web.words import PLURALS, words

THEMES = ("light", "dark")


class Gallery:
    """Draws with the shipped elements, from data that is in the page: it needs no sign-in, and has nobody's mailbox."""

    def __init__(self, render: Render) -> None:
        self._render = render

    def routes(self, base: str, middleware: Sequence[Middleware]) -> list[Route]:
        """`/gallery` below `base`."""
        return [Route(f"{base}/gallery", self.page, methods=["GET"], middleware=middleware)]

    async def page(self, request: Request) -> Response:
        """GET ?lang=&theme=&state="""
        language, theme = request.query_params.get("lang"), request.query_params.get("theme")
        context = {
            "t": words(language) if language in PLURALS else self._render.words(request),
            "theme": theme if theme in THEMES else None,
            "themes": THEMES,
            "languages": list(PLURALS),
        }
        return self._render(request, "gallery.html", context)
