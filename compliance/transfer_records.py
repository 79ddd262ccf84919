"""What a transfer is decided from, read in one statement: hot, and so plain SQL.

One row an asked address of each token that has an asked asset id; the ORM would take longer to
compose this than PostgreSQL takes to answer it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.dateparse import parse_datetime

from accounts.models import Token
from compliance.models import ComplianceMetadata
from jurisdictions.models import FactValue
from whitelist.decision import ACTIVE, Entry, Restrictions
from whitelist.models import WhitelistEntry, WhitelistPolicy

LOCKED_UNTIL, BLOCKED, HOLDERS = (
    "token.lockUpUntil",
    "token.blockedJurisdictions",
    "token.holderCount",
)
_MOST_NETWORKS = 20
_ENTRIES = WhitelistEntry._meta.db_table


def _fact(path: str) -> str:
    return (
        f"(SELECT f.value FROM {FactValue._meta.db_table} f "  # noqa: S608 - constants
        f"WHERE f.token_id = t.id AND f.path = '{path}' ORDER BY f.id DESC LIMIT 1)"
    )


# {most} stops the count where it is known to be too many; SQLite has no such limit.
_READ = f"""
WITH asked (asset_id, network) AS (VALUES {{assets}}),
addresses (asset_id, address) AS (VALUES {{addresses}}),
tokens AS MATERIALIZED (
    SELECT t.id, t.asset_id, t.network, t.issuer_id, p.enforcement,
        m.max_holders, m.requires_accredited_investors,
        {_fact(LOCKED_UNTIL)} AS locked_until, {_fact(BLOCKED)} AS blocked,
        {_fact(HOLDERS)} AS holders,
        CASE WHEN m.max_holders IS NULL OR {_fact(HOLDERS)} IS NOT NULL THEN NULL ELSE (
            SELECT COUNT(*) FROM (
                SELECT 1 FROM {_ENTRIES} h WHERE h.token_id = t.id AND h.status = '{ACTIVE}'
                AND (h.expiration_date IS NULL OR h.expiration_date > %s) {{most}}
            ) admitted
        ) END AS admitted
    FROM asked a
    JOIN {Token._meta.db_table} t
        ON t.asset_id = a.asset_id AND (a.network IS NULL OR t.network = a.network)
    LEFT JOIN {WhitelistPolicy._meta.db_table} p ON p.token_id = t.id
    LEFT JOIN {ComplianceMetadata._meta.db_table} m ON m.token_id = t.id
    {{limit}}
)
SELECT t.*, e.address, e.status, e.expiration_date, e.investor_category, e.jurisdiction_code
FROM tokens t JOIN addresses a ON a.asset_id = t.asset_id
LEFT JOIN {_ENTRIES} e ON e.token_id = t.id AND e.address = a.address
"""  # noqa: S608 - constants


UNRESTRICTED = Restrictions()


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token as a transfer of it is decided: its policy, its restrictions, the asked entries."""

    asset_id: int
    network: str
    issuer_id: UUID | None = None
    enforcement: str | None = None
    restrictions: Restrictions = UNRESTRICTED
    entries: dict[str, Entry] = field(default_factory=dict)


def transfer_records(
    assets: Iterable[tuple[int, str | None]], addresses: Iterable[tuple[int, str]], now: datetime
) -> dict[int, list[TokenRecord]]:
    """Return the tokens asked for by asset id, each with its entries of the asked addresses.

    `assets` are pairs of an asset id and a network, None for any; `addresses` pairs of an asset id
    and an address in its stored spelling. One statement, whatever their number.
    """
    wanted, named = list(dict.fromkeys(assets)), list(dict.fromkeys(addresses))
    if not wanted or not named:
        return {}
    database = connections[DEFAULT_DB_ALIAS]
    statement = _statement(len(wanted), len(named), database.vendor)
    values = [value for pair in (*wanted, *named) for value in pair]
    moment = database.ops.adapt_datetimefield_value(now)
    with database.cursor() as cursor:
        cursor.execute(statement, [*values, moment])
        rows = cursor.fetchall()
    found: dict[int, TokenRecord] = {}
    for row in rows:
        record = found.get(row[0])
        if record is None:
            record = found[row[0]] = _record(row)
        if row[11] is not None:
            address, status, expiration_date, category, jurisdiction = row[11:]
            record.entries[address] = Entry(
                status, _moment(expiration_date), category, jurisdiction
            )
    by_asset: dict[int, list[TokenRecord]] = {}
    for record in found.values():
        by_asset.setdefault(record.asset_id, []).append(record)
    return by_asset


@lru_cache(maxsize=32)
def _statement(assets: int, addresses: int, vendor: str) -> str:
    return _READ.format(
        assets=_places(assets),
        addresses=_places(addresses),
        most="LIMIT m.max_holders + 1" if vendor == "postgresql" else "",
        limit=f"ORDER BY t.network LIMIT {_MOST_NETWORKS}" if assets == 1 else "",
    )


_FIRST, _OTHER = "(CAST(%s AS bigint), CAST(%s AS varchar))", ", (%s, %s)"


def _places(count: int) -> str:
    return _FIRST + _OTHER * (count - 1)


def _record(row: Sequence[Any]) -> TokenRecord:
    issuer_id, holders = row[3], _json(row[9])
    return TokenRecord(
        asset_id=row[1],
        network=row[2],
        issuer_id=UUID(issuer_id) if isinstance(issuer_id, str) else issuer_id,
        enforcement=row[4],
        restrictions=Restrictions(
            max_holders=row[5],
            holders=holders if holders is not None else row[10] or 0,
            locked_until=_moment(_json(row[7])),
            blocked_jurisdictions=frozenset(
                code.strip().upper() for code in _json(row[8]) or () if code.strip()
            ),
            accredited_only=bool(row[6]),
        ),
    )


def _json(value: Any) -> Any:
    """Return a JSON column, which a raw cursor gives as text."""
    return orjson.loads(value) if isinstance(value, str) else value


def _moment(value: Any) -> datetime | None:
    """Return the moment of a column, which SQLite gives as text, or of a fact; a day begins it."""
    if isinstance(value, str):
        value = parse_datetime(value) or datetime.fromisoformat(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value if isinstance(value, datetime) else None
