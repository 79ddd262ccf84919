from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    """The answer: metadata, network rules, status and reports."""

    name = "compliance"
    verbose_name = "Compliance"

    def ready(self) -> None:
        from compliance import receivers

        receivers.connect()
