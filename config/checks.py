"""System checks: each requirement of production has a stable id (design, section 8, rule 6)."""

import re
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from audit.note import NoteKey, WitnessKey
from audit.signing import signing_problem

MINIMUM_KEY_BYTES = 32
DEFAULT_ORIGIN = "assayer.invalid/log"


def _production_errors() -> list[tuple[bool, str, str, str]]:
    database = settings.DATABASES["default"]["ENGINE"]
    cache = settings.CACHES["default"]["BACKEND"]
    return [
        (
            len(settings.SECRET_KEY.encode()) < MINIMUM_KEY_BYTES,
            "E001",
            "SECRET_KEY is shorter than 32 bytes.",
            "Set SECRET_KEY or SECRET_KEY_FILE to a random text of at least 32 bytes.",
        ),
        (
            ZoneInfo(settings.TIME_ZONE) != ZoneInfo("UTC") or not settings.USE_TZ,
            "E002",
            "The time zone is not UTC.",
            "Leave TIME_ZONE = 'UTC' and USE_TZ = True.",
        ),
        (
            not database.endswith("postgresql"),
            "E003",
            "The database is not PostgreSQL.",
            "Set DATABASE_URL=postgres://user:password@host:5432/name.",
        ),
        (
            "locmem" in cache or "dummy" in cache,
            "E004",
            "The default cache is not shared between processes.",
            "Set REDIS_URL=redis://host:6379/0.",
        ),
        (
            settings.CELERY_TASK_ALWAYS_EAGER,
            "E005",
            "No message broker is configured.",
            "Set CELERY_BROKER_URL=redis://host:6379/1 and start a worker and a beat.",
        ),
        (
            not settings.ARC14_REALMS or not all(settings.ARC14_REALMS),
            "E006",
            "No ARC-0014 realm is configured.",
            "Set ARC14_REALMS to the realm of this environment alone, such as Acme#ARC14.",
        ),
        (
            len(str(settings.SIMPLE_JWT["SIGNING_KEY"]).encode()) < MINIMUM_KEY_BYTES
            or settings.SIMPLE_JWT["SIGNING_KEY"] == settings.SECRET_KEY,
            "E007",
            "The JWT signing key is shorter than 32 bytes, or the same as SECRET_KEY.",
            "Set JWT_SIGNING_KEY or JWT_SIGNING_KEY_FILE to a random text of its own.",
        ),
        (
            not settings.SECURE_SSL_REDIRECT or not settings.SESSION_COOKIE_SECURE,
            "E008",
            "HTTPS is not enforced.",
            "Leave SECURE_SSL_REDIRECT on; behind a proxy that ends TLS set TRUSTED_PROXIES.",
        ),
        (
            not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS,
            "E009",
            "ALLOWED_HOSTS is empty or allows every host.",
            "Set ALLOWED_HOSTS to the names that this service answers to.",
        ),
        (
            settings.DEBUG or settings.DEMO_ENABLED,
            "E010",
            "DEBUG or the demo data is enabled.",
            "Use config.settings.production as it is.",
        ),
        (
            settings.ARC14_ASSUME_NOT_REKEYED,
            "E011",
            "Accounts are assumed never to be rekeyed.",
            "Set ARC14_ALGOD_URLS and leave ARC14_ASSUME_NOT_REKEYED off.",
        ),
        (
            not settings.ARC14_MAX_ANCHOR_AGE
            or settings.ARC14_MAX_ANCHOR_AGE.total_seconds() > 6 * 3600,
            "E012",
            "A round anchor may be older than 6 hours.",
            "Leave ARC14_MAX_ANCHOR_AGE at 6 hours or less.",
        ),
        (
            bool(signing_problem()),
            "E014",
            f"Reports cannot be sealed: {signing_problem()}.",
            "Set REPORT_SIGNING_KEY or REPORT_SIGNING_KEY_FILE to the base64 of 32 random bytes, "
            "and keep the public keys of the past in REPORT_RETIRED_KEYS.",
        ),
        (
            settings.AUDIT_ORIGIN == DEFAULT_ORIGIN
            or not re.fullmatch(r"[^\s+]+", settings.AUDIT_ORIGIN),
            "E015",
            "The event log has no name of its own, free of blanks and plus signs.",
            "Set AUDIT_ORIGIN to a name under a domain of yours, such as assayer.example.com/log, "
            "and never change it.",
        ),
        (
            bool(trail_problem()),
            "E016",
            f"The log cannot be proved: {trail_problem()}.",
            "AUDIT_RETIRED_KEYS and AUDIT_WITNESS_KEYS are verifier keys, <name>+<id>+<base64>; "
            "AUDIT_ANCHORS are file:<path>.",
        ),
    ]


def trail_problem() -> str:
    """Return what is wrong with the settings of the provable trail, or nothing."""
    try:
        for text in settings.AUDIT_RETIRED_KEYS:
            NoteKey.parse(text)
        for text in settings.AUDIT_WITNESS_KEYS:
            WitnessKey.parse(text)
    except ValueError as problem:
        return str(problem)
    for text in settings.AUDIT_ANCHORS:
        if not re.fullmatch(r"file:.+", text):
            return f"{text} is no anchor"
    return ""


def require_production() -> None:
    """Raise ImproperlyConfigured that names what production lacks.

    Servers and workers call it when they start: they do not run Django's checks.
    """
    missing = production_requirements(None)
    if missing:
        raise ImproperlyConfigured(
            "Assayer does not start in production without these:\n"
            + "\n".join(f"  {error.id}: {error.msg} {error.hint}" for error in missing)
        )


@register(Tags.security)
def production_requirements(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report what production must have and does not; silent in other environments."""
    if settings.ENVIRONMENT != "production":
        return []
    return [
        Error(message, hint=hint, id=f"assayer.{code}")
        for broken, code, message, hint in _production_errors()
        if broken
    ]


@register(Tags.security)
def retention_is_long_enough(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report a configured retention of the event log below seven years (design, section 6)."""
    years = settings.RETENTION_YEARS.get("compliance_audit_event", 0)
    if years >= 7:
        return []
    return [
        Error(
            f"The event log would be kept for {years} years only.",
            hint="Set RETENTION_YEARS['compliance_audit_event'] to 7 or more.",
            id="assayer.E013",
        )
    ]
