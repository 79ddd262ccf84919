"""How every task and every command of ours finds something to do, and does it.

An act prepares what it needs and returns the work; only that is watched.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from accounts import anchors
from accounts.idempotency import idempotency_claim
from accounts.models import IdempotencyRecord, RoundAnchor, Token, User
from attestations.services import attestation_verify
from audit.models import WebhookDelivery
from audit.principal import SYSTEM
from audit.services import record_event
from compliance.models import ReportJob, TokenStatus
from compliance.tasks import (
    continue_dry_run,
    continue_dry_runs,
    continue_report_jobs,
    make_report,
    recalculate_due_statuses,
    recalculate_token_status,
)
from tests.contract.world import World, attest, queued, waiting_export, waiting_run
from tests.deployments.ledger import Ledger
from tests.deployments.requests import use_ledger
from tests.factories import wallet
from whitelist.tasks import continue_imports, import_rows

Work = Callable[[], Any]
Act = Callable[[World, pytest.MonkeyPatch], Work]


def _stale(world: World) -> None:
    """Leave a status that no longer is what the facts say."""
    row = TokenStatus.objects.get(pk=world.token.pk)
    TokenStatus.objects.filter(pk=row.pk).update(
        revision=row.revision + 1, status="Compliant", evaluated_revision=row.revision
    )


def _recalculated(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    _stale(world)
    return lambda: recalculate_token_status(world.token.pk)


def _due(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    _stale(world)
    return lambda: recalculate_due_statuses()


def _dry_run(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    run = waiting_run(world)
    return lambda: continue_dry_run(str(run.pk))


def _dry_runs(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    waiting_run(world)
    return lambda: _later(timedelta(hours=1), continue_dry_runs)


def _report(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    return lambda: make_report(str(world.job.pk))


def _reports(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    ReportJob.objects.update(created_at=timezone.now() - timedelta(hours=1))
    return lambda: _later(timedelta(hours=1), continue_report_jobs)


def _import(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    return lambda: import_rows(str(world.listing.pk))


def _imports(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    return lambda: _later(timedelta(hours=1), continue_imports)


def _waivers(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    from jurisdictions.services.waivers import waiver_approve
    from jurisdictions.tasks import record_expired_waivers

    waiver_approve(actor=world.user("administrator"), waiver_id=world.waiver.pk)
    return lambda: _later(timedelta(days=31), record_expired_waivers)


def _reminders(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    from attestations.tasks import remind_of_expiring_attestations

    end = timezone.now() + timedelta(days=40)
    row = attest(world.user("owner"), wallet_address=wallet(906), expires_at=end)
    attestation_verify(actor=world.user("officer"), attestation_id=row.pk)
    return lambda: _later(timedelta(days=35), remind_of_expiring_attestations)


def _rounds(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    from accounts.tasks import follow_chain_rounds

    class Node:
        def __init__(self, *args: Any) -> None: ...

        def round_bounds(self, network: str) -> tuple[int, int]:
            return 50_000_000, 50_000_001

    monkeypatch.setattr(anchors, "AlgodChain", Node)

    def work() -> None:
        with override_settings(ARC14_ALGOD_URLS={"mainnet-v1.0": "http://127.0.0.1:1"}):
            follow_chain_rounds()
        assert RoundAnchor.objects.filter(network="mainnet-v1.0").exists()

    return work


def _purge(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    from accounts.tasks import purge_idempotency_keys

    owner = world.user("owner")
    idempotency_claim(user_id=owner.pk, route="0" * 64, key="a", fingerprint="0" * 64)

    def work() -> None:
        _later(timedelta(hours=25), purge_idempotency_keys)
        assert not IdempotencyRecord.objects.exists()

    return work


def _verify(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    from audit.tasks import verify_trail

    return lambda: verify_trail()


def _asked_verification(task: str) -> Act:
    def act(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
        from audit import tasks
        from audit.verification_jobs import verification_request

        job = verification_request(actor=world.user("auditor"))  # nothing commits: it waits
        if task == "run_verification":
            return lambda: tasks.run_verification(str(job.pk))
        return lambda: _later(timedelta(hours=1), tasks.continue_verifications)

    return act


def _webhooks(task: str) -> Act:
    def act(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
        from audit import tasks

        # Whose owner is gone is disabled; a delivery alone records nothing.
        User.objects.filter(pk=world.user("owner").pk).update(is_active=False)
        WebhookDelivery.objects.update(redelivery_at=timezone.now())
        if task == "deliver_webhooks":
            return lambda: tasks.deliver_webhooks(str(world.webhook.pk))
        return lambda: tasks.deliver_due_webhooks()

    return act


def _export(task: str) -> Act:
    def act(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
        from audit import tasks

        if task == "expire_exports":
            return lambda: _later(timedelta(days=30), tasks.expire_exports)
        job = waiting_export(world.user("owner"))
        if task == "write_export":
            return lambda: tasks.write_export(str(job.pk))
        return lambda: _later(timedelta(hours=1), tasks.continue_exports)

    return act


def _seal(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    from audit.tasks import seal_events

    record_event("compliance.metadata.listed", actor=SYSTEM)
    return lambda: seal_events()


def _seal_busy(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    from audit import tasks

    monkeypatch.setattr(tasks, "BUSY", 1)
    record_event("compliance.metadata.listed", actor=SYSTEM)
    return lambda: tasks.seal_busy_log()


def _partitions(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    from audit.tasks import prepare_partitions

    return lambda: prepare_partitions()


def _later(ahead: timedelta, task: Callable[[], Any]) -> Any:
    with time_machine.travel(datetime.now(UTC) + ahead):
        return task()


def _deployments(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    from deployments.tasks import advance_deployments

    queued(world.user("owner"))
    use_ledger(monkeypatch, Ledger())
    return lambda: advance_deployments()


def _deployment(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    from deployments.tasks import advance_deployment

    row = queued(world.user("owner"))
    use_ledger(monkeypatch, Ledger())
    return lambda: advance_deployment(str(row.pk))


def _deployments_here(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    queued(world.user("owner"))
    use_ledger(monkeypatch, Ledger())
    return lambda: call_command("advance_deployments")


TASKS: dict[str, Act] = {
    "accounts.tasks.follow_chain_rounds": _rounds,
    "accounts.tasks.purge_idempotency_keys": _purge,
    "attestations.tasks.remind_of_expiring_attestations": _reminders,
    "audit.tasks.continue_exports": _export("continue_exports"),
    "audit.tasks.continue_verifications": _asked_verification("continue_verifications"),
    "audit.tasks.deliver_due_webhooks": _webhooks("deliver_due_webhooks"),
    "audit.tasks.deliver_webhooks": _webhooks("deliver_webhooks"),
    "audit.tasks.expire_exports": _export("expire_exports"),
    "audit.tasks.prepare_partitions": _partitions,
    "audit.tasks.run_verification": _asked_verification("run_verification"),
    "audit.tasks.seal_busy_log": _seal_busy,
    "audit.tasks.seal_events": _seal,
    "audit.tasks.verify_trail": _verify,
    "audit.tasks.write_export": _export("write_export"),
    "compliance.tasks.continue_dry_run": _dry_run,
    "compliance.tasks.continue_dry_runs": _dry_runs,
    "compliance.tasks.continue_report_jobs": _reports,
    "compliance.tasks.make_report": _report,
    "compliance.tasks.recalculate_due_statuses": _due,
    "compliance.tasks.recalculate_token_status": _recalculated,
    "deployments.tasks.advance_deployment": _deployment,
    "deployments.tasks.advance_deployments": _deployments,
    "jurisdictions.tasks.record_expired_waivers": _waivers,
    "whitelist.tasks.continue_imports": _imports,
    "whitelist.tasks.import_rows": _import,
}

# Tasks that record nothing of a success, each with the reason.
UNRECORDED_TASKS = {
    "accounts.tasks.follow_chain_rounds": "operational, every 30 seconds; see UNRECORDED",
    "accounts.tasks.purge_idempotency_keys": "forgets what was answered; see UNRECORDED",
    "audit.tasks.prepare_partitions": "makes room for events to come, and changes no row",
    "audit.tasks.seal_busy_log": "as of `seal_events`",
    "audit.tasks.seal_events": "an event of each seal would be sealed in its turn, for ever",
}


def _command(*words: str, **settings: Any) -> Act:
    def act(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
        def work() -> None:
            with override_settings(**settings):
                call_command(*words)

        return work

    return act


def _quickstart(world: World, monkeypatch: pytest.MonkeyPatch) -> Work:
    Token.objects.filter(pk=world.token.pk).update(asset_id=59_999)  # the demo has that number
    return _command("quickstart", "--no-serve", ENVIRONMENT="development")(world, monkeypatch)


_ADDRESS = ("--address", wallet(907))
COMMANDS: dict[str, Act] = {
    "advance_deployments": _deployments_here,
    "create_user": _command("create_user", *_ADDRESS, "--role", "Auditor", "--issuer", "New GmbH"),
    "load_rules": _command("load_rules", "--activate", "global-baseline"),
    "prepare_partitions": _command("prepare_partitions"),
    "quickstart": _quickstart,
    "set_round_anchor": _command("set_round_anchor", "mainnet-v1.0", "50000000"),
    "sign_arc14": _command("sign_arc14", "--demo-wallet", "1", ENVIRONMENT="development"),
    "verify_audit": _command("verify_audit", "--to", "256"),
}
UNRECORDED_COMMANDS = {
    "prepare_partitions": "makes room for events to come, and changes no row",
    "sign_arc14": "prints a header of a demo wallet; notes an estimate of the round, operational",
    "verify_audit": "reads, and answers by its exit code; the hourly task records what it found",
}
