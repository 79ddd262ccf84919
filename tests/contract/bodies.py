"""Good bodies that several tests send."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from audit.cosignatures import checkpoint_text
from audit.models import AuditCheckpoint
from tests.audit.witnesses import Witness
from tests.contract.world import ASSET, LISTED, RULE, World
from tests.factories import VOI
from whitelist.models import WhitelistEntry

EXPORT: dict[str, Any] = {
    "view": "compliance-audit-log",
    "filters": {"network": VOI, "success": True},
    "format": "ndjson",
    "gzip": True,
}
PACK: dict[str, Any] = {
    "regulatoryFramework": "HOUSE",
    "frameworkName": "House rules",
    "sources": [{"id": "house", "title": "House", "citation": "House", "confidence": "low"}],
}
NEW_PACK: dict[str, Any] = {"packId": "new-rules", "jurisdictionCode": "GLOBAL", **PACK}
REQUIREMENT: dict[str, Any] = {
    "key": "house.another",
    "title": "The issuer is named again",
    "citation": "House rule 2",
    "source": "house",
    "category": "disclosure",
    "checkKind": "field_present",
    "params": {"field": "issuer.legalName"},
}


def cosignature_body() -> dict[str, Any]:
    """Return a witness's cosignature of the one checkpoint of the world."""
    checkpoint = AuditCheckpoint.objects.get()
    line = Witness().line(checkpoint_text(checkpoint), 1_700_000_000)
    return {"size": checkpoint.size, "cosignature": line}


def waiver_body() -> dict[str, Any]:
    """Return a request to waive the one requirement of the world."""
    return {
        "assetId": ASSET,
        "network": VOI,
        "requirementKey": RULE,
        "type": "risk_acceptance",
        "reason": "the board accepted it",
        "expiresAt": (timezone.now() + timedelta(days=30)).isoformat(),
    }


PAIR: dict[str, Any] = {"assetId": ASSET, "fromAddress": LISTED, "toAddress": LISTED}
SIMULATIONS: dict[str, dict[str, Any]] = {
    "transfer": {**PAIR, "amount": 1.5},
    "mint": {"assetId": ASSET, "toAddress": LISTED},
    "burn": {"assetId": ASSET, "fromAddress": LISTED},
}


def simulation_body(world: World, verb: str) -> dict[str, Any]:
    """Return an operation that the owner may try: they are on the whitelist too."""
    WhitelistEntry.objects.get_or_create(
        token=world.token, address=world.user("owner").address, defaults={"created_by": "x"}
    )
    return SIMULATIONS[verb]
