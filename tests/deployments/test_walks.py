"""Random walks: whatever is asked of deployments and whatever the chain does, the history holds."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from audit.models import AuditEvent
from config.api.errors import Conflict
from deployments.chains.port import ChainFault
from deployments.models import Deployment, DeploymentTransaction
from deployments.services import deployment_cancel, deployment_retry
from deployments.services.work import deployment_advance
from deployments.state_machine import TRANSITIONS
from deployments.vocabulary import Status
from tests.deployments.ledger import Ledger
from tests.deployments.requests import ask, use_ledger
from tests.factories import IssuerFactory, member_of

FAULTS = (
    "connection refused",
    "too many requests",
    "insufficient funds for gas * price + value",
    "max fee per gas less than block base fee",
    "execution reverted: no",
    "nonce too low",
    "the moon is made of cheese",
)


@pytest.mark.slow
@pytest.mark.django_db
def test_any_walk_keeps_the_history_consistent(monkeypatch: pytest.MonkeyPatch) -> None:
    class Walk(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.savepoint = transaction.savepoint()
            self.ledger = use_ledger(monkeypatch, Ledger())
            self.owner = member_of(IssuerFactory.create(), "Owner")
            self.deployment = ask(self.owner)
            self.fault = ""

        def teardown(self) -> None:
            if hasattr(self, "savepoint"):
                transaction.savepoint_rollback(self.savepoint)

        def row(self) -> Deployment:
            return Deployment.objects.get(pk=self.deployment.pk)

        @rule(times=st.integers(1, 3))
        def work(self, times: int) -> None:
            for _ in range(times):
                Deployment.objects.filter(pk=self.deployment.pk, next_step_at__isnull=False).update(
                    next_step_at=timezone.now() - timedelta(seconds=1)
                )
                deployment_advance(deployment_id=self.deployment.pk)

        @rule(fault=st.sampled_from(FAULTS), where=st.sampled_from(("prepare", "submit", "lookup")))
        def break_down(self, fault: str, where: str) -> None:
            def refuse(name: str) -> None:
                if name == where:
                    raise ChainFault(fault)

            self.ledger.before = refuse

        @rule(after=st.booleans())
        def mend(self, after: bool) -> None:
            self.ledger.before = lambda name: None

        @rule()
        def mine(self) -> None:
            self.ledger.mine()

        @rule()
        def finalize(self) -> None:
            self.ledger.finalize()

        @rule()
        def drop(self) -> None:
            self.ledger.drop()

        @rule()
        def reorganize(self) -> None:
            self.ledger.reorganize()

        @rule()
        def revert(self) -> None:
            name = self.row().transaction_id or ""
            if self.ledger.blocks.get(name, 0) > self.ledger.final:
                self.ledger.reverted.add(name)

        @rule()
        def cancel(self) -> None:
            try:
                deployment_cancel(
                    actor=self.owner, deployment_id=self.deployment.pk, reason="a walk"
                )
            except Conflict:
                assert self.row().status != Status.CANCELLED

        @rule()
        def retry(self) -> None:
            try:
                deployment_retry(actor=self.owner, deployment_id=self.deployment.pk)
            except Conflict:
                assert self.row().status not in (Status.FAILED, Status.QUEUED)

        @invariant()
        @precondition(lambda self: hasattr(self, "deployment"))
        def the_history_ends_in_the_status(self) -> None:
            row = self.row()
            steps = list(row.transitions.order_by("pk"))
            assert steps[0].from_status is None
            assert steps[-1].to_status == row.status
            for before, after in pairwise(steps):
                pair: Any = (Status(before.to_status), Status(after.to_status))
                assert after.from_status == before.to_status
                assert after.reason_code == TRANSITIONS[pair]
            changes = AuditEvent.objects.filter(
                reference_id=str(row.pk), name__startswith="deployments.deployment."
            ).exclude(name="deployments.deployment.reorganized")
            assert changes.count() == len(steps)

        @invariant()
        @precondition(lambda self: hasattr(self, "deployment"))
        def at_most_one_lands(self) -> None:
            assert len(self.ledger.landed) <= 1
            row = self.row()
            if row.status == Status.COMPLETED:
                assert row.transaction_id in self.ledger.landed
                assert row.token is not None
            if row.status == Status.CANCELLED:
                assert not DeploymentTransaction.objects.filter(
                    deployment=row, dead_at__isnull=True
                ).exists()
            assert (row.next_step_at is None) == (
                row.status in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
            )
            assert row.lease is None

    run_state_machine_as_test(
        Walk, settings=settings(max_examples=60, stateful_step_count=25, deadline=None)
    )
