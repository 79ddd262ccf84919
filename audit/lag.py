"""How far the seal is behind the log, and the last verdict: for metrics and the readiness check."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.utils import timezone

from audit.checkpoints import last_checkpoint
from audit.models import AuditVerification
from audit.seal import TABLE, last_seal

_MOST = 100_000
_WAITING = f"""
SELECT count(*), min(occurred_at) FROM (
    SELECT e.occurred_at FROM "{TABLE}" e
    WHERE (e.xid, e.seq) > (%s::text::xid8, %s) AND e.seq > %s
    ORDER BY e.xid, e.seq LIMIT {_MOST}) AS waiting
"""  # noqa: S608 - constants
_WAITING_SQLITE = f"""
SELECT count(*), min(occurred_at) FROM (
    SELECT occurred_at FROM "{TABLE}" WHERE seq > %s ORDER BY seq LIMIT {_MOST}) AS waiting
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class SealLag:
    """How many events wait to be sealed, at most 100,000; for how many seconds the first does."""

    events: int
    seconds: float


def seal_lag() -> SealLag:
    """Return how far the seal is behind now; one query of the index that sealing uses."""
    last = last_seal()
    xid, seq, floor = (last.last_xid, last.last_seq, last.floor_seq or 0) if last else (0, 0, 0)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_WAITING, [str(xid), seq, floor])
        else:
            cursor.execute(_WAITING_SQLITE, [seq])
        count, oldest = cursor.fetchone()
    if isinstance(oldest, str):  # SQLite has no moments
        oldest = datetime.fromisoformat(oldest)
    if oldest is not None and oldest.tzinfo is None:
        oldest = timezone.make_aware(oldest, timezone.get_default_timezone())
    waited = (timezone.now() - oldest).total_seconds() if oldest is not None else 0.0
    return SealLag(count, max(0.0, waited))


def seal_state() -> str | None:
    """Return `failed` where the seal lags more than `AUDIT_SEAL_LAG_SECONDS`; None where 0."""
    most = settings.AUDIT_SEAL_LAG_SECONDS
    if not most:
        return None
    return "ok" if seal_lag().seconds <= most else "failed"


def seal_gauges() -> Iterator[tuple[str, str, float]]:
    """Yield name, meaning and value of what monitoring watches of seal and verification."""
    lag, now = seal_lag(), timezone.now()
    yield "assayer_audit_unsealed_events", "Events that wait to be sealed.", lag.events
    yield "assayer_audit_seal_lag_seconds", "Age of the oldest of them.", lag.seconds
    seal, checkpoint = last_seal(), last_checkpoint()
    unsigned = (seal.size if seal else 0) - (checkpoint.size if checkpoint else 0)
    yield "assayer_audit_unsigned_events", "Sealed events that no checkpoint has.", max(0, unsigned)
    if checkpoint is not None:
        age = (now - checkpoint.signed_at).total_seconds()
        yield "assayer_audit_checkpoint_age_seconds", "Age of the last checkpoint.", age
    if (last := AuditVerification.objects.order_by("-id").first()) is not None:
        age = (now - last.verified_at).total_seconds()
        yield "assayer_audit_verification_age_seconds", "Age of the last verification.", age
        yield "assayer_audit_intact", "1 where it found nothing, else 0.", float(last.intact)
