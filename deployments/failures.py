"""What went wrong with a deployment, in nine categories, and what may be done about it. Pure.

The rules are data (`fixtures/deployments/error_rules.json`): what real nodes say, first match
wins. Text that no rule knows is an InternalError. What a node says is for operators: a caller is
told the category's own words.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from accounts.networks import NetworkKind
from deployments.chains.port import ChainFault
from deployments.vocabulary import ErrorCategory, Remedy

RULES_FILE: Final = (
    Path(__file__).resolve().parent.parent / "fixtures" / "deployments" / "error_rules.json"
)
_TECHNICAL_LIMIT: Final = 1_000
_CHAINS: Final = {"algorand": "avm", "evm": "evm"}


@dataclass(frozen=True, slots=True)
class Advice:
    """What follows from a category: the words for the caller, and whether to try again."""

    code: str
    message: str
    action: str
    retryable: bool
    delay_seconds: int | None = None


_C = ErrorCategory
ADVICE: Final[Mapping[ErrorCategory, Advice]] = MappingProxyType(
    {
        _C.NETWORK: Advice(
            "BLOCKCHAIN_CONNECTION_ERROR",
            "The network could not be reached.",
            "Nothing to do: it is tried again by itself. If it lasts, ask the operator.",
            True,
            30,
        ),
        _C.VALIDATION: Advice(
            "INVALID_REQUEST",
            "The network does not accept these parameters.",
            "Correct the parameters and ask for a new deployment.",
            False,
        ),
        _C.COMPLIANCE: Advice(
            "FORBIDDEN",
            "A rule of the token or of the network forbids it.",
            "Remove what forbids it, such as a freeze or a pause, then retry.",
            False,
        ),
        _C.USER_REJECTION: Advice(
            "TRANSACTION_REJECTED",
            "The signature was refused.",
            "Sign the transaction, then retry.",
            True,
        ),
        _C.INSUFFICIENT_FUNDS: Advice(
            "INSUFFICIENT_FUNDS",
            "The issuing account has too little to pay for it.",
            "Fund the issuing account, then retry.",
            True,
        ),
        _C.TRANSACTION: Advice(
            "TRANSACTION_FAILED",
            "The network refused the transaction.",
            "Look at the transaction, then retry.",
            True,
            60,
        ),
        _C.CONFIGURATION: Advice(
            "CONFIGURATION_ERROR",
            "The network is not set up correctly here.",
            "Ask the operator to correct the configuration, then retry.",
            False,
        ),
        _C.RATE_LIMIT: Advice(
            "RATE_LIMIT_EXCEEDED",
            "The network's node asks for fewer requests.",
            "Nothing to do: it is tried again by itself.",
            True,
            60,
        ),
        _C.INTERNAL: Advice(
            "INTERNAL_SERVER_ERROR",
            "The deployment met an error of ours.",
            "Ask the operator; the correlation id finds the reason.",
            True,
            120,
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure. `technical_message` is for officers and the deployment's owners alone."""

    category: ErrorCategory
    technical_message: str
    rule: str = ""
    delay_seconds: int | None = None
    remedy: Remedy = Remedy.USER

    @property
    def advice(self) -> Advice:
        return ADVICE[self.category]

    def document(self) -> dict[str, Any]:
        """Return the failure as it is stored: what it was, not what its category means."""
        return {
            "category": str(self.category),
            "errorCode": self.advice.code,
            "technicalMessage": self.technical_message,
            "rule": self.rule,
            "suggestedRetryDelaySeconds": self.delay_seconds,
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """What a fault means: `failure` is None where it is none (yet): look the transaction up."""

    rule: str
    remedy: Remedy
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    kind: str | None
    text: re.Pattern[str] | None
    codes: frozenset[int]
    statuses: frozenset[int]
    exception: str
    category: ErrorCategory | None
    remedy: Remedy


def read_fault(fault: ChainFault, kind: NetworkKind) -> Reading:
    """Return what a fault of a network of this kind means; the first rule that matches decides."""
    rule = next((one for one in _rules() if _matches(one, fault, kind)), None)
    if rule is None:
        return Reading("", Remedy.NEVER, _failure(_C.INTERNAL, fault, "", Remedy.NEVER))
    if rule.category is None or rule.remedy is Remedy.RESOLVE:
        return Reading(rule.id, Remedy.RESOLVE, None)
    return Reading(rule.id, rule.remedy, _failure(rule.category, fault, rule.id, rule.remedy))


def failure_of(category: ErrorCategory, technical_message: str, remedy: Remedy) -> Failure:
    """Return a failure that we noticed ourselves."""
    delay = ADVICE[category].delay_seconds
    return Failure(category, technical_message[:_TECHNICAL_LIMIT], "", delay, remedy)


def _failure(category: ErrorCategory, fault: ChainFault, rule: str, remedy: Remedy) -> Failure:
    delay = fault.retry_after or ADVICE[category].delay_seconds
    return Failure(category, fault.text[:_TECHNICAL_LIMIT], rule, delay, remedy)


def _matches(rule: _Rule, fault: ChainFault, kind: NetworkKind) -> bool:
    if rule.kind is not None and rule.kind != kind:
        return False
    if rule.text is not None and (found := rule.text.search(fault.text)):
        # The same words say that a node is behind and that a transaction is too old.
        return rule.id != "algo.txn_dead_early" or int(found["round"]) < int(found["fv"])
    return (
        fault.rpc_code in rule.codes
        or fault.http_status in rule.statuses
        or bool(rule.exception and rule.exception == fault.exception)
    )


@cache
def _rules() -> tuple[_Rule, ...]:
    document = json.loads(RULES_FILE.read_text(encoding="utf-8"))
    return tuple(_rule(entry) for entry in document["rules"])


def _rule(entry: Mapping[str, Any]) -> _Rule:
    match = entry["match"]
    return _Rule(
        id=entry["id"],
        kind=_CHAINS.get(entry["chain"]),
        text=re.compile(match["regex"], re.IGNORECASE) if "regex" in match else None,
        codes=frozenset(match.get("rpc_code", ())),
        statuses=frozenset(match.get("http", ())),
        exception=match.get("exception", ""),
        category=ErrorCategory(entry["category"]) if entry["category"] else None,
        remedy=Remedy(entry["retry"]),
    )
