"""The pipeline with the Algorand adapter, as the settings build it, against a node that checks."""

import base64
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from deployments.chains.registry import NotConfigured, chain_for
from deployments.models import Deployment, DeploymentTransaction
from deployments.services import deployment_retry
from deployments.vocabulary import Standard, Status
from tests.deployments.algorand_orders import KEY, NETWORK, RICH, SENDER, known
from tests.deployments.fake_algorand import TOKEN, FakeAlgorand
from tests.deployments.requests import ask, statuses, step

pytestmark = pytest.mark.django_db

PARAMETERS = {"name": "Harbour Bond", "unitName": "HBB", "totalSupply": 5_000_000}
WAY = ["Queued", "Submitted", "Pending", "Confirmed", "Indexed", "Completed"]


@pytest.fixture(autouse=True)
def nodes(algorand: FakeAlgorand, settings: Any, tmp_path: Path) -> dict[str, str]:
    """Set the network up as an operator does."""
    path = tmp_path / "issuer.key"
    path.write_text(base64.b64encode(KEY).decode())
    node = {
        "algod": algorand.algod.url,
        "algodToken": TOKEN,
        "indexer": algorand.indexer.url,
        "indexerToken": TOKEN,
    }
    settings.DEPLOYMENT_NODES = {NETWORK: node}
    settings.DEPLOYMENT_KEY_FILES = {"avm": str(path)}
    return node


def wanted(owner: User, standard: Standard = Standard.ASA_FT, **parameters: Any) -> Deployment:
    given = {**PARAMETERS, **parameters}
    if standard is Standard.ASA_NFT:
        del given["totalSupply"]
    return ask(owner, network=NETWORK, standard=standard, parameters=given)


def to_the_end(deployment: Deployment) -> Deployment:
    for _ in range(15):
        step(deployment)
        if deployment.next_step_at is None:
            break
    return deployment


def test_each_status_comes_when_the_chain_says_so(owner: User, algorand: FakeAlgorand) -> None:
    algorand.ledger.hold, algorand.indexer_lag = True, 1
    deployment = step(wanted(owner, managerAddress=SENDER))
    assert deployment.status == Status.PENDING
    algorand.ledger.make_block()
    assert step(deployment).status == Status.CONFIRMED
    assert deployment.confirmed_round == algorand.ledger.round
    algorand.ledger.make_block()
    assert step(deployment).status == Status.COMPLETED
    assert statuses(deployment) == WAY
    assert deployment.token is not None
    assert deployment.token.asset_id == algorand.ledger.counter
    assert deployment.token.total == 5_000_000
    assert deployment.token.creator_address == SENDER
    checks = deployment.transitions.order_by("-pk")[0].checks
    assert {check["passed"] for check in checks} == {True}
    assert {"READ_BACK_creator", "READ_BACK_managerAddress"} <= {
        check["checkName"] for check in checks
    }


@pytest.mark.parametrize("standard", [Standard.ASA_FT, Standard.ASA_NFT, Standard.ASA_FNFT])
def test_every_standard_is_issued(owner: User, algorand: FakeAlgorand, standard: Standard) -> None:
    parts = {"totalSupply": 100, "decimals": 2} if standard is Standard.ASA_FNFT else {}
    assert to_the_end(wanted(owner, standard, **parts)).status == Status.COMPLETED
    assert len(algorand.ledger.assets) == 1


@pytest.mark.parametrize("drop", ["before", "after"])
def test_an_answer_that_was_lost_makes_one_asset(
    owner: User, algorand: FakeAlgorand, drop: str
) -> None:
    algorand.algod.fail("POST", drop=drop)
    deployment = to_the_end(wanted(owner))
    assert deployment.status == Status.COMPLETED
    assert statuses(deployment) == WAY
    assert len(algorand.ledger.assets) == 1
    assert DeploymentTransaction.objects.count() == 1


def test_one_that_expired_fails_and_a_retry_makes_one_asset(
    owner: User, algorand: FakeAlgorand
) -> None:
    algorand.ledger.hold, algorand.indexer_lag = True, 5
    deployment = step(wanted(owner))
    assert deployment.status == Status.PENDING
    first = deployment.transaction_id
    algorand.ledger.forget_pool()
    algorand.ledger.make_block(1_003)
    # The node is past its last round and the indexer is not: nothing is proven yet.
    assert step(deployment).status == Status.PENDING
    algorand.ledger.make_block(5)
    assert step(deployment).status == Status.FAILED
    assert deployment.error["category"] == "TransactionFailure"
    algorand.ledger.hold, algorand.indexer_lag = False, 0
    deployment_retry(actor=owner, deployment_id=deployment.pk)
    assert to_the_end(deployment).status == Status.COMPLETED
    assert deployment.transaction_id != first
    assert len(algorand.ledger.assets) == 1


def test_money_comes_and_a_retry_completes(owner: User, algorand: FakeAlgorand) -> None:
    algorand.ledger.account(SENDER).amount = 150_000
    deployment = to_the_end(wanted(owner))
    assert deployment.status == Status.FAILED
    assert deployment.error["category"] == "InsufficientFunds"
    assert not DeploymentTransaction.objects.exists()
    algorand.ledger.account(SENDER).amount = RICH
    deployment_retry(actor=owner, deployment_id=deployment.pk)
    assert to_the_end(deployment).status == Status.COMPLETED


def test_a_node_that_starts_again_and_again(owner: User, algorand: FakeAlgorand) -> None:
    algorand.ledger.hold = True
    deployment = wanted(owner)
    for _ in range(3):
        algorand.stop()
        step(deployment)
        algorand.start()
        assert step(deployment).status == Status.PENDING
    step(deployment)
    algorand.ledger.make_block()
    assert to_the_end(deployment).status == Status.COMPLETED
    assert len(algorand.ledger.assets) == 1


def test_a_node_that_asks_for_fewer_requests_is_given_time(
    owner: User, algorand: FakeAlgorand
) -> None:
    algorand.algod.fail(status=429, body="slow down", headers={"Retry-After": "90"})
    deployment = step(wanted(owner))
    assert (deployment.status, deployment.faults) == (Status.QUEUED, 1)
    assert to_the_end(deployment).status == Status.COMPLETED


def test_a_node_of_another_network_signs_nothing(owner: User, algorand: FakeAlgorand) -> None:
    algorand.ledger.genesis_hash = known("mainnet-v1.0").genesis_hash or b""
    deployment = step(wanted(owner))
    assert deployment.status == Status.FAILED
    assert deployment.error["category"] == "ConfigurationError"
    assert not DeploymentTransaction.objects.exists()
    assert algorand.ledger.assets == {}


def test_several_at_once_have_leases_of_their_own(owner: User, algorand: FakeAlgorand) -> None:
    algorand.ledger.hold = True
    deployments = [step(wanted(owner)) for _ in range(3)]
    algorand.ledger.make_block()
    assert {to_the_end(one).status for one in deployments} == {Status.COMPLETED}
    assert len({one.asset_identifier for one in deployments}) == 3


def test_an_address_that_is_none_is_a_matter_of_the_operator(nodes: dict[str, str]) -> None:
    nodes["indexer"] = "file:///etc/passwd"
    with pytest.raises(NotConfigured):
        chain_for(NETWORK)
