"""The pipeline with the EVM adapter, as the settings build it, against a real local node."""

from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from deployments.chains.registry import NotConfigured, chain_for
from deployments.models import Deployment, DeploymentTransaction
from deployments.services import deployment_retry
from deployments.vocabulary import Standard, Status
from tests.deployments.evm import NETWORK, KeySigner, signed
from tests.deployments.requests import HOLDER, ask, statuses, step
from tests.factories import event_bodies
from tests.services.anvil import Anvil, Proxy, Question, Reply

pytestmark = pytest.mark.django_db

WAY = ["Queued", "Submitted", "Pending", "Confirmed", "Indexed", "Completed"]
MINTABLE = {
    "name": "Hafen",
    "symbol": "HFN",
    "decimals": 6,
    "initialSupply": "10.5",
    "cap": 1_000,
    "initialSupplyReceiver": HOLDER,
}


@pytest.fixture(autouse=True)
def nodes(proxy: Proxy, signer: KeySigner, settings: Any, tmp_path: Path) -> dict[str, str]:
    """Set the network up as an operator does."""
    path = tmp_path / "issuer.key"
    path.write_text("0x" + signer.private_key().hex())
    node = {"rpc": proxy.url, "rpcToken": "of the node"}
    settings.DEPLOYMENT_NODES = {NETWORK: node}
    settings.DEPLOYMENT_KEY_FILES = {"evm": str(path)}
    return node


def to_the_end(deployment: Deployment, anvil: Anvil) -> Deployment:
    for _ in range(15):
        step(deployment)
        if deployment.next_step_at is None:
            break
        anvil.mine(16)
    return deployment


def tokens_of(anvil: Anvil, signer: KeySigner) -> int:
    """Return how many transactions of the issuing account are on the chain."""
    return int(anvil.ask("eth_getTransactionCount", signer.address(), "latest"), 16)


def test_each_status_comes_when_the_chain_says_so(
    owner: User, anvil: Anvil, proxy: Proxy, signer: KeySigner
) -> None:
    deployment = step(ask(owner))
    assert (deployment.status, deployment.confirmed_round) == (Status.PENDING, None)
    anvil.mine()
    assert step(deployment).status == Status.CONFIRMED
    assert deployment.confirmed_round == 65
    anvil.mine(31)
    assert step(deployment).status == Status.CONFIRMED
    anvil.mine()
    assert step(deployment).status == Status.COMPLETED
    assert statuses(deployment) == WAY
    receipt = anvil.ask("eth_getTransactionReceipt", deployment.transaction_id)
    assert deployment.asset_identifier.lower() == receipt["contractAddress"]
    assert deployment.token is not None
    assert deployment.token.creator_address == signer.address()
    assert deployment.token.total == 1_000 * 10**18
    assert {one.headers.get("Authorization") for one in proxy.seen} == {"Bearer of the node"}
    checks = deployment.transitions.order_by("-pk")[0].checks
    assert {check["passed"] for check in checks} == {True}


def test_a_mintable_token_is_issued(owner: User, anvil: Anvil) -> None:
    wanted = ask(owner, standard=Standard.ERC20_MINTABLE, parameters=MINTABLE)
    deployment = to_the_end(wanted, anvil)
    assert deployment.status == Status.COMPLETED
    assert deployment.token is not None
    assert deployment.token.total == 10_500_000


@pytest.mark.parametrize("arrives", [True, False])
def test_an_answer_that_was_lost_makes_one_token(
    owner: User, anvil: Anvil, proxy: Proxy, signer: KeySigner, arrives: bool
) -> None:
    proxy.faults["eth_sendRawTransaction"] = Reply(status=0, forward=arrives)
    deployment = step(ask(owner))
    proxy.faults.clear()
    assert to_the_end(deployment, anvil).status == Status.COMPLETED
    assert statuses(deployment) == WAY
    assert tokens_of(anvil, signer) == 1
    assert DeploymentTransaction.objects.count() == 1


def test_several_at_once_have_nonces_of_their_own(
    owner: User, anvil: Anvil, signer: KeySigner
) -> None:
    deployments = [step(ask(owner)) for _ in range(3)]
    assert {to_the_end(one, anvil).status for one in deployments} == {Status.COMPLETED}
    assert len({one.asset_identifier for one in deployments}) == 3
    assert tokens_of(anvil, signer) == 3


def test_another_transaction_takes_the_nonce_and_one_token_is_made(
    owner: User, anvil: Anvil, proxy: Proxy, signer: KeySigner
) -> None:
    proxy.faults["eth_sendRawTransaction"] = Reply(503)
    deployment = step(ask(owner))
    assert deployment.status == Status.QUEUED
    proxy.faults.clear()
    anvil.ask("eth_sendRawTransaction", "0x" + signed(signer, 0).signed.hex())
    anvil.mine()
    assert step(deployment).status == Status.QUEUED  # nothing is proven yet
    assert DeploymentTransaction.objects.filter(dead_at__isnull=False).count() == 0
    anvil.mine(32)
    assert to_the_end(deployment, anvil).status == Status.COMPLETED
    assert tokens_of(anvil, signer) == 2
    assert DeploymentTransaction.objects.filter(dead_at__isnull=False).count() == 1


def test_a_reorganization_is_noticed_and_followed(owner: User, anvil: Anvil) -> None:
    deployment = step(ask(owner))
    anvil.mine()
    assert step(deployment).status == Status.CONFIRMED
    anvil.ask("anvil_reorg", 1, [])
    assert step(deployment).status == Status.CONFIRMED
    assert deployment.confirmed_round is None
    names = [body["name"] for body in event_bodies()]
    assert names.count("deployments.deployment.reorganized") == 1
    assert to_the_end(deployment, anvil).status == Status.COMPLETED


def test_a_node_that_lost_everything_gets_the_same_bytes(
    owner: User, anvil: Anvil, signer: KeySigner
) -> None:
    deployment = step(ask(owner))
    before = deployment.transaction_id
    anvil.ask("anvil_reset")
    anvil.fund(signer.address())
    assert to_the_end(deployment, anvil).status == Status.COMPLETED
    assert deployment.transaction_id == before


def test_money_comes_and_a_retry_completes(owner: User, anvil: Anvil, signer: KeySigner) -> None:
    anvil.fund(signer.address(), 1)
    deployment = step(ask(owner))
    assert deployment.status == Status.FAILED
    assert deployment.error["category"] == "InsufficientFunds"
    assert not DeploymentTransaction.objects.exists()
    anvil.fund(signer.address())
    deployment_retry(actor=owner, deployment_id=deployment.pk)
    assert to_the_end(deployment, anvil).status == Status.COMPLETED


def test_a_node_that_asks_for_fewer_requests_is_given_time(
    owner: User, anvil: Anvil, proxy: Proxy
) -> None:
    proxy.faults["eth_chainId"] = Reply(429, b"slow down", {"Retry-After": "90"})
    deployment = step(ask(owner))
    assert (deployment.status, deployment.faults) == (Status.QUEUED, 1)
    proxy.faults.clear()
    assert to_the_end(deployment, anvil).status == Status.COMPLETED


def test_a_node_of_another_network_signs_nothing(owner: User, proxy: Proxy) -> None:
    proxy.faults["eth_chainId"] = Reply.result("0x1")
    deployment = step(ask(owner))
    assert deployment.status == Status.FAILED
    assert deployment.error["category"] == "ConfigurationError"
    assert not DeploymentTransaction.objects.exists()


def test_a_token_that_is_another_one_is_not_completed(
    owner: User, anvil: Anvil, proxy: Proxy
) -> None:
    def of_another_name(asked: Question) -> Reply | None:
        text = b"Another".ljust(32, b"\0")
        name = (32).to_bytes(32) + (7).to_bytes(32) + text
        return Reply.result("0x" + name.hex()) if asked.params[0]["data"] == "0x06fdde03" else None

    proxy.faults["eth_call"] = of_another_name
    deployment = to_the_end(ask(owner), anvil)
    assert deployment.status == Status.FAILED
    assert deployment.token is None


def test_an_address_that_is_none_is_a_matter_of_the_operator(nodes: dict[str, str]) -> None:
    nodes["rpc"] = "file:///etc/passwd"
    with pytest.raises(NotConfigured, match="no http"):
        chain_for(NETWORK)


def test_the_nonce_of_one_that_failed_blocks_nobody(
    owner: User, anvil: Anvil, proxy: Proxy, signer: KeySigner
) -> None:
    refusal = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"insufficient funds"}}'
    proxy.faults["eth_sendRawTransaction"] = Reply(200, refusal)
    first = step(ask(owner))
    assert first.status == Status.FAILED
    proxy.faults.clear()
    second = to_the_end(ask(owner), anvil)
    assert second.status == Status.COMPLETED
    deployment_retry(actor=owner, deployment_id=first.pk)
    assert to_the_end(first, anvil).status == Status.COMPLETED
    assert first.asset_identifier != second.asset_identifier
    assert tokens_of(anvil, signer) == 2
