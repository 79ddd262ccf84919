from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The event log."""

    name = "audit"
    verbose_name = "Audit"

    def ready(self) -> None:
        from audit import lag, partitions, receivers
        from audit.api import enterprise_audit, event_trail, log_views  # noqa: F401 - register them
        from config.observability import health, metrics

        receivers.connect()
        health.add_check("auditSeal", lag.seal_state)
        metrics.add_gauges(lag.seal_gauges)
        metrics.add_gauges(partitions.partition_gauges)
