"""Who writes the rules waits for whoever writes them already, and learns what changed meanwhile."""

from uuid import uuid4

from config.api.errors import Conflict, PreconditionFailed
from jurisdictions.models import ReferenceStamp, RulePack


def lock_rules_in_force() -> None:
    """Hold, until the transaction ends, the one lock under which rules come into force or end."""
    topic = ReferenceStamp.Topic.PACKS
    first = ReferenceStamp(topic=topic, value=str(uuid4()))
    ReferenceStamp.objects.bulk_create([first], ignore_conflicts=True)
    ReferenceStamp.objects.select_for_update().get(topic=topic)


def lock_pack(pack: RulePack, lock_version: int | None) -> RulePack:
    """Return the version as it is now, locked until the transaction ends.

    Raises `PreconditionFailed` where the caller saw another `lock_version`; None sets no condition.
    """
    row = RulePack.objects.select_for_update().get(pk=pack.pk)
    require_seen(lock_version, row.lock_version)
    return row


def lock_draft(pack: RulePack, lock_version: int | None = None) -> RulePack:
    """Return the version, locked, which must be a Draft; raises `Conflict` and as `lock_pack`."""
    row = lock_pack(pack, lock_version)
    if not row.is_draft:
        raise Conflict(
            f"{row} is {row.get_status_display().lower()} and cannot be edited; "
            "draft a new version."
        )
    return row


def require_seen(seen: int | None, current: int) -> None:
    """Raise `PreconditionFailed` unless the caller saw the current state or set no condition."""
    if seen is not None and seen != current:
        raise PreconditionFailed
