"""What the EVM adapter says of a node that fails: the right category, once, and no secrets."""

import gzip
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from deployments.chains.evm import EvmChain
from deployments.chains.port import ChainFault, TransactionState
from deployments.vocabulary import ErrorCategory, Remedy
from tests.deployments.evm import KeySigner, chain, land, order, reading
from tests.services.anvil import Anvil, Proxy, Question, Reply

SEND = "eth_sendRawTransaction"
DROPPED = Reply(status=0)
C = ErrorCategory


@pytest.fixture
def evm(proxy: Proxy, signer: KeySigner) -> EvmChain:
    return chain(proxy.url, signer)


@pytest.mark.parametrize(
    ("reply", "category", "remedy"),
    [
        (Reply(429, b"slow down", {"Retry-After": "7"}), C.RATE_LIMIT, Remedy.RESEND),
        (Reply.error(-32005, "limit exceeded", 429), C.RATE_LIMIT, Remedy.RESEND),
        (Reply.error(-32005, "limit exceeded"), C.RATE_LIMIT, Remedy.RESEND),
        (Reply(503, b"<html>try later</html>"), C.NETWORK, Remedy.RESEND),
        (Reply(502), C.NETWORK, Remedy.RESEND),
        (DROPPED, C.NETWORK, Remedy.RESEND),
        (Reply(401, b"who are you"), C.CONFIGURATION, Remedy.NEVER),
        (Reply(404, b"nothing here"), C.CONFIGURATION, Remedy.NEVER),
        (Reply.error(-32601, "the method does not exist"), C.CONFIGURATION, Remedy.NEVER),
        (Reply(200, b"<html>a captive portal</html>"), C.NETWORK, Remedy.RESEND),
        (Reply(200, b"\xff\xfe"), C.NETWORK, Remedy.RESEND),
        (Reply(200, b"[]"), C.NETWORK, Remedy.RESEND),
        (Reply(200, b"[" * 200_000), C.NETWORK, Remedy.RESEND),
        (Reply(200, b'"' + b"a" * 5_000_000 + b'"'), C.NETWORK, Remedy.RESEND),
        (Reply(200, b"\x1f\x8b", {"Content-Encoding": "gzip"}), C.NETWORK, Remedy.RESEND),
        (Reply(200, b'{"jsonrpc": "2.0", "id": 1}'), C.NETWORK, Remedy.RESEND),
        (Reply.result("0x12"), C.NETWORK, Remedy.RESEND),
        (Reply(307, headers={"Location": "http://127.0.0.1:9/"}), C.NETWORK, Remedy.RESEND),
        (Reply.error(-32000, "header not found"), C.NETWORK, Remedy.RESEND),
        (Reply.error(-32000, "insufficient funds for gas", 400), C.INSUFFICIENT_FUNDS, Remedy.USER),
        (Reply(200, b'{"error": "no such thing as this"}'), C.INTERNAL, Remedy.NEVER),
    ],
)
def test_a_node_refuses_once_and_is_asked_once(
    proxy: Proxy, evm: EvmChain, reply: Reply, category: ErrorCategory, remedy: Remedy
) -> None:
    prepared = evm.prepare(order())
    proxy.faults[SEND] = reply
    with pytest.raises(ChainFault) as caught:
        evm.submit(prepared)
    found = reading(caught.value)
    assert found.failure is not None
    assert (found.failure.category, found.remedy) == (category, remedy)
    assert proxy.count(SEND) == 1
    assert evm.lookup(prepared).state is TransactionState.UNKNOWN


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("86400", 3_600),
        (format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True), 0),
        ("soon", None),
        ("-1", None),
        ("", None),
    ],
)
def test_how_long_a_node_asks_to_wait(
    proxy: Proxy, evm: EvmChain, header: str, seconds: int | None
) -> None:
    proxy.faults["eth_chainId"] = Reply(429, headers={"Retry-After": header})
    with pytest.raises(ChainFault) as caught:
        evm.prepare(order())
    assert (caught.value.http_status, caught.value.retry_after) == (429, seconds)


def test_a_date_says_how_long_too(proxy: Proxy, evm: EvmChain) -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    proxy.faults["eth_chainId"] = Reply(503, headers={"Retry-After": then})
    with pytest.raises(ChainFault) as caught:
        evm.prepare(order())
    assert caught.value.retry_after is not None
    assert 500 < caught.value.retry_after <= 600


def test_a_rate_limit_says_when_to_come_back(proxy: Proxy, evm: EvmChain) -> None:
    proxy.faults["eth_chainId"] = Reply(429, b"slow down", {"Retry-After": "7"})
    with pytest.raises(ChainFault) as caught:
        evm.prepare(order())
    failure = reading(caught.value).failure
    assert failure is not None
    assert failure.delay_seconds == 7


def test_a_lost_answer_is_found_and_sent_again_without_harm(
    anvil: Anvil, proxy: Proxy, evm: EvmChain
) -> None:
    prepared = evm.prepare(order())
    proxy.faults[SEND] = Reply(status=0, forward=True)
    with pytest.raises(ChainFault) as caught:
        evm.submit(prepared)
    assert reading(caught.value).remedy is Remedy.RESEND
    assert evm.lookup(prepared).state is TransactionState.PENDING
    proxy.faults.clear()
    evm.submit(prepared)
    anvil.mine()
    evm.submit(prepared)
    assert evm.lookup(prepared).state is TransactionState.CONFIRMED
    assert anvil.ask("eth_getTransactionCount", prepared.sender, "latest") == "0x1"


def test_what_a_node_refuses_is_sent_where_it_shows_it(
    anvil: Anvil, proxy: Proxy, evm: EvmChain
) -> None:
    prepared = evm.prepare(order())
    evm.submit(prepared)
    proxy.faults[SEND] = Reply.error(-32000, "no words that anybody knows")
    evm.submit(prepared)
    assert proxy.count(SEND) == 2


def test_a_node_that_takes_too_long(proxy: Proxy, signer: KeySigner) -> None:
    def slowly(_: Question) -> None:
        time.sleep(0.6)

    evm = chain(proxy.url, signer, timeout=0.2)
    proxy.faults["eth_chainId"] = slowly
    with pytest.raises(ChainFault, match="timed out") as caught:
        evm.prepare(order())
    assert reading(caught.value).remedy is Remedy.RESEND
    assert proxy.count("eth_chainId") == 1


def test_an_answer_that_trickles(anvil: Anvil, proxy: Proxy, signer: KeySigner) -> None:
    evm = chain(proxy.url, signer, timeout=0.3)
    proxy.faults["eth_chainId"] = Reply(body=b" " * 100, pause=0.02)
    with pytest.raises(ChainFault, match="timed out") as caught:
        evm.prepare(order())
    assert reading(caught.value).remedy is Remedy.RESEND


def test_a_compressed_answer_is_read(anvil: Anvil, proxy: Proxy, evm: EvmChain) -> None:
    body = gzip.compress(Reply.result(hex(84532)).body)
    proxy.faults["eth_chainId"] = Reply(200, body, {"Content-Encoding": "gzip"})
    assert evm.prepare(order()).nonce == 0


KEY = "5f0c1e7a9b3d4c2f8e6a"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(429, f"project {KEY} has too many requests".encode()),
        Reply(503),
        Reply(307, headers={"Location": "http://127.0.0.1:9/"}),
        DROPPED,
        Reply.error(-32000, f"no project {KEY}"),
        Reply(200, f"<html>{KEY}</html>".encode()),
    ],
)
@pytest.mark.parametrize("place", ["/v3/{}", "/?apikey={}", "token"])
def test_no_fault_shows_the_key_of_a_node(
    proxy: Proxy, signer: KeySigner, reply: Reply, place: str
) -> None:
    proxy.faults["eth_chainId"] = reply
    if place == "token":
        evm = chain(proxy.url, signer, rpc_token=KEY)
    else:
        evm = chain(proxy.url + place.format(KEY), signer)
    with pytest.raises(ChainFault) as caught:
        evm.prepare(order())
    assert KEY not in caught.value.text
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    sent = proxy.seen[0].headers.get("Authorization")
    assert sent == (f"Bearer {KEY}" if place == "token" else None)


def test_nobody_there_is_told_without_the_address(signer: KeySigner) -> None:
    evm = chain(f"http://user:{KEY}@127.0.0.1:9/v3/{KEY}?apikey={KEY}", signer)
    with pytest.raises(ChainFault, match="refused") as caught:
        evm.prepare(order())
    assert KEY not in caught.value.text
    assert reading(caught.value).remedy is Remedy.RESEND


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("eth_chainId", "84532"),
        ("eth_chainId", None),
        ("eth_getTransactionCount", {}),
        ("eth_getBlockByNumber", None),
        ("eth_getBlockByNumber", "0x1"),
        ("eth_getBlockByNumber", {"baseFeePerGas": "0x1"}),
        ("eth_estimateGas", "0xzz"),
        ("eth_getBalance", True),
        ("eth_getBalance", "0x" + "f" * 65),
    ],
)
def test_an_answer_of_another_kind_is_a_fault_of_the_node(
    proxy: Proxy, evm: EvmChain, method: str, answer: object
) -> None:
    proxy.faults[method] = Reply.result(answer)
    with pytest.raises(ChainFault, match="could not decode") as caught:
        evm.prepare(order())
    assert reading(caught.value).remedy is Remedy.RESEND


@pytest.mark.parametrize(
    "answer",
    [
        "0x1",
        {},
        {"blockNumber": "0x41", "blockHash": "REAL"},
        {"blockNumber": "0x41", "blockHash": "REAL", "status": "0x1"},
        {"blockNumber": "0x41", "blockHash": "REAL", "status": "0x1", "contractAddress": "0x1"},
    ],
)
def test_a_receipt_of_another_kind_is_a_fault_of_the_node(
    anvil: Anvil, proxy: Proxy, evm: EvmChain, answer: object
) -> None:
    prepared = evm.prepare(order())
    found = land(evm, anvil, prepared)
    if isinstance(answer, dict) and answer.get("blockHash"):
        answer = {**answer, "blockHash": found.block_id}
    proxy.faults["eth_getTransactionReceipt"] = Reply.result(answer)
    with pytest.raises(ChainFault, match="could not decode"):
        evm.lookup(prepared)


def test_a_receipt_of_a_block_that_was_replaced_is_no_confirmation(
    anvil: Anvil, proxy: Proxy, evm: EvmChain
) -> None:
    prepared = evm.prepare(order())
    land(evm, anvil, prepared)
    receipt = anvil.ask("eth_getTransactionReceipt", prepared.transaction_id)
    anvil.ask("anvil_reorg", 1, [])
    proxy.faults["eth_getTransactionReceipt"] = Reply.result(receipt)
    found = evm.lookup(prepared)
    assert (found.state, found.round) == (TransactionState.PENDING, None)
    assert found.detail == "Its block is being replaced."


def test_a_node_that_is_behind_the_block_of_a_receipt(
    anvil: Anvil, proxy: Proxy, evm: EvmChain
) -> None:
    prepared = evm.prepare(order())
    land(evm, anvil, prepared)
    proxy.faults["eth_blockNumber"] = Reply.result("0x40")
    assert evm.lookup(prepared).state is TransactionState.PENDING


Faults = dict[str, Reply | Callable[[Question], Reply | None]]


@pytest.mark.parametrize(
    ("faults", "fees"),
    [
        (
            {"eth_maxPriorityFeePerGas": Reply.result("0x5")},
            (2_005, 5),
        ),
        (
            {
                "eth_maxPriorityFeePerGas": Reply.error(-32601, "no such method"),
                "eth_gasPrice": Reply.result(hex(1_007)),
            },
            (2_007, 7),
        ),
        (
            {
                "eth_maxPriorityFeePerGas": Reply.error(-32601, "no such method"),
                "eth_gasPrice": Reply.result(hex(900)),
            },
            (2_000, 0),
        ),
    ],
)
def test_the_fee_is_twice_the_base_fee_and_a_tip(
    proxy: Proxy, evm: EvmChain, faults: Faults, fees: tuple[int, int]
) -> None:
    base = {"number": "0x40", "baseFeePerGas": hex(1_000)}
    proxy.faults |= {"eth_getBlockByNumber": Reply.result(base), **faults}
    sent = TypedTransaction.from_bytes(HexBytes(evm.prepare(order()).signed)).as_dict()
    assert (sent["maxFeePerGas"], sent["maxPriorityFeePerGas"]) == fees


def test_before_eip_1559_there_is_one_price(anvil: Anvil, proxy: Proxy, evm: EvmChain) -> None:
    proxy.faults |= {
        "eth_getBlockByNumber": Reply.result({"number": "0x40"}),
        "eth_gasPrice": Reply.result(hex(3 * 10**9)),
    }
    prepared = evm.prepare(order())
    proxy.faults.clear()
    assert land(evm, anvil, prepared).state is TransactionState.CONFIRMED
    sent = anvil.ask("eth_getTransactionByHash", prepared.transaction_id)
    assert (sent["type"], sent["gasPrice"]) == ("0x0", hex(3 * 10**9))
