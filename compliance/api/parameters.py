"""The network that a request names in its query."""

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.networks import canonical_network


def named_network(request: Request) -> str | None:
    """Return the `network` parameter in its canonical form; None where it is absent or empty."""
    raw = request.query_params.get("network")
    if not raw:
        return None
    try:
        return canonical_network(raw)
    except ValueError as problem:
        raise ValidationError({"network": [str(problem)]}) from None
