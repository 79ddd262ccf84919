"""Facts as people recorded them: where each is written, how it is kept, what the engine gets."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from accounts.models import Issuer, Token
from jurisdictions.catalogue import FactCatalogue, FactDefinition
from jurisdictions.engine import FactValue as EngineValue
from jurisdictions.engine.values import as_day
from jurisdictions.models import FactValue
from jurisdictions.querysets import FactValueQuerySet

MAX_FACTS = 200
_MAX_TEXT = 2_000
_MAX_MEMBERS = 100
# JSON readers round integers above it, and what a report cannot hold exactly it must not claim.
_MAX_INTEGER = 2**53 - 1

# Facts that a column of another record holds, and where that is written.
_RECORD = "It is part of the metadata: write it there, by POST /api/v1/compliance."
_TAG = (
    "It belongs to a jurisdiction tag: write it there, by POST "
    "/api/v1/compliance/jurisdiction-rules/assign."
)
_DEPLOYMENT = "It follows from the token's deployment record."
_PROFILE = "It is part of the issuer's profile, which a compliance officer changes in the admin."
_OF_AN_ISSUER = "It is a fact of the issuer: record it there, by POST /api/v1/issuers/{id}/facts."
_OF_AN_ASSET = (
    "It is a fact of a token: record it there, by POST /api/v1/compliance/{assetId}/facts."
)
_HOMES: Mapping[str, str] = {
    "token.deploymentStatus": _DEPLOYMENT,
    "issuer.legalName": _PROFILE,
    "issuer.entityType": _PROFILE,
    "issuer.lei": _PROFILE,
    "issuer.registrationNumber": _PROFILE,
    "issuer.country": _PROFILE,
    "issuer.roles": _PROFILE,
}
_HOMES_OF_GROUPS: Mapping[str, str] = {"metadata": _RECORD, "tag": _TAG}


def is_about_issuer(path: str) -> bool:
    """Return whether a fact is one of the issuer, and so of all its tokens."""
    return path.startswith("issuer.")


def home_of(path: str) -> str | None:
    """Return where a fact is written that has a record of its own; None where it is recorded here.

    Every fact has one home, so that two records never contradict each other.
    """
    return _HOMES.get(path) or _HOMES_OF_GROUPS.get(path.partition(".")[0])


def recordable(catalogue: FactCatalogue) -> list[FactDefinition]:
    """Return the facts that are recorded here, by path."""
    found = (one for path, one in catalogue.definitions.items() if home_of(path) is None)
    return sorted(found, key=lambda one: one.path)


def problem_with(
    catalogue: FactCatalogue, path: str, value: object, *, of_issuer: bool
) -> str | None:
    """Return why the value cannot be recorded for a token or an issuer, or None if it can.

    None withdraws a fact.
    """
    definition = catalogue.get(path)
    if definition is None:
        return "There is no such fact."
    if home := home_of(path):
        return home
    if is_about_issuer(path) != of_issuer:
        return _OF_AN_ASSET if of_issuer else _OF_AN_ISSUER
    if value is None:
        return None
    if problem := _too_much(value):
        return problem
    return definition.problem_with(value)


def kept(definition: FactDefinition, value: Any) -> Any:
    """Return the JSON value that is stored: a date as the text of its UTC day, a list as a list."""
    if definition.type == "date":
        day = as_day(value)
        return None if day is None else day.isoformat()
    return list(value) if isinstance(value, tuple) else value


def engine_value(definition: FactDefinition | None, value: Any) -> EngineValue:
    """Return what the engine gets for a stored value: a date for a day, a tuple for a list."""
    if definition is not None and definition.type == "date":
        return as_day(value)
    return tuple(value) if isinstance(value, list) else value


def current_facts(
    *, token: Token | None = None, issuer: Issuer | None = None, as_of: datetime | None = None
) -> list[FactValue]:
    """Return the rows that hold now, or at `as_of`, by path, without withdrawn ones."""
    rows = FactValue.objects.current(token=token, issuer=issuer, as_of=as_of)
    return sorted((row for row in rows if row.value is not None), key=lambda row: row.path)


def fact_history(*, token: Token | None = None, issuer: Issuer | None = None) -> FactValueQuerySet:
    """Return everything that was ever recorded of a token, or of an issuer, withdrawals too."""
    return FactValue.objects.filter(token=token, issuer=issuer)


def facts_for_engine(
    token: Token, catalogue: FactCatalogue, as_of: datetime | None = None
) -> dict[str, EngineValue]:
    """Return what is recorded of a token and of its issuer, as the engine reads it.

    A fact that has got another home since, or left the catalogue, is left out. With `as_of`: what
    was recorded by that moment.
    """
    return {
        row.path: engine_value(catalogue.get(row.path), row.value)
        for row in current_facts(token=token, issuer=token.issuer, as_of=as_of)
        if row.path in catalogue and home_of(row.path) is None
    }


def facts_etag(rows: Iterable[FactValue]) -> str:
    """Return a name of this state: rows never change, so the greatest id of each path says all."""
    ids = [row.pk for row in rows]
    return f"facts-{max(ids, default=0)}-{len(ids)}"


def _too_much(value: object) -> str | None:
    if isinstance(value, str):
        return f"At most {_MAX_TEXT} characters." if len(value) > _MAX_TEXT else _unfit(value)
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        return f"At most {_MAX_INTEGER} either side of zero."
    if isinstance(value, list | tuple):
        if len(value) > _MAX_MEMBERS:
            return f"At most {_MAX_MEMBERS} members."
        if not all(isinstance(member, str) for member in value):
            return "A list holds texts alone."
        return next((found for member in value if (found := _too_much(member))), None)
    if isinstance(value, Mapping):
        return "An object is no value of a fact."
    return None


def _unfit(text: str) -> str | None:
    return "Null characters are not allowed." if "\x00" in text else None
