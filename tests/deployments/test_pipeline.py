"""The pipeline on a chain in memory: the way to Completed, and all that can go wrong on it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Token, User
from audit.principal import SYSTEM
from compliance.models import ComplianceMetadata
from compliance.services.reports import report_generate
from deployments.chains.port import ChainFault
from deployments.models import Deployment, DeploymentTransaction
from deployments.services import deployment_retry, work
from deployments.services.completion import asset_number
from deployments.services.work import MAX_FAULTS, deployment_advance, deployments_due
from deployments.vocabulary import Status
from jurisdictions.loading import rules_load
from tests.deployments.ledger import SENDER, Ledger
from tests.deployments.requests import METADATA, ask, statuses, step, use_ledger
from tests.factories import TokenFactory, UserFactory, event_bodies
from whitelist.models import WhitelistPolicy

pytestmark = pytest.mark.django_db

WAY = ["Queued", "Submitted", "Pending", "Confirmed", "Indexed", "Completed"]


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    return use_ledger(monkeypatch, Ledger())


def to_the_end(deployment: Deployment, ledger: Ledger) -> Deployment:
    for _ in range(30):
        step(deployment)
        if deployment.next_step_at is None:
            break
        ledger.mine()
        ledger.finalize()
    return deployment


def event_names(deployment: Deployment) -> list[str]:
    own = {"referenceType": "deployment", "referenceId": str(deployment.pk)}
    return [body["name"] for body in event_bodies() if own.items() <= body.items()]


class TestTheWayThrough:
    def test_each_status_comes_when_the_chain_says_so(self, owner: User, ledger: Ledger) -> None:
        deployment = ask(owner)
        assert statuses(deployment) == ["Queued"]
        assert step(deployment).status == Status.PENDING  # the node has it, and no block
        assert deployment.confirmed_round is None
        ledger.mine()
        assert step(deployment).status == Status.CONFIRMED
        assert deployment.confirmed_round == ledger.height
        assert deployment.token is None
        ledger.finalize()
        assert step(deployment).status == Status.COMPLETED
        assert statuses(deployment) == WAY
        assert deployment.next_step_at is None
        assert ledger.submissions == 1

    def test_the_token_is_registered_for_the_issuer(self, owner: User, ledger: Ledger) -> None:
        deployment = to_the_end(ask(owner), ledger)
        token = deployment.token
        assert token is not None
        assert deployment.asset_identifier == ledger.contract(ledger.landed[0])
        assert token.asset_id == asset_number(deployment.asset_identifier)
        assert token.network == "base-sepolia"
        assert token.issuer_id == deployment.issuer_id
        assert token.ownership_verified_at is not None
        assert (token.name, token.unit_name, token.decimals) == ("Harbour Bond", "HBB", 18)
        assert token.total == 1000 * 10**18
        assert token.contract_address == deployment.asset_identifier
        assert token.creator_address == SENDER

    def test_what_was_said_of_its_compliance_is_recorded(self, owner: User, ledger: Ledger) -> None:
        stated = {**METADATA, "requiresWhitelist": True, "maxHolders": 100}
        deployment = to_the_end(ask(owner, compliance_metadata=stated), ledger)
        metadata = ComplianceMetadata.objects.get(token=deployment.token)
        assert metadata.jurisdiction == "DE"
        assert metadata.max_holders == 100
        assert metadata.created_by == owner.label
        assert WhitelistPolicy.objects.get(token=deployment.token).enforcement == "Mandatory"

    def test_every_step_is_an_event(self, owner: User, ledger: Ledger) -> None:
        deployment = to_the_end(ask(owner), ledger)
        assert event_names(deployment) == [
            "deployments.deployment.requested",
            "deployments.transaction.signed",
            "deployments.deployment.submitted",
            "deployments.deployment.pending",
            "deployments.deployment.confirmed",
            "deployments.deployment.indexed",
            "deployments.deployment.completed",
        ]

    def test_the_history_says_everything(self, owner: User, ledger: Ledger) -> None:
        deployment = to_the_end(ask(owner, compliance_metadata=METADATA), ledger)
        rows = list(deployment.transitions.order_by("pk"))
        assert [check["checkName"] for check in rows[0].checks] == [
            "PARAMETERS",
            "NETWORK",
            "COMPLIANCE_METADATA",
        ]
        assert rows[0].actor == owner.label
        assert rows[0].duration_ms is None
        assert {row.actor for row in rows[1:]} == {"system"}
        assert all(row.duration_ms is not None and row.duration_ms >= 0 for row in rows[1:])
        assert all(row.transaction_id == deployment.transaction_id for row in rows[1:])
        assert [row.reason_code for row in rows] == [
            "DEPLOYMENT_REQUESTED",
            "DEPLOYMENT_SUBMITTED",
            "TRANSACTION_BROADCAST",
            "TRANSACTION_CONFIRMED",
            "TRANSACTION_INDEXED",
            "DEPLOYMENT_COMPLETED",
        ]
        assert [check["checkName"] for check in rows[-1].checks] == [
            "READ_BACK_name",
            "READ_BACK_totalSupply",
        ]
        assert all(check["passed"] for check in rows[-1].checks)

    def test_the_bytes_are_kept_before_they_are_sent(self, owner: User, ledger: Ledger) -> None:
        def stop(name: str) -> None:
            if name == "submit":
                kept = DeploymentTransaction.objects.get()
                assert bytes(kept.signed)
                assert kept.nonce == 0
                raise ChainFault("connection refused")

        ledger.before = stop
        deployment = step(ask(owner))
        assert deployment.status == Status.QUEUED
        assert deployment.faults == 1


class TestFaults:
    def test_a_node_that_is_down_is_asked_again_with_growing_pauses(
        self, owner: User, ledger: Ledger
    ) -> None:
        def down(name: str) -> None:
            raise ChainFault("connection refused")

        ledger.before = down
        deployment = ask(owner)
        pauses = []
        for _ in range(4):
            step(deployment)
            assert deployment.next_step_at is not None
            pauses.append((deployment.next_step_at - timezone.now()).total_seconds())
        assert [round(pause, -1) for pause in pauses] == [30, 60, 120, 240]
        assert deployment.status == Status.QUEUED
        ledger.before = lambda name: None
        assert to_the_end(deployment, ledger).status == Status.COMPLETED

    def test_a_node_that_stays_down_fails_the_deployment(self, owner: User, ledger: Ledger) -> None:
        def down(name: str) -> None:
            raise ChainFault("connection refused by 10.0.0.7")

        ledger.before = down
        deployment = ask(owner)
        for _ in range(MAX_FAULTS):
            step(deployment)
        assert deployment.status == Status.FAILED
        assert deployment.error["category"] == "NetworkError"
        assert deployment.error["technicalMessage"] == "connection refused by 10.0.0.7"
        last = event_bodies()[-1]
        assert last["errorMessage"] == "The network could not be reached."
        assert "10.0.0.7" not in str(last)

    def test_a_node_says_how_long_to_wait(self, owner: User, ledger: Ledger) -> None:
        def busy(name: str) -> None:
            raise ChainFault("", http_status=429, retry_after=17)

        ledger.before = busy
        deployment = step(ask(owner))
        assert deployment.next_step_at is not None
        pause = (deployment.next_step_at - timezone.now()).total_seconds()
        assert 15 < pause <= 17

    def test_insufficient_funds_fail_it_and_a_retry_sends_the_same_bytes(
        self, owner: User, ledger: Ledger
    ) -> None:
        def poor(name: str) -> None:
            if name == "submit":
                raise ChainFault("insufficient funds for gas * price + value")

        ledger.before = poor
        deployment = step(ask(owner))
        assert deployment.status == Status.FAILED
        assert deployment.error["category"] == "InsufficientFunds"
        ledger.before = lambda name: None
        deployment_retry(actor=owner, deployment_id=deployment.pk)
        deployment.refresh_from_db()
        assert deployment.error is None
        assert to_the_end(deployment, ledger).status == Status.COMPLETED
        assert DeploymentTransaction.objects.count() == 1
        assert statuses(deployment) == ["Queued", "Failed", *WAY]

    def test_a_lost_response_makes_one_deployment(self, owner: User, ledger: Ledger) -> None:
        lost = iter(["submit"])

        def drop(name: str) -> None:
            if name == "submit" and next(lost, None):
                raise ChainFault("Remote end closed connection without response")

        ledger.after = drop
        deployment = step(ask(owner))
        assert deployment.status == Status.QUEUED
        assert to_the_end(deployment, ledger).status == Status.COMPLETED
        assert len(ledger.landed) == 1
        assert statuses(deployment) == WAY

    def test_a_refusal_after_a_lost_response_is_not_believed(
        self, owner: User, ledger: Ledger
    ) -> None:
        answers = iter(["lost"])

        def confuse(name: str) -> None:
            if name == "submit" and next(answers, None):
                raise ChainFault("insufficient funds for gas * price + value")

        ledger.after = confuse
        deployment = to_the_end(ask(owner), ledger)
        assert deployment.status == Status.COMPLETED
        assert len(ledger.landed) == 1

    def test_a_dropped_transaction_is_sent_again(self, owner: User, ledger: Ledger) -> None:
        deployment = step(ask(owner))
        ledger.drop()
        step(deployment)
        assert deployment.status == Status.PENDING
        assert ledger.submissions == 2
        assert to_the_end(deployment, ledger).status == Status.COMPLETED
        assert DeploymentTransaction.objects.count() == 1

    def test_a_reorganization_is_noted_and_the_bytes_are_sent_again(
        self, owner: User, ledger: Ledger
    ) -> None:
        deployment = step(ask(owner))
        ledger.mine()
        assert step(deployment).status == Status.CONFIRMED
        ledger.reorganize()
        assert step(deployment).status == Status.CONFIRMED
        assert deployment.confirmed_round is None
        step(deployment)
        ledger.mine()
        ledger.finalize()
        assert step(deployment).status == Status.COMPLETED
        assert deployment.confirmed_round == ledger.height
        assert event_names(deployment).count("deployments.deployment.reorganized") == 1
        assert statuses(deployment) == WAY

    def test_a_reverted_transaction_fails_it_and_a_retry_signs_a_new_one(
        self, owner: User, ledger: Ledger
    ) -> None:
        deployment = step(ask(owner))
        ledger.mine()
        first = deployment.transaction_id
        assert first is not None
        ledger.reverted.add(first)
        assert step(deployment).status == Status.FAILED
        assert deployment.error["category"] == "TransactionFailure"
        deployment_retry(actor=owner, deployment_id=deployment.pk)
        assert to_the_end(deployment, ledger).status == Status.COMPLETED
        assert deployment.transaction_id != first
        assert DeploymentTransaction.objects.filter(dead_at__isnull=False).count() == 1

    def test_a_dead_transaction_fails_it_and_a_retry_signs_a_new_one(
        self, owner: User, ledger: Ledger
    ) -> None:
        deployment = step(ask(owner))
        ledger.drop()
        # Somebody used the same key elsewhere, and the same nonce.
        order = next(iter(ledger.orders.values()))
        other = ledger.prepare(replace(order, key=bytes(32)))
        ledger.submit(other)
        ledger.mine()
        assert step(deployment).status == Status.FAILED
        assert deployment.error["category"] == "TransactionFailure"
        deployment_retry(actor=owner, deployment_id=deployment.pk)
        assert to_the_end(deployment, ledger).status == Status.COMPLETED
        assert sorted(DeploymentTransaction.objects.values_list("nonce", flat=True)) == [0, 1]

    def test_a_fee_that_is_too_low_is_replaced_with_the_same_nonce(
        self, owner: User, ledger: Ledger
    ) -> None:
        answers = iter(["low"])

        def low(name: str) -> None:
            if name == "submit" and next(answers, None):
                raise ChainFault("max fee per gas less than block base fee")

        ledger.before = low
        deployment = step(ask(owner))
        assert deployment.status == Status.QUEUED
        assert to_the_end(deployment, ledger).status == Status.COMPLETED
        rows = DeploymentTransaction.objects.order_by("pk")
        assert [row.nonce for row in rows] == [0, 0]
        assert deployment.transaction_id == rows[1].transaction_id
        assert len(ledger.landed) == 1

    def test_another_asset_than_was_asked_for_is_no_success(
        self, owner: User, ledger: Ledger
    ) -> None:
        ledger.differences = {"name": ("Harbour Bond", "Harbor Bond")}
        deployment = to_the_end(ask(owner), ledger)
        assert deployment.status == Status.FAILED
        assert deployment.token is None
        last = deployment.transitions.order_by("-pk")[0]
        assert last.reason_code == "POST_DEPLOYMENT_FAILED"
        failed = [check for check in last.checks if not check["passed"]]
        assert [check["message"] for check in failed] == [
            "asked for Harbour Bond, found Harbor Bond"
        ]
        assert not Token.objects.filter(network="base-sepolia").exists()

    def test_a_record_that_belongs_to_another_issuer_is_left_to_an_officer(
        self, owner: User, ledger: Ledger
    ) -> None:
        deployment = step(ask(owner))
        contract = ledger.contract(deployment.transaction_id or "")
        taken = TokenFactory.create(network="base-sepolia", asset_id=asset_number(contract))
        to_the_end(deployment, ledger)
        assert deployment.status == Status.FAILED
        taken.refresh_from_db()
        assert taken.name != "Harbour Bond"
        taken.issuer = deployment.issuer
        taken.save(update_fields=["issuer"])
        deployment_retry(actor=owner, deployment_id=deployment.pk)
        assert to_the_end(deployment, ledger).status == Status.COMPLETED
        assert len(ledger.landed) == 1

    def test_an_unexpected_error_is_tried_again_and_told_to_nobody(
        self, owner: User, ledger: Ledger
    ) -> None:
        def break_down(name: str) -> None:
            raise RuntimeError("secret of ours")

        ledger.before = break_down
        deployment = step(ask(owner))
        assert deployment.status == Status.QUEUED
        assert deployment.faults == 1
        assert deployment.lease is None


# How often each is reached on the way to Completed where nothing goes wrong.
CALLS = {"prepare": 1, "submit": 1, "lookup": 6, "confirm": 1}
OWN_STEPS = {"_prepare": 1, "_move": 4, "_renew": 5, "_rest": 1, "complete": 1}


class Killed(BaseException):
    """The process ends here."""


def places(reached: dict[str, int]) -> list[tuple[str, str, int]]:
    return [
        (name, side, number)
        for name, times in reached.items()
        for side in ("before", "after")
        for number in range(1, times + 1)
    ]


def brought_to_the_end(deployment: Deployment, ledger: Ledger) -> int:
    """Bring it to its end, a worker killed or not; return how many were killed."""
    killed = 0
    for _ in range(12):
        try:
            step(deployment)
        except Killed:
            killed += 1
            deployment.refresh_from_db()
        if deployment.next_step_at is None:
            break
        ledger.mine()
        ledger.finalize()
    assert deployment.status == Status.COMPLETED
    assert len(ledger.landed) == 1
    assert statuses(deployment) == WAY
    assert Token.objects.filter(network="base-sepolia").count() == 1
    return killed


@pytest.mark.parametrize(("call", "side", "number"), places(CALLS))
def test_a_worker_killed_at_any_call_makes_one_deployment(
    owner: User, ledger: Ledger, call: str, side: str, number: int
) -> None:
    count = [0]

    def kill(name: str) -> None:
        count[0] += name == call
        if name == call and count[0] == number:
            raise Killed

    setattr(ledger, side, kill)
    assert brought_to_the_end(ask(owner), ledger) == 1


@pytest.mark.parametrize(("name", "side", "number"), places(OWN_STEPS))
def test_a_worker_killed_between_any_two_steps_of_ours_makes_one_deployment(
    owner: User,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    side: str,
    number: int,
) -> None:
    real, count = getattr(work, name), [0]

    def killed(*args: Any, **kwargs: Any) -> Any:
        count[0] += 1
        if count[0] == number and side == "before":
            raise Killed
        found = real(*args, **kwargs)
        if count[0] == number and side == "after":
            raise Killed
        return found

    monkeypatch.setattr(work, name, killed)
    assert brought_to_the_end(ask(owner), ledger) == 1
    assert DeploymentTransaction.objects.count() == 1


def test_a_report_on_the_issuance_is_made_of_a_completed_one(owner: User, ledger: Ledger) -> None:
    rules_load(actor=SYSTEM, activate=("global-baseline",))
    deployment = to_the_end(ask(owner, compliance_metadata=METADATA), ledger)
    report = report_generate(actor=owner, deployment_id=deployment.pk)
    content = json.loads(report.content)
    assert str(deployment.pk) in report.content
    assert deployment.transaction_id in report.content
    assert content["subject"]["deploymentId"] == str(deployment.pk)


class TestWhoWorks:
    def test_what_is_not_due_is_left_alone(self, owner: User, ledger: Ledger) -> None:
        deployment = step(ask(owner))
        assert deployments_due() == []
        assert deployment_advance(deployment_id=deployment.pk) is False

    def test_what_somebody_holds_is_left_alone(self, owner: User, ledger: Ledger) -> None:
        deployment = ask(owner)
        held = timezone.now() + timedelta(seconds=60)
        Deployment.objects.filter(pk=deployment.pk).update(lease_until=held)
        assert deployment_advance(deployment_id=deployment.pk) is False
        assert deployments_due() == []

    def test_a_lease_that_ran_out_is_taken_over(self, owner: User, ledger: Ledger) -> None:
        deployment = ask(owner)
        Deployment.objects.filter(pk=deployment.pk).update(lease_until=timezone.now())
        assert deployments_due() == [deployment.pk]
        assert step(deployment).status == Status.PENDING

    def test_who_lost_the_lease_writes_nothing(self, owner: User, ledger: Ledger) -> None:
        deployment = ask(owner)

        def lose(name: str) -> None:
            Deployment.objects.filter(pk=deployment.pk).update(lease=deployment.pk)

        ledger.before = lose
        step(deployment)
        assert statuses(deployment) == ["Queued"]
        assert not DeploymentTransaction.objects.exists()

    def test_several_queued_ones_have_nonces_of_their_own(
        self, owner: User, ledger: Ledger
    ) -> None:
        def refuse(name: str) -> None:
            if name == "submit":
                raise ChainFault("connection refused")

        ledger.before = refuse
        for _ in range(3):
            step(ask(owner))
        nonces = DeploymentTransaction.objects.order_by("nonce").values_list("nonce", flat=True)
        assert list(nonces) == [0, 1, 2]

    def test_the_nonce_of_one_that_failed_blocks_nobody(self, owner: User, ledger: Ledger) -> None:
        def poor(name: str) -> None:
            if name == "submit":
                raise ChainFault("insufficient funds for gas * price + value")

        ledger.before = poor
        first = step(ask(owner))
        assert first.status == Status.FAILED
        ledger.before = lambda name: None
        second = to_the_end(ask(owner), ledger)
        assert second.status == Status.COMPLETED
        deployment_retry(actor=owner, deployment_id=first.pk)
        assert to_the_end(first, ledger).status == Status.COMPLETED
        assert len(ledger.landed) == 2
        landed = DeploymentTransaction.objects.filter(transaction_id__in=ledger.landed)
        assert sorted(landed.values_list("nonce", flat=True)) == [0, 1]

    def test_one_that_failed_waits_for_who_took_its_nonce(
        self, owner: User, ledger: Ledger
    ) -> None:
        def poor(name: str) -> None:
            if name == "submit":
                raise ChainFault("insufficient funds for gas * price + value")

        ledger.before = poor
        first = step(ask(owner))
        ledger.before = lambda name: None
        second = step(ask(owner))
        assert second.status == Status.PENDING
        deployment_retry(actor=owner, deployment_id=first.pk)
        assert step(first).status == Status.QUEUED
        assert first.next_step_at is not None
        assert first.next_step_at > timezone.now()
        ledger.mine()
        ledger.finalize()
        assert step(second).status == Status.COMPLETED
        assert to_the_end(first, ledger).status == Status.COMPLETED
        assert len(ledger.landed) == 2

    def test_what_is_in_the_pool_keeps_its_nonce(self, owner: User, ledger: Ledger) -> None:
        first = step(ask(owner))
        down = iter(range(MAX_FAULTS))

        def refuse(name: str) -> None:
            if next(down, None) is not None:
                raise ChainFault("connection refused")

        ledger.before = refuse
        for _ in range(MAX_FAULTS):
            step(first)
        assert first.status == Status.FAILED
        second = step(ask(owner))
        nonces = DeploymentTransaction.objects.order_by("pk").values_list("nonce", flat=True)
        assert list(nonces) == [0, 1]
        ledger.mine()
        ledger.finalize()
        assert step(second).status == Status.COMPLETED
        deployment_retry(actor=owner, deployment_id=first.pk)
        assert to_the_end(first, ledger).status == Status.COMPLETED
        assert len(ledger.landed) == 2

    def test_a_network_that_is_not_set_up_any_more_fails_it(
        self, owner: User, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        deployment = ask(owner)
        monkeypatch.undo()
        settings.DEPLOYMENT_NODES = {}
        step(deployment)
        assert deployment.status == Status.FAILED
        assert deployment.error["category"] == "ConfigurationError"


def test_nobody_without_an_issuer_gets_two(ledger: Ledger) -> None:
    user = UserFactory.create()
    first, second = ask(user), ask(user)
    assert first.issuer_id == second.issuer_id is not None
