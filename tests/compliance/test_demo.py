"""The demo: its tokens come out as their evidence deserves, under every pack in force."""

import json

import pytest

from audit.models import AuditEvent
from compliance.demo import COMPLIANT, PACKS_IN_FORCE, SEED_ARAMID, SEED_VOI, demo_load
from compliance.services.status import status_get
from jurisdictions.loading import rules_load
from tests.compliance.conftest import trail_verified

pytestmark = pytest.mark.django_db


def status(asset_id: int) -> dict:
    return json.loads(status_get(asset_id=asset_id, network=None).payload)


@pytest.fixture(autouse=True)
def _demo(db: None) -> None:
    rules_load(activate=PACKS_IN_FORCE)
    demo_load()
    trail_verified()


def test_the_tokens_are_judged_by_all_packs_in_force():
    found = {asset: status(asset) for asset in (SEED_VOI, SEED_ARAMID, COMPLIANT)}
    assert {asset: one["status"] for asset, one in found.items()} == {
        SEED_VOI: "NonCompliant",
        SEED_ARAMID: "NonCompliant",
        COMPLIANT: "Compliant",
    }
    applied = {one["id"] for one in found[SEED_VOI]["packVersions"]}
    assert applied == {*PACKS_IN_FORCE, "engine"}


def test_the_compliant_token_owes_it_to_evidence_for_every_check():
    found = status(COMPLIANT)
    assert (found["counts"]["Fail"], found["counts"]["Unknown"]) == (0, 0)
    assert [one["status"] for one in found["jurisdictions"]] == ["Compliant", "Compliant"]
    decided = {one["key"] for one in found["rationale"]}
    assert {"fatf.r19.call_for_action", "base.kyc_attestation"} <= decided


def test_running_it_again_adds_nothing():
    before = AuditEvent.objects.exclude(name="accounts.anchor.recorded").count()
    demo_load()
    assert AuditEvent.objects.exclude(name="accounts.anchor.recorded").count() == before
