"""The entries of whitelists as CSV records: the incumbent's columns, and two of ours."""

from collections.abc import Iterator
from typing import Any, Final

from django.db.models import F, QuerySet

from whitelist.models import WhitelistEntry

_FIELDS: Final = (
    ("Id", "pk"),
    ("AssetId", "token__asset_id"),
    ("Address", "address"),
    ("Status", "status"),
    ("CreatedBy", "created_by"),
    ("CreatedAt", "created_at"),
    ("UpdatedAt", "updated_at"),
    ("UpdatedBy", "updated_by"),
    ("Reason", "reason"),
    ("ExpirationDate", "expiration_date"),
    ("KycVerified", "kyc_verified"),
    ("KycVerificationDate", "kyc_verification_date"),
    ("KycProvider", "kyc_provider"),
    ("Network", "token__network"),
    ("Role", "role"),
    ("InvestorCategory", "investor_category"),
    ("JurisdictionCode", "jurisdiction_code"),
)
ENTRY_COLUMNS: Final = tuple(name for name, _ in _FIELDS)
ENTRY_BARE: Final = frozenset({1, 10})


def entry_rows(entries: QuerySet[WhitelistEntry]) -> Iterator[tuple[Any, ...]]:
    """Yield the CSV records of the entries, in the order of `ENTRY_COLUMNS`, oldest first."""
    columns = [F(column) for _, column in _FIELDS]
    rows = entries.order_by("created_at", "pk").values_list(*columns)
    yield from rows.iterator(chunk_size=1_000)
