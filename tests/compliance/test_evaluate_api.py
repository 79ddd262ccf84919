"""Trying the rules on a token: everything is answered, nothing is kept."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Token, User
from compliance.models import TokenStatus
from jurisdictions.loading import rules_load
from jurisdictions.models import RulePack
from jurisdictions.selectors import pack_value
from jurisdictions.services.drafts import pack_draft_from, pack_update
from jurisdictions.services.requirements import requirement_create
from tests.compliance.conftest import ASSET
from tests.contract.world import assert_envelope, contents
from tests.factories import VOI, TokenFactory, client_for
from tests.jurisdictions.rules import RULE

pytestmark = pytest.mark.django_db
PATH = "/api/v1/compliance/jurisdiction-rules/evaluate"
TOKEN = {"assetId": ASSET, "network": VOI}


def send(user: User | None, **body: Any) -> Any:
    return client_for(user).post(PATH, body, format="json")


def evaluation(user: User, **body: Any) -> dict[str, Any]:
    response = send(user, **body)
    assert response.status_code == 200, response.content
    return dict(response.json()["evaluation"])


@pytest.fixture
def stricter(compliant_token: Token, officer: User) -> RulePack:
    """A Draft of the baseline with one more rule, which the token does not meet."""
    pack = pack_draft_from(actor=officer, pack=RulePack.objects.get(pack_id="global-baseline"))
    rule = {**RULE, "params": {"field": "token.isin"}, "key": "base.isin", "source": "policy"}
    requirement_create(actor=officer, pack=pack, **rule)
    return pack


def test_it_says_what_the_status_says_with_every_check(
    compliant_token: Token, outsider: User, status_of: Any
):
    status, found = status_of(outsider), evaluation(outsider, **TOKEN)
    volatile = {"evaluatedAt", "nextEvaluationAt"}
    for name in set(status) - volatile:
        assert found[name] == status[name], name
    assert found["complianceStatus"] == found["status"] == "Compliant"
    assert (found["tried"], found["applicableJurisdictions"]) == (None, ["GLOBAL"])
    keys = [one["key"] for one in found["checkResults"]]
    pack = pack_value(RulePack.objects.get(pack_id="global-baseline", status="Active"))
    assert {one.key for one in pack.requirements} < set(keys)
    assert sum(found["counts"].values()) == len(keys)
    (kyc,) = [one for one in found["checkResults"] if one["key"] == "base.kyc_status"]
    assert (kyc["requirementCode"], kyc["jurisdictionCode"], kyc["status"]) == (
        "base.kyc_status",
        "GLOBAL",
        "Pass",
    )
    assert kyc["verdict"] == "Pass"


def test_nothing_is_stored(compliant_token: Token, officer: User, stricter: RulePack):
    before = contents(events=True)
    stale = TokenStatus.objects.get(pk=compliant_token.pk)
    evaluation(officer, **TOKEN)
    evaluation(officer, **TOKEN, packId=stricter.pack_id, version=stricter.version)
    evaluation(officer, **TOKEN, asOf="2027-06-01T00:00:00Z")
    assert contents(events=True) == before
    assert TokenStatus.objects.get(pk=compliant_token.pk).revision == stale.revision


def test_a_draft_is_tried_in_place_of_the_active_version(
    compliant_token: Token, officer: User, stricter: RulePack, status_of: Any
):
    found = evaluation(officer, **TOKEN, packId=stricter.pack_id, version=stricter.version)
    assert found["status"] == "NonCompliant"
    assert [one["key"] for one in found["rationale"]] == ["base.isin"]
    assert found["tried"] == {"id": stricter.pack_id, "version": stricter.version}
    assert found["tried"] in found["packVersions"]
    ids = [one["id"] for one in found["packVersions"]]
    assert len(ids) == len(set(ids))
    assert status_of(officer)["status"] == "Compliant"


def test_a_draft_of_the_future_is_tried_as_if_in_force(
    compliant_token: Token, officer: User, auditor: User, stricter: RulePack
):
    later = datetime.now(UTC).date() + timedelta(days=90)
    pack_update(actor=officer, pack=stricter, effective_from=later)
    found = evaluation(auditor, **TOKEN, packId=stricter.pack_id, version=stricter.version)
    assert [one["key"] for one in found["rationale"]] == ["base.isin"]


def test_a_draft_of_another_pack_is_tried_beside_those_in_force(
    compliant_token: Token, officer: User
):
    rules_load()
    found = evaluation(officer, **TOKEN, packId="fatf", version="2026.11.1")
    assert found["applicableJurisdictions"] == ["FATF", "GLOBAL"]
    assert found["status"] != "Compliant"
    assert evaluation(officer, **TOKEN)["status"] == "Compliant"


def test_another_moment_has_its_own_clock(compliant_token: Token, owner: User):
    expired = (datetime.now(UTC) + timedelta(days=301)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = evaluation(owner, **TOKEN, asOf=expired)
    assert (found["asOf"], found["evaluatedAt"]) == (expired, expired)
    assert found["status"] == "NonCompliant"
    assert "evidence_expired" in {one["reasonCode"] for one in found["rationale"]}
    assert evaluation(owner, **TOKEN)["status"] == "Compliant"


def test_before_anything_was_recorded_nothing_is_known(compliant_token: Token, owner: User):
    for moment in ("2020-01-01", "0001-01-01"):
        body = assert_envelope(send(owner, **TOKEN, asOf=moment), 422)
        assert body["errorCode"] == "BUSINESS_RULE_VIOLATION"
        assert "is not kept" in body["errorMessage"]
        assert list(body["details"]) == ["asOf"]


def test_the_end_of_time_is_answered(compliant_token: Token, owner: User):
    last = "9999-12-31T23:59:59.999999Z"
    assert evaluation(owner, **TOKEN, asOf=last)["asOf"] == last


def test_only_staff_try_a_version(
    compliant_token: Token, owner: User, outsider: User, stricter: RulePack
):
    before = contents()
    for user in (owner, outsider):
        response = send(user, **TOKEN, packId=stricter.pack_id, version=stricter.version)
        body = assert_envelope(response, 403)
        assert "checkResults" not in response.json()
        assert body["errorCode"] == "FORBIDDEN"
    assert_envelope(send(None, **TOKEN), 401)
    assert contents() == before


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        ({"assetId": 999}, 404, None),
        ({"packId": "none", "version": "2026.11.1"}, 404, None),
        ({"packId": "global-baseline", "version": "1999.01.1"}, 404, None),
        ({"packId": "global-baseline"}, 400, "version"),
        ({"version": "2026.11.1"}, 400, "packId"),
        ({"assetId": 0}, 400, "assetId"),
        ({"asOf": "soon"}, 400, "asOf"),
        ({"issuerId": "x"}, 400, "issuerId"),
    ],
)
def test_what_is_wrong_is_refused(
    compliant_token: Token, officer: User, change: dict[str, Any], status: int, name: str | None
):
    body = assert_envelope(send(officer, **{**TOKEN, **change}), status)
    assert list(body["details"]) == ([name] if name else [])


def test_an_ambiguous_asset_is_asked_for_by_network(compliant_token: Token, owner: User):
    TokenFactory.create(network="aramidmain-v1.0", asset_id=ASSET)
    body = assert_envelope(send(owner, assetId=ASSET), 409)
    assert body["errorCode"] == "AMBIGUOUS_ASSET"
    assert evaluation(owner, **TOKEN)["status"] == "Compliant"
