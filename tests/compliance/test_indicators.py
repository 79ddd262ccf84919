"""The badges of a token: the incumbent's shape with honest contents."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Token, User
from compliance.services.metadata import metadata_upsert
from jurisdictions.loading import rules_load
from jurisdictions.services.tags import tag_assign
from tests.compliance.conftest import ASSET
from tests.factories import ARAMID, VOI, client_for, wallet
from whitelist.services.entries import whitelist_entry_upsert
from whitelist.services.policies import whitelist_policy_set

pytestmark = pytest.mark.django_db
PATH = f"/api/v1/token/{ASSET}/compliance-indicators"


def badges(user: User, path: str = PATH, **query: Any) -> dict[str, Any]:
    response = client_for(user).get(path, query)
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()["indicators"]
    return found


def test_an_asset_that_is_not_recorded_has_empty_badges(owner: User) -> None:
    assert badges(owner, "/api/v1/token/99/compliance-indicators") == {
        "assetId": 99,
        "isMicaReady": False,
        "micaStatus": None,
        "whitelistingEnabled": False,
        "whitelistedAddressCount": 0,
        "hasTransferRestrictions": False,
        "transferRestrictions": None,
        "requiresAccreditedInvestors": False,
        "complianceStatus": None,
        "verificationStatus": None,
        "regulatoryFramework": None,
        "jurisdiction": None,
        "maxHolders": None,
        "enterpriseReadinessScore": 0,
        "network": None,
        "hasComplianceMetadata": False,
        "lastComplianceUpdate": None,
    }


def test_the_record_of_a_token_shows(compliant_token: Token, owner: User, outsider: User) -> None:
    metadata_upsert(
        actor=owner,
        asset_id=ASSET,
        network=VOI,
        changes={"transfer_restrictions": "Verified holders only", "max_holders": 90},
    )
    found = badges(owner)
    assert badges(outsider) == found
    assert found["lastComplianceUpdate"].endswith("Z")
    assert {name: value for name, value in found.items() if name != "lastComplianceUpdate"} == {
        "assetId": ASSET,
        "isMicaReady": False,
        "micaStatus": None,
        "whitelistingEnabled": True,
        "whitelistedAddressCount": 1,
        "hasTransferRestrictions": True,
        "transferRestrictions": "Verified holders only",
        "requiresAccreditedInvestors": False,
        "complianceStatus": "Compliant",
        "verificationStatus": "Verified",
        "regulatoryFramework": None,
        "jurisdiction": "GLOBAL",
        "maxHolders": 90,
        "enterpriseReadinessScore": 100,
        "network": VOI,
        "hasComplianceMetadata": True,
    }


def test_what_the_issuer_declares_makes_nothing_ready(
    compliant_token: Token, owner: User, officer: User
) -> None:
    rules_load(activate=("eu-mica",))
    declared = {"compliance_status": "Compliant", "regulatory_framework": "MiCA"}
    metadata_upsert(
        actor=owner, asset_id=ASSET, network=VOI, changes={**declared, "jurisdiction": "DE"}
    )
    tag_assign(
        actor=owner,
        asset_id=ASSET,
        network=VOI,
        jurisdiction="DE",
        classification="UTILITY",
        offering_kind="PUBLIC_OFFER",
        exemption="NONE",
    )
    found = badges(owner)
    assert (found["isMicaReady"], found["micaStatus"]) == (False, "NonCompliant")
    assert found["complianceStatus"] == "NonCompliant"
    assert 0 < found["enterpriseReadinessScore"] < 100


def test_a_token_whose_mica_checks_pass_is_ready(
    compliant_token: Token, owner: User, officer: User
) -> None:
    rules_load(activate=("eu-mica",))
    issuer = compliant_token.issuer
    assert issuer is not None
    issuer.roles = ["issuer"]
    issuer.save(update_fields=["roles"])
    tag_assign(
        actor=owner,
        asset_id=ASSET,
        network=VOI,
        jurisdiction="DE",
        classification="FINANCIAL_INSTRUMENT",
        offering_kind="PRIVATE_PLACEMENT",
        exemption="NONE",
    )
    found = badges(owner)
    assert (found["isMicaReady"], found["micaStatus"]) == (True, "Compliant")


def test_the_count_leaves_out_who_may_not_hold(compliant_token: Token, owner: User) -> None:
    past = timezone.now() - timedelta(days=1)
    for number, status, ends in ((1, "Revoked", None), (2, "Active", past), (3, "Active", None)):
        whitelist_entry_upsert(
            actor=owner,
            token=compliant_token,
            address=wallet(number),
            status=status,
            expiration_date=ends,
        )
    assert badges(owner)["whitelistedAddressCount"] == 2
    whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Optional")
    assert badges(owner)["whitelistingEnabled"] is False
    assert badges(owner)["complianceStatus"] == "NonCompliant"


def test_etag_304_and_ambiguity(compliant_token: Token, owner: User) -> None:
    client = client_for(owner)
    etag = client.get(PATH).headers["ETag"]
    assert client.get(PATH, HTTP_IF_NONE_MATCH=etag).status_code == 304
    whitelist_policy_set(actor=owner, token=compliant_token, enforcement="Off")
    assert client.get(PATH, HTTP_IF_NONE_MATCH=etag).status_code == 200
    metadata_upsert(actor=owner, asset_id=ASSET, network=ARAMID, changes={})
    assert client.get(PATH).status_code == 409
    assert badges(owner, network=VOI)["network"] == VOI
    assert client_for(None).get(PATH).status_code == 401
