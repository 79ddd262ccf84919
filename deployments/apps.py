from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    """How a token was issued."""

    name = "deployments"
    verbose_name = "Deployments"

    def ready(self) -> None:
        from deployments import receivers
        from deployments.api import log_views  # noqa: F401 - registers them

        receivers.connect()
