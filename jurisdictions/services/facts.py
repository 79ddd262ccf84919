"""Recording facts of tokens and issuers. What was recorded before stays in the history."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Issuer, Token, User
from accounts.services import token_for_write
from audit.services import record_event
from config.api.errors import ValidationFailed
from config.api.preconditions import require_match
from jurisdictions.facts import MAX_FACTS, current_facts, facts_etag, kept, problem_with
from jurisdictions.models import FactValue
from jurisdictions.selectors import fact_catalogue
from jurisdictions.services.subjects import issuer_for_write

_SHOWN_PROBLEMS = 20
_SHOWN_TEXT = 300


@transaction.atomic
def facts_record(
    *,
    actor: User,
    asset_id: int,
    network: str | None,
    facts: Mapping[str, Any],
    if_match: str | None = None,
) -> Token:
    """Record facts of a token by catalogue path, and return the token; None withdraws a fact.

    Token writers only; an unchanged value makes no new row. Raises `ValidationFailed`, by
    `facts.<path>`, `PermissionRefused`, `AmbiguousAsset`, `PreconditionFailed`.
    """
    values = _checked(facts, of_issuer=False)
    token = token_for_write(actor=actor, asset_id=asset_id, network=network)
    changed = _append(actor, values, if_match, token=token)
    if changed:
        record_event(
            "jurisdictions.facts.recorded",
            actor=actor,
            **token.event_fields,
            item_count=len(changed),
            details=_details(changed),
        )
    return token


@transaction.atomic
def issuer_facts_record(
    *,
    actor: User,
    issuer_id: UUID,
    facts: Mapping[str, Any],
    if_match: str | None = None,
) -> Issuer:
    """Record facts of an issuer by catalogue path, and return the issuer; None withdraws a fact.

    Officers, and the issuer's Owners and Operators. Raises as `facts_record`, and `NotVisible`.
    """
    values = _checked(facts, of_issuer=True)
    issuer = issuer_for_write(actor=actor, issuer_id=issuer_id)
    changed = _append(actor, values, if_match, issuer=issuer)
    if changed:
        record_event(
            "jurisdictions.facts.recorded",
            actor=actor,
            issuer_id=issuer.pk,
            item_count=len(changed),
            details=_details(changed),
        )
    return issuer


def _checked(facts: Mapping[str, Any], *, of_issuer: bool) -> dict[str, Any]:
    if len(facts) > MAX_FACTS:
        raise ValidationFailed(
            "Too many facts at once.", details={"facts": [f"At most {MAX_FACTS} at once."]}
        )
    catalogue = fact_catalogue()
    problems: dict[str, list[str]] = {}
    for path, value in facts.items():
        if problem := problem_with(catalogue, path, value, of_issuer=of_issuer):
            problems[f"facts.{path[:100]}"] = [problem[:_SHOWN_TEXT]]
            if len(problems) == _SHOWN_PROBLEMS:
                break
    if problems:
        # The message goes to the log, so it names no value.
        raise ValidationFailed("Some facts cannot be recorded; see details.", details=problems)
    return {
        path: None if value is None else kept(catalogue.definitions[path], value)
        for path, value in facts.items()
    }


def _append(
    actor: User,
    values: Mapping[str, Any],
    if_match: str | None,
    *,
    token: Token | None = None,
    issuer: Issuer | None = None,
) -> list[FactValue]:
    """Add a row for every value that differs from what holds; the subject is locked."""
    current = current_facts(token=token, issuer=issuer)
    require_match(if_match, facts_etag(current))
    before = {row.path: row.value for row in current}
    now = timezone.now()
    rows = [
        FactValue(
            token=token,
            issuer=issuer,
            path=path,
            value=value,
            recorded_by=actor.label,
            recorded_by_id=actor.principal_id,
            recorded_at=now,
        )
        for path, value in sorted(values.items())
        if not _same(before.get(path), value)
    ]
    return FactValue.objects.bulk_create(rows)


def _same(before: Any, after: Any) -> bool:
    # True equals 1 for Python, and 1 equals 1.0, which is the same number in JSON.
    return isinstance(before, bool) == isinstance(after, bool) and bool(before == after)


def _details(rows: list[FactValue]) -> dict[str, Any]:
    # Paths alone: a value may be a name, an e-mail address or a telephone number.
    return {
        "recorded": [row.path for row in rows if row.value is not None],
        "withdrawn": [row.path for row in rows if row.value is None],
    }
