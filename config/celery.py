"""The Celery application: started as `celery -A config worker` and `celery -A config beat`."""

import os

from celery import Celery

from config.observability import tasks as _context  # noqa: F401 - connects its receivers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

app = Celery("assayer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf["CELERY_DB_REUSE_MAX"] = 1000  # Celery's fixup otherwise reconnects for every task
app.autodiscover_tasks()
