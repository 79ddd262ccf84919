from django.apps import AppConfig


class WhitelistConfig(AppConfig):
    """Who may hold a token."""

    name = "whitelist"
    verbose_name = "Whitelist"

    def ready(self) -> None:
        from whitelist import receivers
        from whitelist.api import log_views  # noqa: F401 - registers them

        receivers.connect()
