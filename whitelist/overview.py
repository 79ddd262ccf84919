"""One whitelist at a glance, from facts: entries, the log, the configuration, the trail."""

from typing import Any

from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from accounts.models import Token
from accounts.selectors import token_get_visible
from audit.models import AuditEvent
from audit.principal import Principal
from audit.retention import retention_policy
from audit.verification import trail_verdict
from config.api.formats import utc_text
from whitelist.choices import Enforcement, EntryStatus
from whitelist.enforcement import TRANSFER_VALIDATED
from whitelist.log_entries import CATEGORIES
from whitelist.models import WhitelistEntry, WhitelistPolicy

RETENTION_YEARS = 5  # Regulation (EU) 2023/1114, Article 68(9)
_PROVIDERS_SHOWN = 100


def whitelist_overview(*, actor: Principal, asset_id: int, network: str | None) -> dict[str, Any]:
    """Return how the whitelist of a token stands, in the incumbent's shape.

    Raises `NotFound`, `NotVisible` and `AmbiguousAsset`.
    """
    token = token_get_visible(actor=actor, asset_id=asset_id, network=network)
    holders = _holders(token)
    trail = _trail(token)
    return {
        "assetId": token.asset_id,
        "network": token.network or None,
        "generatedAt": utc_text(timezone.now()),
        "investorEligibility": {
            "totalEntries": holders["total"],
            "activeEntries": holders["active"],
            "inactiveEntries": holders["inactive"],
            "revokedEntries": holders["revoked"],
            "expiredEntries": holders["expired"],
            "activePercentage": _percentage(holders["active"], holders["total"]),
        },
        "transferEnforcement": trail["transfers"],
        "kycVerification": {
            "kycVerifiedEntries": holders["verified"],
            "activeWithoutKyc": holders["active_unverified"],
            "kycProviderCount": holders["providers"],
            "kycProviders": _providers(token),
        },
        "auditTrail": trail["trail"],
        "micaReadiness": _readiness(token, holders, trail["trail"]),
    }


def _holders(token: Token) -> dict[str, int]:
    now = timezone.now()
    active = Q(status=EntryStatus.ACTIVE) & (
        Q(expiration_date__isnull=True) | Q(expiration_date__gt=now)
    )
    return WhitelistEntry.objects.filter(token=token).aggregate(
        total=Count("pk"),
        active=Count("pk", filter=active),
        inactive=Count("pk", filter=Q(status=EntryStatus.INACTIVE)),
        revoked=Count("pk", filter=Q(status=EntryStatus.REVOKED)),
        expired=Count("pk", filter=Q(status=EntryStatus.ACTIVE, expiration_date__lte=now)),
        verified=Count("pk", filter=Q(kyc_verified=True)),
        active_unverified=Count("pk", filter=active & Q(kyc_verified=False)),
        providers=Count("kyc_provider", distinct=True),
    )


def _providers(token: Token) -> list[str]:
    rows = WhitelistEntry.objects.filter(token=token, kyc_provider__isnull=False)
    names = rows.order_by("kyc_provider").values_list("kyc_provider", flat=True).distinct()
    return [name for name in names[:_PROVIDERS_SHOWN] if name]


def _trail(token: Token) -> dict[str, Any]:
    events = AuditEvent.objects.filter(
        asset_id=token.asset_id, network=token.network or None, category__in=CATEGORIES
    )
    transfer = Q(name=TRANSFER_VALIDATED)
    found = events.aggregate(
        total=Count("seq"),
        first=Min("occurred_at"),
        last=Max("occurred_at"),
        transfers=Count("seq", filter=transfer),
        allowed=Count("seq", filter=transfer & Q(transfer_allowed=True)),
        last_transfer=Max("occurred_at", filter=transfer),
    )
    policy = retention_policy()
    return {
        "transfers": {
            "totalValidations": found["transfers"],
            "allowedTransfers": found["allowed"],
            "deniedTransfers": found["transfers"] - found["allowed"],
            "allowedPercentage": _percentage(found["allowed"], found["transfers"]),
            "lastValidationAt": _text(found["last_transfer"]),
        },
        "trail": {
            "totalAuditEntries": found["total"],
            "lastAuditAt": _text(found["last"]),
            "earliestAuditAt": _text(found["first"]),
            "minimumRetentionYears": policy["minimumRetentionYears"],
            "immutableEntries": trail_verdict().intact is True,
        },
    }


def _readiness(token: Token, holders: dict[str, int], trail: dict[str, Any]) -> dict[str, Any]:
    enforcement = (
        WhitelistPolicy.objects.filter(token=token).values_list("enforcement", flat=True).first()
    )
    facts = {
        "allActiveEntriesKycVerified": holders["active"] > 0 and not holders["active_unverified"],
        "auditRetentionCompliant": trail["minimumRetentionYears"] >= RETENTION_YEARS,
        "immutableAuditCompliant": trail["immutableEntries"],
        "enforcementMandatory": enforcement == Enforcement.MANDATORY,
        "noActiveEntriesExpired": holders["total"] > 0 and not holders["expired"],
    }
    return {
        **facts,
        "applicableNetwork": token.network or None,
        "readinessScore": 100 * sum(facts.values()) // len(facts),
    }


def _text(moment: Any) -> str | None:
    return utc_text(moment) if moment else None


def _percentage(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0
