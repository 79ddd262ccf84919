"""The past: a report of an earlier moment is the one generated then, or it is refused."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Issuer, Token, User
from accounts.services import issuer_update, token_owner_verify, token_reassign, token_update
from attestations.models import Attestation
from attestations.services import (
    attestation_create,
    attestation_fail,
    attestation_revoke,
    attestation_verify,
)
from audit.principal import SYSTEM
from audit.services import record_event
from compliance.changes import Before, before_changes_since
from compliance.models import ComplianceReport
from compliance.services.metadata import metadata_delete, metadata_upsert
from config.api.errors import Conflict, NotFound
from config.api.formats import utc_text
from deployments.services import deployment_import
from jurisdictions.models import FactDefinition, Jurisdiction, RulePack, ScreeningList, Waiver
from jurisdictions.services.catalogue import fact_add, fact_update
from jurisdictions.services.directory import jurisdiction_update
from jurisdictions.services.facts import facts_record, issuer_facts_record
from jurisdictions.services.lifecycle import pack_retire
from jurisdictions.services.screening import screening_list_create, screening_list_update
from jurisdictions.services.tags import (
    issuer_tag_assign,
    issuer_tag_remove,
    tag_assign,
    tag_remove,
)
from jurisdictions.services.waivers import waiver_approve, waiver_request, waiver_revoke
from tests.compliance.conftest import ASSET, TRANSACTION, attest, trail_verified
from tests.compliance.reports import URL, generate
from tests.factories import (
    CID,
    VOI,
    IssuerFactory,
    client_for,
    event_bodies,
    user_with_role,
    wallet,
)
from tests.jurisdictions import rules
from whitelist.services.entries import whitelist_entry_remove, whitelist_entry_upsert
from whitelist.services.policies import whitelist_policy_set

pytestmark = pytest.mark.django_db
EVALUATE = "/api/v1/compliance/jurisdiction-rules/evaluate"
KINDS = ("Full", "AuditTrail", "ComplianceBadge")
TOKEN: dict[str, Any] = {"asset_id": ASSET, "network": VOI}


class World:
    """A token with a little of everything, and who may change it."""

    def __init__(self, token: Token, owner: User, officer: User, folder: Path) -> None:
        self.token, self.owner, self.officer, self.folder = token, owner, officer, folder
        self.administrator = user_with_role("Administrator")
        self.second = user_with_role("ComplianceOfficer")
        self.fact("first")
        self.pending = attestation_create(actor=owner, **self.content("KYB"))
        self.waiver = self.waive("base.whitelist_enforced")
        self.requested = waiver_request(actor=officer, **self.request("base.kyc_status"))
        tag_assign(actor=owner, **TOKEN, jurisdiction="DE", roles=["offered_in"])
        issuer_tag_assign(actor=owner, issuer_id=self.issuer.pk, jurisdiction="FR")

    @property
    def issuer(self) -> Issuer:
        assert self.token.issuer is not None
        return self.token.issuer

    @property
    def baseline(self) -> RulePack:
        return RulePack.objects.get(pack_id=rules.BASELINE, status="Active")

    def fact(self, value: str | None, path: str = "token.isin") -> None:
        facts_record(actor=self.owner, **TOKEN, facts={path: value})

    def issuer_fact(self, value: str | None) -> None:
        facts = {"issuer.website": value}
        issuer_facts_record(actor=self.owner, issuer_id=self.issuer.pk, facts=facts)

    def content(self, kind: str) -> dict[str, Any]:
        return {
            "wallet_address": wallet(901),
            "asset_id": ASSET,
            "network": VOI,
            "issuer_address": "the provider",
            "proof_hash": CID,
            "proof_type": "IPFS",
            "attestation_type": kind,
        }

    def request(self, key: str) -> dict[str, Any]:
        until = timezone.now() + timedelta(days=90)
        return {**TOKEN, "requirement_key": key, "reason": "an opinion", "expires_at": until}

    def waive(self, key: str) -> Waiver:
        waiver = waiver_request(actor=self.officer, **self.request(key))
        return waiver_approve(actor=self.second, waiver_id=waiver.pk)

    def load(self, name: str, version: str) -> None:
        document = rules.document(name, version=version)
        folder = rules.fixtures_with(self.folder, one=document)
        rules.load(document["packId"], fixtures=folder)

    def entry(self, number: int, **content: Any) -> None:
        whitelist_entry_upsert(
            actor=self.owner, token=self.token, address=wallet(number), **content
        )

    def entry_event(self, name: str, details: dict[str, Any]) -> None:
        content = {**self.token.event_fields, "affected_address": wallet(900)}
        record_event(name, actor=self.owner, **content, old_status="Active", details=details)

    def removed(self, number: int) -> None:
        whitelist_entry_remove(actor=self.owner, **TOKEN, address=wallet(number))

    def list_update(self, **content: Any) -> None:
        row = ScreeningList.objects.get(list_id="fatf.increased_monitoring")
        screening_list_update(actor=self.administrator, screening_list=row, **content)


@pytest.fixture
def world(compliant_token: Token, owner: User, officer: User, tmp_path: Path) -> World:
    return World(compliant_token, owner, officer, tmp_path)


def codes(*found: str) -> list[Any]:
    return [{"code": code} for code in found]


def hours(count: int) -> Any:
    return time_machine.travel(timezone.now() + timedelta(hours=count))


def reports(world: World) -> dict[str, dict[str, Any]]:
    return {kind: generate(world.owner, reportType=kind) for kind in KINDS}


def fingerprint(report: dict[str, Any]) -> str:
    """The digest of what the report says but for its moment."""
    return ComplianceReport.objects.get(pk=report["reportId"]).fingerprint


def refusal(world: World, as_of: str) -> dict[str, Any]:
    response = client_for(world.owner).post(URL, {"assetId": ASSET, "asOf": as_of}, format="json")
    assert response.status_code == 422, response.content
    answer: dict[str, Any] = response.json()
    return answer


KEPT: dict[str, Callable[[World], Any]] = {
    "a fact": lambda w: w.fact("other"),
    "a fact of a new path": lambda w: w.fact("2026-01-01", "token.lastMaterialChangeAt"),
    "a fact withdrawn": lambda w: w.fact(None),
    "a fact of the issuer": lambda w: w.issuer_fact("https://a.test"),
    "an attestation": lambda w: attest(w.owner, w.officer, "SANCTIONS"),
    "an attestation of the issuer": lambda w: attestation_create(
        actor=w.owner,
        subject_type="Issuer",
        issuer_id=w.issuer.pk,
        issuer_address="the provider",
        proof_hash=CID,
    ),
    "verified": lambda w: attestation_verify(actor=w.officer, attestation_id=w.pending.pk),
    "failed": lambda w: attestation_fail(
        actor=w.officer, attestation_id=w.pending.pk, reason="forged"
    ),
    "revoked while pending": lambda w: attestation_revoke(
        actor=w.officer, attestation_id=w.pending.pk, reason="forged"
    ),
    "revoked": lambda w: attestation_revoke(
        actor=w.officer,
        attestation_id=Attestation.objects.get(attestation_type="KYC").pk,
        reason="forged",
    ),
    "a waiver": lambda w: w.waive("base.kyc_attestation"),
    "a waiver approved": lambda w: waiver_approve(actor=w.second, waiver_id=w.requested.pk),
    "a waiver revoked": lambda w: waiver_revoke(
        actor=w.officer, waiver_id=w.waiver.pk, reason="over"
    ),
    "a pack activated": lambda w: w.load("FATF", "2026.12.1"),
    "a pack superseded": lambda w: w.load("GLOBAL-BASELINE", "2026.12.1"),
    "a pack retired": lambda w: pack_retire(actor=w.administrator, pack=w.baseline, reason="wrong"),
    "a pack superseded and retired": lambda w: [
        w.load("GLOBAL-BASELINE", "2026.12.1"),
        pack_retire(actor=w.administrator, pack=w.baseline, reason="wrong"),
    ],
    "the verdict of the trail": lambda w: [
        trail_verified(intact=False),
        record_event("audit.trail.verdict_changed", actor=SYSTEM, success=False),
    ],
    "the owner verified": lambda w: token_owner_verify(actor=w.officer, token=w.token),
    "the whitelist's policy": lambda w: whitelist_policy_set(
        actor=w.owner, token=w.token, enforcement="Off"
    ),
    "an entry": lambda w: [w.entry(901), w.entry(901, kyc_verified=True)],
    "an entry's status": lambda w: w.entry(900, status="Revoked", reason="left"),
    "an entry revoked and back": lambda w: [
        w.entry(900, status="Revoked"),
        w.entry(900, status="Active"),
        w.entry(900, status="Revoked"),
    ],
    "an entry's evidence": lambda w: [
        w.entry(900, kyc_verified=False, jurisdiction_code="DE"),
        w.entry(900, kyc_verified=True, kyc_verification_date=timezone.now()),
        w.entry(900, expiration_date=timezone.now(), jurisdiction_code="FR"),
    ],
    "an entry removed": lambda w: w.removed(900),
    "an entry replaced by another": lambda w: [
        w.entry(900, kyc_verified=False),
        w.removed(900),
        w.entry(900, status="Inactive"),
        w.entry(900, status="Revoked"),
        w.removed(900),
    ],
    "a tag": lambda w: tag_assign(actor=w.owner, **TOKEN, jurisdiction="US"),
    "a tag come and changed": lambda w: [
        tag_assign(actor=w.owner, **TOKEN, jurisdiction="US"),
        tag_assign(actor=w.owner, **TOKEN, jurisdiction="US", classification="FUND_UNIT"),
    ],
    "a tag changed twice": lambda w: [
        tag_assign(actor=w.owner, **TOKEN, jurisdiction="DE", roles=[], classification="FUND_UNIT"),
        tag_assign(actor=w.owner, **TOKEN, jurisdiction="DE", classification="EMT"),
    ],
    "an issuer's tag": lambda w: issuer_tag_assign(
        actor=w.owner, issuer_id=w.issuer.pk, jurisdiction="US"
    ),
    "an issuer's tag changed": lambda w: issuer_tag_assign(
        actor=w.owner, issuer_id=w.issuer.pk, jurisdiction="FR", classification="FUND_UNIT"
    ),
    "a list's entries": lambda w: w.list_update(entries=codes("DE", "FR")),
    "a list's day": lambda w: [
        w.list_update(as_of=date(2026, 11, 1), max_age_days=5),
        w.list_update(as_of=date(2026, 11, 2), entries=codes("DE")),
        w.list_update(max_age_days=None, entries=codes()),
    ],
    "a list": lambda w: [
        screening_list_create(
            actor=w.administrator,
            list_id="eu.list",
            title="New",
            as_of=date(2026, 11, 1),
            entries=codes("DE"),
        ),
        screening_list_update(
            actor=w.administrator,
            screening_list=ScreeningList.objects.get(list_id="eu.list"),
            title="Newer",
        ),
    ],
    "a fact of the catalogue": lambda w: [
        fact_add(
            actor=w.administrator, path="token.colour", type="string", assume_when_missing="red"
        ),
        fact_update(
            actor=w.administrator,
            definition=FactDefinition.objects.get(path="token.colour"),
            assume_when_missing="blue",
        ),
        w.fact("green", "token.colour"),
    ],
    "a status of the metadata": lambda w: [
        metadata_upsert(actor=w.owner, **TOKEN, changes={"verification_status": "Failed"}),
        metadata_upsert(actor=w.owner, **TOKEN, changes={"compliance_status": "Suspended"}),
        metadata_upsert(actor=w.owner, **TOKEN, changes={"verification_status": "Expired"}),
    ],
}
# What these change, neither the status nor any report says.
UNSEEN: dict[str, Callable[[World], Any]] = {
    "a waiver requested": lambda w: waiver_request(
        actor=w.officer, **w.request("base.kyc_attestation")
    ),
    "a tag come and gone": lambda w: [
        tag_assign(actor=w.owner, **TOKEN, jurisdiction="US"),
        tag_remove(actor=w.owner, **TOKEN, jurisdiction="US"),
    ],
    "a tag's note": lambda w: tag_assign(actor=w.owner, **TOKEN, jurisdiction="DE", note="n"),
    "an entry come and gone": lambda w: [
        w.entry(901),
        w.entry(901, kyc_verified=True),
        w.removed(901),
        w.entry(901),
        w.removed(901),
    ],
    "an entry's reason": lambda w: w.entry(900, reason="asked", kyc_provider="P"),
    "a list's sources": lambda w: w.list_update(sources=["https://a.test"]),
    "where a fact comes from": lambda w: fact_update(
        actor=w.administrator,
        definition=FactDefinition.objects.get(path="token.isin"),
        origin="ISO 6166",
    ),
    "an attestation of another token": lambda w: attestation_create(
        actor=w.owner, **{**w.content("KYC"), "asset_id": ASSET + 1}
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_report_of_the_past_is_the_one_generated_then(world: World, name: str) -> None:
    with hours(1):
        first = reports(world)
    with hours(2):
        KEPT[name](world)
    with hours(3):
        now = generate(world.owner)
        for kind, report in first.items():
            again = generate(world.owner, reportType=kind, asOf=report["asOf"])
            assert again["digest"] == report["digest"], kind
    assert fingerprint(now) != fingerprint(first["Full"])


@pytest.mark.parametrize("name", UNSEEN)
def test_what_no_report_says_leaves_the_past_as_it_was(world: World, name: str) -> None:
    with hours(1):
        first = generate(world.owner)
    with hours(2):
        UNSEEN[name](world)
    with hours(3):
        again = generate(world.owner, asOf=first["asOf"])
    assert again["digest"] == first["digest"]


@pytest.mark.parametrize(
    "name",
    [
        "a fact",
        "verified",
        "a pack retired",
        "the owner verified",
        "the whitelist's policy",
        "an entry",
        "an entry revoked and back",
        "an entry's evidence",
        "an entry removed",
        "an entry replaced by another",
        "a tag",
        "a tag changed twice",
        "a list's day",
        "a fact of the catalogue",
        "a status of the metadata",
    ],
)
def test_a_change_while_the_past_is_read_does_not_show(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Between the rows and the events: undone on rows that do not show it yet."""
    with hours(1):
        first = generate(world.owner)

    def meanwhile(token: Token, moment: datetime) -> Before:
        KEPT[name](world)
        return before_changes_since(token, moment)

    monkeypatch.setattr("compliance.past.before_changes_since", meanwhile)
    with hours(2):
        assert generate(world.owner, asOf=first["asOf"])["digest"] == first["digest"]


def test_before_a_record_there_was_none(baseline: None, owner: User, officer: User) -> None:
    attestation_create(
        actor=owner,
        subject_type="Token",
        issuer_address="the provider",
        proof_hash=CID,
        **TOKEN,
    )
    issuer_tag_assign(actor=owner, issuer_id=next(iter(owner.issuer_ids)), jurisdiction="DE")
    facts_record(actor=owner, **TOKEN, facts={"token.isin": "A"})  # claims the token
    token = Token.objects.get(asset_id=ASSET)
    with hours(1):
        first = generate(owner)
    with hours(2):
        metadata_upsert(actor=owner, **TOKEN, changes={"jurisdiction": "FR"})
        metadata_upsert(actor=owner, **TOKEN, changes={"jurisdiction": "IT"})
        whitelist_policy_set(actor=owner, token=token, enforcement="Mandatory")
        deployment_import(
            actor=officer,
            token=token,
            transaction_id=TRANSACTION,
            confirmed_round=5,
            deployed_by=wallet(900),
            standard="ASA_FT",
            deployed_at=timezone.now() - timedelta(days=20),
        )
    with hours(3):
        metadata_delete(actor=owner, **TOKEN)
        metadata_upsert(actor=owner, **TOKEN, changes={"jurisdiction": "ES"})
    with hours(4):
        assert generate(owner, asOf=first["asOf"])["digest"] == first["digest"]
        snapshot = first["content"]["inputs"]["snapshot"]
        assert generate(owner)["content"]["inputs"]["snapshot"] != snapshot


class Chance:
    """Any change of facts, attestations and waivers that is possible, chosen at random."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random = world, Random(seed)

    def change(self) -> None:
        changes = [self.fact, self.issuer_fact, self.attest, self.decide, self.waive, self.rule_on]
        self.random.choice([*changes, self.holder, self.holder])()

    def fact(self) -> None:
        self.world.fact(self.random.choice(["a", "b", "c", None]))
        day = self.random.choice(["2026-01-01", "2026-02-01", None])
        self.world.fact(day, "token.lastMaterialChangeAt")

    def issuer_fact(self) -> None:
        self.world.issuer_fact(self.random.choice(["https://a.test", "https://b.test", None]))

    def soon(self) -> datetime:
        return timezone.now() + timedelta(hours=self.random.randint(1, 5), minutes=30)

    def attest(self) -> None:
        kind = self.random.choice(["KYC", "AML", "SANCTIONS"])
        content = {**self.world.content(kind), "expires_at": self.soon()}
        attestation_create(actor=self.world.owner, **content)

    def decide(self) -> None:
        one = self.random.choice(list(Attestation.objects.order_by("pk")))
        ways: list[Callable[..., Any]] = [attestation_verify, attestation_fail, attestation_revoke]
        with suppress(Conflict):
            self.random.choice(ways)(
                actor=self.world.officer, attestation_id=one.pk, reason="because"
            )

    def holder(self) -> None:
        number = self.random.choice([900, 901, 902])
        if self.random.random() < 0.4:
            with suppress(NotFound):
                self.world.removed(number)
            return
        content = {
            "status": self.random.choice(["Active", "Active", "Inactive", "Revoked"]),
            "kyc_verified": self.random.random() < 0.7,
            "kyc_verification_date": self.random.choice([None, timezone.now()]),
            "expiration_date": self.random.choice([None, self.soon()]),
            "jurisdiction_code": self.random.choice([None, "DE", "US-NY"]),
            "kyc_provider": self.random.choice([None, "Sumsub"]),
        }
        some = self.random.sample(sorted(content), self.random.randint(0, 3))
        self.world.entry(number, **{name: content[name] for name in some})

    def waive(self) -> None:
        key = self.random.choice(["base.kyc_attestation", "base.whitelist_enforced"])
        content = {**self.world.request(key), "expires_at": self.soon()}
        waiver_request(actor=self.world.officer, **content)

    def rule_on(self) -> None:
        one = self.random.choice(list(Waiver.objects.order_by("pk")))
        with suppress(Conflict):
            if self.random.random() < 0.6:
                waiver_approve(actor=self.world.second, waiver_id=one.pk)
            else:
                waiver_revoke(actor=self.world.second, waiver_id=one.pk, reason="because")


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happened_every_report_can_be_had_again(world: World, seed: int) -> None:
    chance, start, first = Chance(world, seed), timezone.now(), []
    for step in range(1, 16):
        with time_machine.travel(start + timedelta(hours=step)):
            chance.change()
        with time_machine.travel(start + timedelta(hours=step, minutes=30)):
            first.append(generate(world.owner))
    assert len({fingerprint(one) for one in first}) > 3  # many steps change something
    with time_machine.travel(start + timedelta(hours=20)):
        for one in first:
            assert generate(world.owner, asOf=one["asOf"])["digest"] == one["digest"]


LOST: dict[str, tuple[Callable[[World], Any], str]] = {
    "metadata": (
        lambda w: metadata_upsert(actor=w.owner, **TOKEN, changes={"asset_type": "Barrel"}),
        "compliance.metadata.updated",
    ),
    "metadata deleted": (
        lambda w: [
            metadata_upsert(actor=w.owner, **TOKEN, changes={"verification_status": "Failed"}),
            metadata_delete(actor=w.owner, **TOKEN),
            metadata_upsert(actor=w.owner, **TOKEN, changes={"jurisdiction": "FR"}),
        ],
        "compliance.metadata.deleted",
    ),
    "an entry's evidence, not told": (
        lambda w: w.entry_event("whitelist.entry.updated", {"fields": ["kyc_verified"]}),
        "whitelist.entry.updated",
    ),
    "an entry, nobody says what of it": (
        lambda w: w.entry_event("whitelist.entry.updated", {}),
        "whitelist.entry.updated",
    ),
    "an entry removed, not told": (
        lambda w: w.entry_event("whitelist.entry.removed", {"was": {"kyc_verified": True}}),
        "whitelist.entry.removed",
    ),
    "a tag removed": (
        lambda w: tag_remove(actor=w.owner, **TOKEN, jurisdiction="DE"),
        "jurisdictions.token_tag.removed",
    ),
    "an issuer's tag removed": (
        lambda w: issuer_tag_remove(actor=w.owner, issuer_id=w.issuer.pk, jurisdiction="FR"),
        "jurisdictions.issuer_tag.removed",
    ),
    "the issuer": (
        lambda w: issuer_update(actor=w.officer, issuer=w.issuer, registration_number="B 2"),
        "accounts.issuer.updated",
    ),
    "the token": (
        lambda w: token_update(actor=w.officer, token=w.token, name="Other"),
        "accounts.token.updated",
    ),
    "the token's owner": (
        lambda w: [
            token_reassign(actor=w.officer, token=w.token, issuer=IssuerFactory.create()),
            token_reassign(actor=w.officer, token=w.token, issuer=w.issuer),
        ],
        "accounts.token.reassigned",
    ),
    "a jurisdiction": (
        lambda w: jurisdiction_update(
            actor=w.administrator,
            jurisdiction=Jurisdiction.objects.get(code="DE"),
            aliases=["Teutonia"],
        ),
        "jurisdictions.jurisdiction.updated",
    ),
    "a list's title": (
        lambda w: w.list_update(title="Other"),
        "jurisdictions.list.updated",
    ),
    "a definition": (
        lambda w: fact_update(
            actor=w.administrator,
            definition=FactDefinition.objects.get(path="token.holderCount"),
            assume_when_missing=1,
        ),
        "jurisdictions.fact.updated",
    ),
    "a description": (
        lambda w: fact_update(
            actor=w.administrator,
            definition=FactDefinition.objects.get(path="token.holderCount"),
            description="how many hold it",
        ),
        "jurisdictions.fact.described",
    ),
    "reference data": (
        lambda w: record_event("jurisdictions.directory.loaded", actor=SYSTEM),
        "jurisdictions.directory.loaded",
    ),
    "a pack that the log does not know": (
        lambda w: record_event(
            "jurisdictions.pack.retired",
            actor=SYSTEM,
            reference_type="rule_pack",
            reference_id="4b8f2b3c-0000-4000-8000-000000000000",
            old_status="Active",
            new_status="Retired",
        ),
        "jurisdictions.pack.retired",
    ),
}


@pytest.mark.parametrize("name", LOST)
def test_where_only_the_present_is_kept_it_says_what_changed(world: World, name: str) -> None:
    change, event = LOST[name]
    as_of = utc_text(timezone.now())
    with hours(1):
        change(world)
    moment = utc_text(datetime.fromisoformat(event_bodies(event)[-1]["occurredAt"]))
    with hours(2):
        world.fact("later")  # is kept, and so not what closes the past
        whitelist_policy_set(actor=world.owner, token=world.token, enforcement="Off")
        after = generate(world.owner, asOf=moment)
    with hours(3):
        answer = refusal(world, as_of)
        assert answer["errorCode"] == "BUSINESS_RULE_VIOLATION"
        assert f"{event} at {moment}" in answer["errorMessage"]
        assert f"name a moment from {moment} on" in answer["details"]["asOf"][0]
        assert generate(world.owner, asOf=moment)["digest"] == after["digest"]
        evaluated = client_for(world.owner).post(
            EVALUATE, {"assetId": ASSET, "asOf": as_of}, format="json"
        )
        assert evaluated.status_code == 422
        assert evaluated.json()["errorMessage"] == answer["errorMessage"]


def test_before_it_was_registered_nothing_is_known(baseline: None, owner: User) -> None:
    facts_record(actor=owner, **TOKEN, facts={"token.isin": "A"})
    response = client_for(owner).post(URL, {"assetId": ASSET, "asOf": "2020-01-01"}, format="json")
    assert response.status_code == 422
    assert "accounts.token.claimed" in response.json()["errorMessage"]


def test_what_is_recorded_later_does_not_count_by_its_own_date(world: World) -> None:
    with hours(1):
        first = generate(world.owner)
    with hours(2):
        attestation = attestation_create(actor=world.owner, **world.content("SANCTIONS"))
        # What it speaks of is older than the report.
        world.fact("2020-01-01", "token.lastMaterialChangeAt")
    with hours(3):
        again = generate(world.owner, asOf=first["asOf"])
    assert again["digest"] == first["digest"]
    assert str(attestation.pk) not in str(again["content"])


def evaluate(world: World, as_of: str | None = None) -> dict[str, Any]:
    body = {"assetId": ASSET, "asOf": as_of}
    response = client_for(world.owner).post(EVALUATE, body, format="json")
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()["evaluation"]
    return answer


def verdicts(evaluation: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["key"], one["verdict"]) for one in evaluation["checkResults"]]


@pytest.mark.parametrize("name", ["revoked", "the whitelist's policy", "a pack retired"])
def test_an_evaluation_of_the_past_is_the_one_of_then(world: World, name: str) -> None:
    with hours(1):
        first = evaluate(world)
    with hours(2):
        KEPT[name](world)
    with hours(3):
        assert evaluate(world, first["asOf"]) == first
        assert verdicts(evaluate(world)) != verdicts(first)


def test_a_version_is_tried_on_the_past(world: World) -> None:
    body = {"assetId": ASSET, "packId": "fatf", "version": "2026.11.1"}
    with hours(1):
        first = client_for(world.officer).post(EVALUATE, body, format="json").json()["evaluation"]
    with hours(2):
        pack_retire(actor=world.administrator, pack=world.baseline, reason="wrong")
    with hours(3):
        body["asOf"] = first["asOf"]
        again = client_for(world.officer).post(EVALUATE, body, format="json").json()
    assert again["evaluation"] == first
    assert again["evaluation"]["tried"] == {"id": "fatf", "version": "2026.11.1"}
