"""The node of the tests says no where go-algorand does, and its wrong answers are noticed."""

from collections.abc import Callable
from typing import Any

import msgpack
import pytest

from deployments.chains.algorand import AlgorandChain
from deployments.chains.port import ChainFault
from tests.deployments.algorand_ledger import Refused, canonical, read
from tests.deployments.algorand_orders import NETWORK, RICH, SENDER, chain_of, known, order_of
from tests.deployments.fake_algorand import FakeAlgorand

Fields = dict[str, Any]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda txn: txn.update(lv=txn["fv"] + 1_001), "transaction window size excessive"),
        (lambda txn: txn.update(lv=txn["fv"] - 1), "transaction invalid range"),
        (lambda txn: txn.pop("gh"), "required tx.GenesisHash is missing"),
        (lambda txn: txn.update(type="pay"), "unknown tx type pay"),
        (lambda txn: txn["apar"].update(an="n" * 33), "transaction asset name too big: 33 > 32"),
        (lambda txn: txn["apar"].update(au="u" * 97), "transaction asset url too big: 97 > 96"),
        (lambda txn: txn["apar"].update(dc=20), "transaction asset decimals is too high"),
        (lambda txn: txn.update(fee=1), "At least one signature didn't pass verification"),
    ],
)
def test_what_is_not_well_formed(
    algorand: FakeAlgorand,
    algorand_chain: AlgorandChain,
    change: Callable[[Fields], object],
    words: str,
) -> None:
    signed = msgpack.unpackb(algorand_chain.prepare(order_of()).signed)
    change(signed["txn"])
    with pytest.raises(Refused, match=words):
        algorand.ledger.receive(canonical(signed))
    assert algorand.ledger.landed == {}


def test_bytes_that_are_not_canonical(algorand_chain: AlgorandChain) -> None:
    signed = msgpack.unpackb(algorand_chain.prepare(order_of()).signed)
    backwards = dict(reversed(signed["txn"].items()))
    for raw in (msgpack.packb({**signed, "txn": backwards}), b"", b"\xc1", canonical(signed)[:-1]):
        with pytest.raises(Refused, match="msgpack decode error"):
            read(raw)


@pytest.mark.parametrize("change", [{"last-round": "5"}, {"fee": -1}, {"another": 1}])
def test_an_answer_of_another_shape_is_noticed(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    fake = FakeAlgorand(known(NETWORK))
    fake.ledger.account(SENDER).amount = RICH
    right = fake._parameters
    monkeypatch.setattr(fake, "_parameters", lambda: {**right(), **change})
    try:
        chain_of(fake).prepare(order_of())
    except ChainFault:
        assert "another" not in change
    with pytest.raises(AssertionError, match="GET /v2/transactions/params"):
        fake.close()
