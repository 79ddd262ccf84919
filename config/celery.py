"""The Celery application: started as `celery -A config worker` and `celery -A config beat`."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init
from django.core.exceptions import ImproperlyConfigured

from config.observability import tasks as _context  # noqa: F401 - connects its receivers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

app = Celery("assayer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf["CELERY_DB_REUSE_MAX"] = 1000  # Celery's fixup otherwise reconnects for every task
app.autodiscover_tasks()


@worker_init.connect(dispatch_uid="config.require_production")
@beat_init.connect(dispatch_uid="config.require_production")
def _require_production(**kwargs: Any) -> None:
    from config.checks import require_production

    try:
        require_production()
    except ImproperlyConfigured as lacking:
        raise SystemExit(str(lacking)) from None  # Celery only logs any other exception
