"""What the status learns of whitelists and packages, whatever their size and without any worker."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Token, User
from compliance import tasks
from compliance.services.packages import package_generate
from compliance.services.status import status_payload, status_recalculate
from compliance.snapshots import token_snapshot
from jurisdictions.models import RulePack
from jurisdictions.services.drafts import pack_draft_from
from jurisdictions.services.lifecycle import pack_submit
from jurisdictions.services.requirements import requirement_create
from tests.compliance.conftest import ASSET
from tests.factories import VOI, wallet
from tests.jurisdictions.rules import RULE, activate
from whitelist.models import WhitelistEntry
from whitelist.services.bulk import whitelist_bulk_write
from whitelist.services.entries import whitelist_entry_remove, whitelist_entry_upsert

Read = Callable[[User], dict[str, Any]]


@pytest.fixture(autouse=True)
def _no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a read shows comes from the read alone."""
    monkeypatch.setattr(tasks.recalculate_token_status, "apply_async", lambda *a, **k: None)


def reasons(status: dict[str, Any]) -> list[str]:
    return [one["key"] for one in status["rationale"]]


def test_an_entry_that_expires_is_noticed_at_its_moment(
    compliant_token: Token, owner: User, officer: User, status_of: Read
) -> None:
    ends = timezone.now() + timedelta(days=3)
    whitelist_entry_upsert(
        actor=officer, token=compliant_token, address=wallet(900), expiration_date=ends
    )
    status = status_of(owner)
    assert (status["status"], status["nextEvaluationAt"] is not None) == ("Compliant", True)
    with time_machine.travel(ends - timedelta(seconds=1), tick=False):
        assert status_of(owner)["status"] == "Compliant"
    with time_machine.travel(ends, tick=False):
        assert "base.whitelist_entries_valid" in reasons(status_of(owner))


def test_every_way_of_writing_a_whitelist_is_noticed(
    compliant_token: Token, owner: User, officer: User, status_of: Read
) -> None:
    assert status_of(owner)["status"] == "Compliant"
    whitelist_entry_upsert(actor=officer, token=compliant_token, address=wallet(7))
    assert "base.whitelist_entries_valid" in reasons(status_of(owner))
    whitelist_entry_remove(actor=officer, asset_id=ASSET, network=VOI, address=wallet(7))
    assert status_of(owner)["status"] == "Compliant"
    whitelist_bulk_write(
        actor=officer, asset_id=ASSET, network=VOI, addresses=[wallet(8), wallet(9)], content={}
    )
    assert "base.whitelist_entries_valid" in reasons(status_of(owner))


def test_a_population_of_any_size_costs_the_same_queries(compliant_token: Token) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as sent:
            token_snapshot(compliant_token, timezone.now())
        return len(sent)

    queries()
    few = queries()
    WhitelistEntry.objects.bulk_create(
        WhitelistEntry(token=compliant_token, address=f"{number:058d}", kyc_verified=True)
        for number in range(3_000)
    )
    assert queries() == few
    status = status_payload(status_recalculate(token_id=compliant_token.pk))
    assert status["status"] == "Compliant"


def test_a_package_is_evidence_that_a_rule_may_ask_for(
    compliant_token: Token, owner: User, officer: User, administrator: User, status_of: Read
) -> None:
    pack = pack_draft_from(actor=officer, pack=RulePack.objects.get(status="Active"))
    rule = {
        **RULE,
        "key": "base.package",
        "check_kind": "audit_event_present",
        "params": {"eventType": "AttestationPackageGenerated"},
    }
    requirement_create(actor=officer, pack=pack, **rule)
    pack_submit(actor=officer, pack=pack)
    activate(actor=administrator, pack=pack)
    assert "base.package" in reasons(status_of(owner))
    package_generate(actor=owner, asset_id=ASSET, network=VOI)
    assert status_of(owner)["status"] == "Compliant"
