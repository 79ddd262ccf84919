"""The project: settings, URL configuration, Celery and the WSGI entry point."""

import importlib.util

if importlib.util.find_spec("celery"):  # absent in a bare clone, where only the bootstrap runs
    from config.celery import app as celery_app

    __all__ = ("celery_app",)
