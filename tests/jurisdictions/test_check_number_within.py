"""number_within: bounds that are fixed or come from other facts."""

from decimal import Decimal
from typing import Any

import pytest

from jurisdictions.engine import FactValue, Verdict
from tests.jurisdictions.builders import judge, problems, run

OWN_FUNDS = {
    "field": "issuer.ownFundsEur",
    "min": 350000,
    "minFrom": [
        {"field": "reserve.average6mEur", "ratio": 0.02},
        {"field": "issuer.fixedOverheadsQuarterEur", "ratio": 1.0},
    ],
}
BOUNDS = {"reserve.average6mEur": 20_000_000, "issuer.fixedOverheadsQuarterEur": 100_000}


@pytest.mark.parametrize(
    ("bounds", "value", "expected"),
    [
        ({"min": 14}, 14, ("Pass", "satisfied")),
        ({"min": 14}, 13, ("Fail", "number_below_minimum")),
        ({"max": 149}, 149, ("Pass", "satisfied")),
        ({"max": 149}, 150, ("Fail", "number_above_maximum")),
        ({"max": 0}, 0, ("Pass", "satisfied")),
        ({"exclusiveMax": 500}, 499, ("Pass", "satisfied")),
        ({"exclusiveMax": 500}, 500, ("Fail", "number_above_maximum")),
        ({"min": 1}, None, ("Unknown", "fact_missing")),
        ({"min": 1}, "12", ("Unknown", "fact_unreadable")),
        ({"max": 1}, True, ("Unknown", "fact_unreadable")),
        ({"min": 1}, float("nan"), ("Unknown", "fact_unreadable")),
    ],
)
def test_fixed_bounds(bounds: dict[str, Any], value: FactValue, expected: tuple[str, str]) -> None:
    params = {"field": "token.holderCount", **bounds}
    assert judge("number_within", params, {"token.holderCount": value}) == expected


@pytest.mark.parametrize(
    ("own_funds", "verdict"), [(400_000, "Pass"), (399_999.99, "Fail"), (Decimal(400000), "Pass")]
)
def test_the_largest_minimum_counts(own_funds: FactValue, verdict: str) -> None:
    facts = {"issuer.ownFundsEur": own_funds, **BOUNDS}
    assert judge("number_within", OWN_FUNDS, facts)[0] == verdict


def test_decimal_fractions_compare_exactly() -> None:
    params = {
        "field": "reserve.valueEur",
        "minFrom": [{"field": "reserve.holderClaimsEur", "ratio": 0.1}],
    }
    facts = {"reserve.valueEur": 0.3, "reserve.holderClaimsEur": 3}
    assert judge("number_within", params, facts)[0] == "Pass"


def test_a_maximum_from_another_fact() -> None:
    params = {"field": "token.holderCount", "maxFrom": "metadata.maxHolders"}
    within = {"token.holderCount": 500, "metadata.maxHolders": 500}
    assert judge("number_within", params, within)[0] == "Pass"
    beyond = {"token.holderCount": 501, "metadata.maxHolders": 500}
    assert judge("number_within", params, beyond) == ("Fail", "number_above_maximum")


def test_a_missing_bound_leaves_only_what_it_alone_could_decide() -> None:
    facts: dict[str, FactValue] = {
        "issuer.ownFundsEur": 400_000,
        "issuer.fixedOverheadsQuarterEur": 100_000,
    }
    # Whatever on_missing says: the number itself is on record.
    assert judge("number_within", OWN_FUNDS, facts, on_missing=Verdict.FAIL) == (
        "Unknown",
        "reference_missing",
    )
    facts["issuer.ownFundsEur"] = 300_000
    assert judge("number_within", OWN_FUNDS, facts) == ("Fail", "number_below_minimum")


def test_a_missing_number_follows_on_missing() -> None:
    params = {"field": "offering.withdrawalDays", "min": 14}
    outcome, _ = run("number_within", params, on_missing=Verdict.FAIL)
    assert (outcome.verdict, outcome.missing_facts) == (Verdict.FAIL, ("offering.withdrawalDays",))


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"field": "token.holderCount"}, "takes at least one of"),
        ({"field": "issuer.lei", "min": 1}, "this check needs integer or number"),
        ({"field": "token.holderCount", "maxFrom": "no.such"}, "there is no fact no.such"),
        ({"field": "token.holderCount", "min": "1"}, "min"),
    ],
)
def test_wrong_params_are_named(params: dict[str, object], problem: str) -> None:
    found = problems("number_within", params)
    assert len(found) == 1
    assert problem in found[0]
