"""`request_failed` tells whoever keeps a log that an API request ended in an error."""

from django.dispatch import Signal

request_failed = Signal()
"""Sent after the rollback with `request`, `view`, `failure` (`config.api.handler.Failure`)."""
