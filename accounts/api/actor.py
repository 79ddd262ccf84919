"""Who makes a request."""

from typing import cast

from rest_framework.request import Request

from accounts.models import User


def actor_of(request: Request) -> User:
    """Return the authenticated caller; every endpoint requires one before its view runs."""
    return cast("User", request.user)
