"""Whitelist enforcement for any endpoint (seed 2): `@whitelist_enforced`. See docs/enforcement.md.

The action runs only where the transfer that it would carry out is allowed. Whatever goes wrong
before that, a database that is down included, answers with `isAllowed` false and the action does
not run. Every attempt is an event.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import wraps
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from accounts.api.actor import actor_of
from accounts.networks import canonical_network
from audit.context import asset_of
from compliance.services.transfers import (
    FAILED,
    Named,
    TransferAnswer,
    TransferAsk,
    check_documents,
    transfer_validate,
)
from config.api.errors import DomainError, ServiceUnavailable, ValidationFailed
from config.api.formats import amount_of
from config.api.handler import Failure
from whitelist.decision import Code, Role

logger = logging.getLogger("assayer.api")

Action = TypeVar("Action", bound=Callable[..., Any])
NO_USER = "User address not found in authentication context"
UNLISTED = "Address not whitelisted for this asset"
_PASSED = "_whitelist_passed"


class OperationBlocked(DomainError):
    """The transfer that the operation would carry out is denied (403); it is recorded."""

    code = "OPERATION_BLOCKED"

    def __init__(self, answer: TransferAnswer) -> None:
        first = answer.decision.denying[0]
        party = answer.party(first.role) if first.role is not None else None
        reason = UNLISTED if first.code is Code.LISTED else first.reason
        super().__init__(
            f"Operation blocked: {reason}",
            extra={
                "address": party.address if party is not None else None,
                "assetId": answer.asset_id,
                "denialReason": answer.decision.denial_reason,
                "checks": check_documents(answer.decision),
            },
        )


class UserAddressMissing(NotAuthenticated):
    """Whoever asks has no address that a whitelist could hold (401)."""

    reason_code = "NO_ADDRESS"


class EnforcementFailed(DomainError):
    """The enforcement itself broke (500); the operation did not run."""

    code = "INTERNAL_ERROR"


def whitelist_enforced(
    *,
    asset_id: str = "assetId",
    addresses: Sequence[str] = (),
    validate_user: bool = False,
    network: str = "network",
    amount: str | None = None,
    operation: str | None = None,
    body: type[BaseSerializer[Any]] | None = None,
) -> Callable[[Action], Action]:
    """Let an action of a DRF view run only where the whitelist of the token allows it.

    `asset_id`, `addresses`, `network` and `amount` are names of the path, of the query or of the
    body; `order.toAddress` is `toAddress` within `order` of the body. An address whose name starts
    with `from`, `sender` or `owner` gives the token away, any other receives it. With
    `validate_user` the address of whoever asks must be whitelisted too. `operation` is the event's
    word for it, the action's own name unless given. `body` checks the body before anything is
    decided, so that a request that is refused anyway is no validation.

    In this order: 400 for the asset id, 401 for the user, 400 for each address that is missing or
    malformed, 400 for the body, 403 for what the rules forbid. `decision_of(request)` is the answer
    within the action.
    """
    if not addresses and not validate_user:
        raise TypeError("whitelist_enforced needs an address to look at")

    def decorate(action: Action) -> Action:
        word = operation or action.__name__

        @wraps(action)
        def enforced(*args: Any, **kwargs: Any) -> Any:
            request = _request_among(args)
            ask = _Ask(request, kwargs)
            try:
                wanted = TransferAsk(
                    asset_id=ask.asset_id(asset_id),
                    network=ask.network(network),
                    parties=ask.parties(addresses, validate_user),
                    amount=ask.amount(amount),
                    operation=word,
                )
                if body is not None:
                    body(data=request.data).is_valid(raise_exception=True)
                answer = transfer_validate(actor=actor_of(request), ask=wanted)
                if not answer.decision.allowed:
                    raise OperationBlocked(answer)
            except (DomainError, APIException):
                raise
            except (OperationalError, InterfaceError) as error:
                logger.exception("whitelist enforcement without a database")
                raise ServiceUnavailable from error
            except Exception as error:
                logger.exception("whitelist enforcement failed")
                raise EnforcementFailed from error
            vars(request)[_PASSED] = answer
            return action(*args, **kwargs)

        enforced.amend_failure = _amend_failure  # type: ignore[attr-defined]
        return enforced  # type: ignore[return-value]

    return decorate


def decision_of(request: Request) -> TransferAnswer:
    """Return what was decided for the enforced action that handles `request`."""
    answer: TransferAnswer = vars(request)[_PASSED]
    return answer


def _amend_failure(request: Request, failure: Failure) -> Failure:
    """Add `isAllowed` to what an enforced action answers before it may run (`config.api.handler`).

    A failure that is no denial of the caller is an attempt too, and is recorded as one.
    """
    if _PASSED in vars(request):
        return failure
    extra = {"isAllowed": False, **failure.extra}
    if failure.status == 401:
        return replace(failure, extra=extra, message=NO_USER)
    recorded = "" if failure.code == OperationBlocked.code else FAILED
    return replace(failure, extra=extra, event=recorded)


def _request_among(args: Sequence[Any]) -> Request:
    for one in args[:2]:
        if isinstance(one, Request):
            return one
    raise TypeError("whitelist_enforced is for actions and handlers of DRF views")


class _Ask:
    """What a request names, wherever it names it. Named twice and differently is a 400."""

    def __init__(self, request: Request, path: Mapping[str, Any]) -> None:
        self.request, self.path = request, path

    def asset_id(self, name: str) -> int:
        found = asset_of(self._one(name))
        if found is None:
            message = f"Asset ID parameter '{name}' not found or invalid"
            raise ValidationFailed(message, details={name: [message]})
        return found

    def network(self, name: str) -> str | None:
        raw = self._one(name)
        if raw is None or raw == "":
            return None
        try:
            if not isinstance(raw, str):
                raise ValueError("A network is named by a text.")
            return "" if raw.strip().lower() == "(none)" else canonical_network(raw)
        except ValueError as problem:
            raise ValidationFailed(f"{name}: {problem}", details={name: [str(problem)]}) from None

    def parties(self, names: Sequence[str], validate_user: bool) -> tuple[Named, ...]:
        parties = []
        if validate_user:
            address = actor_of(self.request).address
            if not address:
                raise UserAddressMissing
            parties.append(Named(Role.USER, address, "user"))
        for name in names:
            raw = self._one(name)
            if not isinstance(raw, str) or not raw.strip():
                message = f"Address parameter '{name}' not found or invalid"
                raise ValidationFailed(message, details={name: [message]})
            parties.append(Named(role_of(name), raw, name))
        # The pair first: the reasons then read in the order of the transfer.
        return tuple(sorted(parties, key=lambda party: list(Role).index(party.role)))

    def amount(self, name: str | None) -> Decimal | None:
        raw = None if name is None else self._one(name)
        found = None if raw is None else amount_of(raw)
        if raw is not None and found is None:
            message = f"Amount parameter '{name}' is not a number of at least 0"
            raise ValidationFailed(message, details={str(name): [message]})
        return found

    def _one(self, name: str) -> Any:
        """Return the one value under the name, None where there is none."""
        found = [value for value in self._all(name) if value is not None]
        if any(type(other) is not type(found[0]) or other != found[0] for other in found[1:]):
            message = f"Parameter '{name}' is given more than once, and differently"
            raise ValidationFailed(message, details={name: [message]})
        return found[0] if found else None

    def _all(self, name: str) -> Iterator[Any]:
        snake = "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name)
        for key in {name, snake}:
            yield self.path.get(key)
        yield from self.request.query_params.getlist(name)
        data: Any = self.request.data
        for key in name.split("."):
            data = data.get(key) if isinstance(data, Mapping) else None
        yield data


def role_of(name: str) -> Role:
    """Return the role of the address under this name: a giver by its first word, else a taker."""
    last = name.rpartition(".")[2].lower()
    return Role.SENDER if last.startswith(("from", "sender", "owner")) else Role.RECEIVER
