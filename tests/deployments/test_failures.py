"""What real nodes say, and which of the nine categories it is."""

import json
from pathlib import Path
from typing import Any

import pytest

from deployments.chains.port import ChainFault
from deployments.failures import ADVICE, read_fault
from deployments.vocabulary import ErrorCategory, Remedy

SAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "node_errors.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{n}-{s['want']}" for n, s in enumerate(SAMPLES)])
def test_what_a_node_said(sample: dict[str, Any]) -> None:
    kind = "avm" if sample["chain"] == "algorand" else "evm"
    codes = {"http_status": sample["http"], "rpc_code": sample["rpc_code"]}
    reading = read_fault(ChainFault(sample["text"], **codes), kind)  # type: ignore[arg-type]
    assert reading.rule == sample["want"]


def test_text_that_nobody_knows_is_an_internal_error_for_good() -> None:
    reading = read_fault(ChainFault("the moon is made of cheese"), "evm")
    assert reading.failure is not None
    assert reading.failure.category is ErrorCategory.INTERNAL
    assert reading.remedy is Remedy.NEVER


@pytest.mark.parametrize(
    ("round_", "remedy", "category"),
    [(49, Remedy.RESEND, ErrorCategory.NETWORK), (201, Remedy.REBUILD, ErrorCategory.TRANSACTION)],
)
def test_a_node_that_is_behind_is_told_from_a_transaction_that_is_too_old(
    round_: int, remedy: Remedy, category: ErrorCategory
) -> None:
    text = f"TransactionPool.Remember: txn dead: round {round_} outside of 50--200"
    reading = read_fault(ChainFault(text), "avm")
    assert reading.remedy is remedy
    assert reading.failure is not None
    assert reading.failure.category is category


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("transaction already in ledger: ABC", "avm"),
        ("already known", "evm"),
        ("nonce too low", "evm"),
        ("using an overlapping lease", "avm"),
    ],
)
def test_look_it_up_first_is_no_failure(text: str, kind: Any) -> None:
    reading = read_fault(ChainFault(text), kind)
    assert reading.remedy is Remedy.RESOLVE
    assert reading.failure is None


def test_rules_of_another_chain_do_not_match() -> None:
    reading = read_fault(ChainFault("nonce too low"), "avm")
    assert reading.rule == ""


@pytest.mark.parametrize(
    ("fault", "category"),
    [
        (ChainFault("", http_status=429, retry_after=7), ErrorCategory.RATE_LIMIT),
        (ChainFault("", http_status=503), ErrorCategory.NETWORK),
        (ChainFault("", http_status=401), ErrorCategory.CONFIGURATION),
        (ChainFault("", rpc_code=4001), ErrorCategory.USER_REJECTION),
        (ChainFault("", exception="ssl.SSLCertVerificationError"), ErrorCategory.CONFIGURATION),
    ],
)
def test_codes_decide_where_there_is_no_text(fault: ChainFault, category: ErrorCategory) -> None:
    failure = read_fault(fault, "evm").failure
    assert failure is not None
    assert failure.category is category


def test_a_node_says_how_long_to_wait() -> None:
    failure = read_fault(ChainFault("", http_status=429, retry_after=7), "evm").failure
    assert failure is not None
    assert failure.delay_seconds == 7


def test_every_category_has_words_and_none_tells_what_the_node_said() -> None:
    assert set(ADVICE) == set(ErrorCategory)
    failure = read_fault(ChainFault("overspend (account SECRET, data {})"), "avm").failure
    assert failure is not None
    assert "SECRET" in failure.technical_message
    assert "SECRET" not in failure.advice.message + failure.advice.action
