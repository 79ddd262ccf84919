"""The platform roles as Django groups."""

from typing import Any

from django.apps import apps

from accounts.choices import Role


def create_role_groups(sender: object, using: str = "default", **kwargs: Any) -> None:
    """Make sure that a group stands for every role; runs after every migration."""
    group = apps.get_model("auth", "Group")
    for role in Role.values:
        group.objects.using(using).get_or_create(name=role)
