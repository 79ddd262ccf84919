"""Waivers as they are read: one by its id, and those that hold for a token at a moment."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from accounts.models import Token
from audit.principal import Principal
from config.api.errors import NotFound, NotVisible
from jurisdictions.engine import Waiver as WaiverValue
from jurisdictions.models import Waiver

NOT_FOUND = "Waiver not found"


def waiver_get(*, actor: Principal, waiver_id: UUID) -> Waiver:
    """Return a waiver with its token, if `actor` sees it. Raises `NotFound` and `NotVisible`."""
    rows = Waiver.objects.select_related("token")
    waiver: Waiver | None = rows.visible_to(actor).filter(pk=waiver_id).first()
    if waiver is None:
        exists = Waiver.objects.filter(pk=waiver_id).exists()
        raise (NotVisible if exists else NotFound)(NOT_FOUND)
    return waiver


def waivers_for_engine(token: Token, now: datetime) -> tuple[WaiverValue, ...]:
    """Return the waivers of a token that are approved, neither revoked nor expired at `now`."""
    rows = Waiver.objects.filter(
        Q(revoked_at__isnull=True) | Q(revoked_at__gt=now),
        token=token,
        approved_at__lte=now,
        expires_at__gt=now,
    )
    return tuple(
        WaiverValue(
            requirement_key=row.requirement_key,
            expires_at=row.expires_at,
            approved=True,
            id=str(row.pk),
            reason=row.reason,
            type=row.type,
            approved_by=row.approved_by,
            pack_id=row.pack_id,
            version_from=row.version_from,
            version_to=row.version_to,
        )
        for row in rows.order_by("requested_at", "pk")
    )
