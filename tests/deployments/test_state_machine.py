"""The state machine of deployments: all 64 pairs, what each needs, and the diagram."""

from itertools import product
from pathlib import Path

import pytest

from deployments.state_machine import TERMINAL, TRANSITIONS, diagram, rule, targets
from deployments.vocabulary import Reason, Status, Verdict

S = Status

# The incumbent's table (reference, section 3.1), written down again row by row.
ROWS = {
    S.QUEUED: "no-op yes - - - - yes yes",
    S.SUBMITTED: "- no-op yes - - - yes -",
    S.PENDING: "- - no-op yes - - yes -",
    S.CONFIRMED: "- - - no-op yes yes yes -",
    S.INDEXED: "- - - - no-op yes yes -",
    S.COMPLETED: "- - - - - no-op - -",
    S.FAILED: "yes - - - - - no-op -",
    S.CANCELLED: "- - - - - - - no-op",
}
COLUMNS = (
    S.QUEUED,
    S.SUBMITTED,
    S.PENDING,
    S.CONFIRMED,
    S.INDEXED,
    S.COMPLETED,
    S.FAILED,
    S.CANCELLED,
)
PAIRS = {
    (row, column): word
    for row, words in ROWS.items()
    for column, word in zip(COLUMNS, words.split(), strict=True)
}
EVERYTHING = {"transaction_id": "TX", "confirmed_round": 7, "asset_identifier": "12"}


def test_the_table_has_every_pair() -> None:
    assert set(PAIRS) == set(product(S, S))
    assert len(PAIRS) == 64


@pytest.mark.parametrize(("current", "wanted"), PAIRS)
def test_every_pair(current: S, wanted: S) -> None:
    ruling = rule(current, wanted, **EVERYTHING)  # type: ignore[arg-type]
    match PAIRS[current, wanted]:
        case "yes":
            assert ruling.verdict is Verdict.ALLOWED
            assert ruling.reason is TRANSITIONS[current, wanted]
        case "no-op":
            assert ruling.verdict is Verdict.IDEMPOTENT_UPDATE
            assert ruling.reason is None
        case _ if current in TERMINAL:
            assert ruling.verdict is Verdict.TERMINAL_STATE_VIOLATION
            assert ruling.message == f"{current} is final."
        case _:
            assert ruling.verdict is Verdict.INVALID_TRANSITION
            assert f"{wanted} does not" in ruling.message


@pytest.mark.parametrize(
    ("current", "wanted", "missing"),
    [
        (S.QUEUED, S.SUBMITTED, "transaction_id"),
        (S.PENDING, S.CONFIRMED, "transaction_id"),
        (S.PENDING, S.CONFIRMED, "confirmed_round"),
        (S.CONFIRMED, S.COMPLETED, "confirmed_round"),
        (S.CONFIRMED, S.COMPLETED, "asset_identifier"),
        (S.INDEXED, S.COMPLETED, "asset_identifier"),
    ],
)
def test_a_status_needs_what_it_says(current: S, wanted: S, missing: str) -> None:
    known = {**EVERYTHING, missing: None}
    ruling = rule(current, wanted, **known)  # type: ignore[arg-type]
    assert ruling.verdict is Verdict.INVARIANT_VIOLATION
    assert ruling.message.startswith(f"{wanted} needs ")


def test_the_reasons_are_those_of_the_incumbent() -> None:
    assert TRANSITIONS[S.FAILED, S.QUEUED] is Reason.DEPLOYMENT_RETRY_REQUESTED
    assert TRANSITIONS[S.PENDING, S.FAILED] is Reason.TRANSACTION_REVERTED
    assert len(TRANSITIONS) == 13


def test_what_may_follow() -> None:
    assert targets(S.CONFIRMED) == (S.INDEXED, S.COMPLETED, S.FAILED)
    assert targets(S.COMPLETED) == ()


def test_the_diagram_has_every_edge() -> None:
    lines = diagram().splitlines()
    assert "    Failed --> Queued: DEPLOYMENT_RETRY_REQUESTED" in lines
    assert len([line for line in lines if "-->" in line and "[*]" not in line]) == len(TRANSITIONS)


def test_the_readme_shows_the_diagram_as_it_is() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{diagram()}```" in readme
