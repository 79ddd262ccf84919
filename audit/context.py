"""The request behind an event: which token a refused request was about."""

import re
from typing import Any

_MAX_ASSET_ID = 2**63 - 1
_NETWORK = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}\Z")


def asset_of(raw: object) -> int | None:
    """Return `raw` as an asset id where it is one, else None."""
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) <= 19:
        raw = int(raw)
    if isinstance(raw, int) and not isinstance(raw, bool) and 0 < raw <= _MAX_ASSET_ID:
        return raw
    return None


def network_of(raw: object) -> str | None:
    """Return `raw` as a network name where it is well formed, else None."""
    if isinstance(raw, str) and _NETWORK.match(raw.strip().lower()):
        return raw.strip().lower()
    return None


def token_of(view: Any, request: Any) -> tuple[str | None, int | None]:
    """Return the network and asset id that a request named, as far as they are readable.

    Looks at the path, the query and the body that was already parsed, in this order.
    """
    kwargs = getattr(view, "kwargs", None) or {}
    query = request.query_params
    body = getattr(request, "_full_data", None)
    body = body if isinstance(body, dict) else {}
    asset = asset_of(kwargs.get("asset_id") or query.get("assetId") or body.get("assetId"))
    network = network_of(query.get("network") or body.get("network"))
    return network, asset
