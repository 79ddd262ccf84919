"""Finding and making users."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import BaseUserManager

if TYPE_CHECKING:
    from accounts.models import User


class UserManager(BaseUserManager["User"]):
    """Users, found by their e-mail address in lower case."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").strip().lower())

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> "User":
        """Create an administrator; `manage.py createsuperuser` calls this."""
        from accounts.services import user_create

        return user_create(email=email, password=password, is_superuser=True)
