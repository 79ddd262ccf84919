"""`If-Match`: a write that was decided on an older state is refused (412)."""

from django.utils.http import parse_etags, quote_etag

from config.api.errors import PreconditionFailed


def require_match(expected: str | None, current: str | None) -> None:
    """Raise `PreconditionFailed` unless `expected` (an `If-Match` value) names `current`.

    `expected` None means that the caller set no condition; `current` None that nothing exists.
    """
    if expected is None:
        return
    tags = parse_etags(expected)
    if current is None or ("*" not in tags and quote_etag(current) not in tags):
        raise PreconditionFailed
