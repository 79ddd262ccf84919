"""Development: an embedded database, no broker, no node. Never for production."""

from config.observability.logging import logging_settings
from config.settings.base import *
from config.settings.base import (
    DEMO_REPORT_SIGNING_KEY,
    LOG_LEVEL,
    REPORT_SIGNING_KEY,
    SECRET_KEY,
    SIMPLE_JWT,
    env,
)

ENVIRONMENT = "development"
DEBUG = env.bool("DEBUG", default=True)
SECRET_KEY = SECRET_KEY or "development-only-" + "0" * 48
SIMPLE_JWT = {**SIMPLE_JWT, "SIGNING_KEY": SIMPLE_JWT["SIGNING_KEY"] or SECRET_KEY}
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
CORS_ALLOWED_ORIGINS = ["http://localhost:5173", "http://127.0.0.1:5173"]
REPORT_SIGNING_KEY = REPORT_SIGNING_KEY or DEMO_REPORT_SIGNING_KEY

ARC14_REALMS = env.list("ARC14_REALMS", default=["BiatecTokens#ARC14"])
ARC14_ASSUME_NOT_REKEYED = True

# django-ratelimit refuses a per-process cache; one process is all that development has.
SILENCED_SYSTEM_CHECKS = ["axes.W006", "django_ratelimit.E003", "django_ratelimit.W001"]
LOGGING = logging_settings(LOG_LEVEL, console=True)
DEMO_ENABLED = True

WEBHOOK_ALLOW_HTTP = env.bool("WEBHOOK_ALLOW_HTTP", default=True)
WEBHOOK_ALLOWED_NETWORKS = env.list("WEBHOOK_ALLOWED_NETWORKS", default=["127.0.0.0/8", "::1/128"])
WEBHOOK_PORTS = env.list("WEBHOOK_PORTS", cast=int, default=[])
