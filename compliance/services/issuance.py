"""What a token's issuance brings to its record: metadata as it was asked for, and the whitelist."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.services import record_event
from compliance.services.metadata import metadata_upsert
from config.api.errors import DomainError
from deployments.models import Deployment
from whitelist.choices import Enforcement
from whitelist.services.policies import whitelist_policy_write

_FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "jurisdiction": "jurisdiction",
        "assetType": "asset_type",
        "regulatoryFramework": "regulatory_framework",
        "transferRestrictions": "transfer_restrictions",
        "kycProvider": "kyc_provider",
        "maxHolders": "max_holders",
        "requiresAccreditedInvestors": "requires_accredited_investors",
        "notes": "notes",
    }
)


@transaction.atomic
def issuance_record(*, deployment_id: UUID) -> None:
    """Write what the request of a completed deployment said of the token's compliance.

    The token is issued whatever comes of this: what a rule of its network refuses is an event, and
    somebody has to complete the record by hand.
    """
    deployment = Deployment.objects.select_related("token", "requested_by").get(pk=deployment_id)
    stated, actor = deployment.compliance_metadata, deployment.requested_by
    if not stated or actor is None:
        return
    token = deployment.the_token
    try:
        with transaction.atomic():
            _write(actor, token.asset_id, token.network, stated)
    except DomainError as refusal:
        record_event(
            "compliance.metadata.create_failed",
            actor=actor,
            success=False,
            **token.event_fields,
            reference_type="deployment",
            reference_id=str(deployment.pk),
            error_message=refusal.message,
            details={"code": refusal.code},
        )


def _write(actor: User, asset_id: int, network: str, stated: Mapping[str, Any]) -> None:
    changes = {_FIELDS[name]: value for name, value in stated.items() if name in _FIELDS}
    metadata_upsert(actor=actor, asset_id=asset_id, network=network, changes=changes)
    if stated.get("requiresWhitelist"):
        whitelist_policy_write(
            actor=actor, asset_id=asset_id, network=network, enforcement=Enforcement.MANDATORY
        )
