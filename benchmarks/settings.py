"""Settings of the benchmarks: production's, on a database, a cache and a broker of their own."""

import os

from config.settings.production import *  # noqa: F403 - as every settings file
from config.settings.production import CACHES, LOGGING, SIMPLE_JWT, STORAGES

SECRET_KEY = "benchmark-only-" + "0" * 49
SIMPLE_JWT = {**SIMPLE_JWT, "SIGNING_KEY": SECRET_KEY}
REPORT_SIGNING_KEY = "A" * 43 + "="
ALLOWED_HOSTS = ["benchmark.example"]
ARC14_REALMS = ["Benchmark#ARC14"]
ARC14_ALGOD_URLS: dict[str, str] = {}
ARC14_ASSUME_NOT_REKEYED = True
STATIC_ROOT = None
# Pages of the admin name their files as they are: nothing is collected here.
STORAGES = {
    **STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Counted as in production, but never reached.
RATE_LIMIT_ORDINARY = "100000000/min"

CACHES = {
    **CACHES,
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "default"},
}
# Tasks are queued, and nobody takes them: a request costs what it costs beside a worker.
CELERY_BROKER_URL = "memory://"
CELERY_TASK_ALWAYS_EAGER = False

# Log lines are made and written as in production, to nowhere.
for handler in LOGGING["handlers"].values():
    handler["stream"] = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
