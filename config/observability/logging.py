"""Structured logs: one JSON object a line, with the correlation id and without secrets."""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from config.observability.context import correlation_id, source

_SECRET_NAMES = re.compile(
    r"authorization|password|secret|token|signature|mnemonic|cookie|api_?key|proof", re.IGNORECASE
)
_SECRET_VALUES = re.compile(
    r"(SigTx|Bearer)\s+[A-Za-z0-9+/=._ -]{16,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
    re.IGNORECASE,
)
_PASSWORD_IN_URL = re.compile(r"(\w+://[^:/\s]*:)[^@\s]+@")


def scrub(text: str) -> str:
    """Return `text` without signatures, tokens and passwords."""
    text = _SECRET_VALUES.sub("[removed]", text)
    return _PASSWORD_IN_URL.sub(r"\1[removed]@", text)


def remove_secrets(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor that blanks secret keys and scrubs secret-looking text."""
    event.pop("request", None)  # Django's own records carry it, and with it the query string
    return {key: _cleaned(key, value) for key, value in event.items()}


def _cleaned(key: str, value: Any) -> Any:
    if _SECRET_NAMES.search(key):
        return "[removed]"
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        return {inner: _cleaned(str(inner), item) for inner, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned("", item) for item in value]
    return value


def add_context(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor that adds the correlation id and the source of the work."""
    event.setdefault("correlation_id", correlation_id())
    event.setdefault("source", source())
    return event


def logging_settings(level: str, *, console: bool) -> dict[str, Any]:
    """Return Django's LOGGING: JSON lines, or readable ones on a developer's console."""
    shared = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_context,
        structlog.processors.format_exc_info,
        remove_secrets,
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=False)
        if console
        else structlog.processors.JSONRenderer(sort_keys=True)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    renderer,
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"handlers": [], "propagate": False},
            "django.request": {"level": "ERROR"},
            "axes": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
        },
    }
