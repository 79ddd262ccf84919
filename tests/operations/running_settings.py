"""Settings of processes that tests start: as in tests, with the given broker, cache and limits.

Keys of the broker and of the cache begin with the test's own name, so runs can share one Redis.
"""

import os

from config.settings import base, test
from config.settings.test import *  # noqa: F403 - settings build on settings

CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    **test.CELERY_BROKER_TRANSPORT_OPTIONS,
    "global_keyprefix": f"{os.environ['TEST_NAME']}:",
}
CACHES = {
    **test.CACHES,
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["REDIS_URL"],
        "KEY_PREFIX": os.environ["TEST_NAME"],
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    },
}
STORAGES = base.STORAGES  # processes share no memory
RATE_LIMIT_ORDINARY = os.environ.get("RATE_LIMIT_ORDINARY", "")
RATE_LIMIT_EXPORT = os.environ.get("RATE_LIMIT_EXPORT", "")
RATE_LIMIT_LOGIN = os.environ.get("RATE_LIMIT_LOGIN", "")
