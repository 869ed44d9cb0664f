"""Logging of the application as it is. A host application configures structlog itself, and this is never called."""

import logging
import sys

import structlog

from notifs.settings import Settings


def configure(settings: Settings) -> None:
    """Structured lines on standard error: JSON in production, for people in development."""
    production = settings.production
    # uvicorn 0.54 says so of every upgrade that is refused with an answer, which is what we do; see the guard.
    logging.getLogger("uvicorn.error").addFilter(lambda r: "without completing handshake" not in r.getMessage())
    # Tracebacks without the values of variables: a password or a cookie may be one of them.
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    renderer = structlog.processors.JSONRenderer() if production else plain
    exceptions = [structlog.processors.ExceptionRenderer(frames)] if production else []
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *exceptions,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
