from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """Users, roles, issuers and tokens."""

    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from accounts import receivers
        from accounts.api import security  # noqa: F401 - registers its view of the log
        from accounts.roles import create_role_groups
        from accounts.selectors import active_user
        from audit.webhooks import subscribers

        receivers.connect()
        subscribers.register(active_user)
        post_migrate.connect(
            create_role_groups, sender=self, dispatch_uid="accounts.create_role_groups"
        )
