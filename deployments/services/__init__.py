"""Writing deployments. Every function is one transaction with its events."""

from deployments.services.imports import deployment_import
from deployments.services.requests import (
    deployment_cancel,
    deployment_request,
    deployment_retry,
)

__all__ = ["deployment_cancel", "deployment_import", "deployment_request", "deployment_retry"]
