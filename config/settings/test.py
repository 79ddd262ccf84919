"""Tests: as production where that can be tested, fast hashing, no limits unless a test sets one."""

import os

from config.settings.base import *
from config.settings.base import CACHES, SIMPLE_JWT, STORAGES

ENVIRONMENT = "test"
SECRET_KEY = "test-only-" + "0" * 54
SIMPLE_JWT = {**SIMPLE_JWT, "SIGNING_KEY": SECRET_KEY}
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ARC14_REALMS = ["BiatecTokens#ARC14"]
ARC14_ASSUME_NOT_REKEYED = True
AUDIT_WITNESS_KEYS = [
    "witness.example/one+d586dc66+BIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
]  # of `tests.audit.witnesses`
REPORT_SIGNING_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
RATE_LIMIT_ORDINARY = ""
RATE_LIMIT_EXPORT = ""
RATE_LIMIT_LOGIN = ""
CELERY_BROKER_URL = "memory://"
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
SILENCED_SYSTEM_CHECKS = ["axes.W006", "django_ratelimit.E003", "django_ratelimit.W001"]
STORAGES = {
    **STORAGES,
    "exports": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
}
WHITENOISE_AUTOREFRESH = True
TEST_REDIS_URL = os.environ.get("TEST_REDIS_URL", "")
CACHES = {
    **CACHES,
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "default",
    },
}
