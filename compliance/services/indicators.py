"""The badges of a token: the incumbent's shape, filled from the record and its computed status."""

from typing import Any

import orjson
from django.db.models import Count, Q
from django.utils import timezone

from accounts.models import Token
from accounts.querysets import TokenQuerySet
from accounts.selectors import token_get
from compliance.models import ComplianceMetadata
from compliance.services.status import status_get
from config.api.errors import NotFound
from config.api.formats import utc_text
from whitelist.choices import Enforcement, EntryStatus

_MICA = "MICA"


def indicators_get(*, asset_id: int, network: str | None) -> dict[str, Any]:
    """Return the badges of a token; of an asset that is not recorded, all of them empty.

    `isMicaReady` and `complianceStatus` come from the computed status, never from what the issuer
    declares (reference/incumbent-compliance.md, section 7). Raises `AmbiguousAsset`.
    """
    try:
        token = token_get(asset_id=asset_id, network=network, within=_with_whitelist())
    except NotFound:
        return _document(asset_id, None, {})
    return _document(asset_id, token, _status_of(token))


def _status_of(token: Token) -> dict[str, Any]:
    try:
        status = status_get(asset_id=token.asset_id, network=token.network)
    except NotFound:  # an owner without any record: nothing was ever evaluated
        return {}
    document: dict[str, Any] = orjson.loads(status.payload)
    return document


def _with_whitelist() -> TokenQuerySet:
    unexpired = Q(whitelist_entries__expiration_date__isnull=True) | Q(
        whitelist_entries__expiration_date__gt=timezone.now()
    )
    active = Q(whitelist_entries__status=EntryStatus.ACTIVE)
    tokens: TokenQuerySet = Token.objects.select_related("metadata", "whitelist_policy").annotate(
        whitelisted=Count("whitelist_entries", filter=active & unexpired)
    )
    return tokens


def _document(asset_id: int, token: Token | None, status: dict[str, Any]) -> dict[str, Any]:
    metadata: ComplianceMetadata | None = getattr(token, "metadata", None)
    policy = getattr(token, "whitelist_policy", None)
    mica = [one for one in status.get("frameworks", ()) if one["framework"] == _MICA]
    restrictions = (metadata.transfer_restrictions or None) if metadata else None
    written = (metadata.updated_at or metadata.created_at) if metadata else None
    return {
        "assetId": asset_id,
        "isMicaReady": bool(mica) and all(one["requiredMet"] for one in mica),
        "micaStatus": mica[0]["status"] if mica else None,
        "whitelistingEnabled": policy is not None and policy.enforcement == Enforcement.MANDATORY,
        "whitelistedAddressCount": getattr(token, "whitelisted", 0),
        "hasTransferRestrictions": restrictions is not None,
        "transferRestrictions": restrictions,
        "requiresAccreditedInvestors": bool(metadata and metadata.requires_accredited_investors),
        "complianceStatus": status.get("status"),
        "verificationStatus": str(metadata.verification_status) if metadata else None,
        "regulatoryFramework": (metadata.regulatory_framework or None) if metadata else None,
        "jurisdiction": (metadata.jurisdiction or None) if metadata else None,
        "maxHolders": metadata.max_holders if metadata else None,
        "enterpriseReadinessScore": _score(status.get("counts", {})),
        "network": (token.network or None) if token else None,
        "hasComplianceMetadata": metadata is not None,
        "lastComplianceUpdate": utc_text(written) if written else None,
    }


def _score(counts: dict[str, int]) -> int:
    """Of the checks that apply, how many in a hundred pass: 100 only where every one does."""
    applicable = sum(count for verdict, count in counts.items() if verdict != "NotApplicable")
    return 100 * counts["Pass"] // applicable if applicable else 0
