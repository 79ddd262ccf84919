from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The event log."""

    name = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        from audit import receivers

        receivers.connect()
