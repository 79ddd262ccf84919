"""The whitelist's views of the log.

The shapes are the incumbent's (names instead of its integers), with what our log knows besides.
"""

from collections.abc import Mapping
from typing import Any, Final

from audit.api.log_views import kept_for_years
from audit.log_fields import boolean, number, pick, text, word
from audit.log_views import LogView, register
from audit.querysets import AuditEventQuerySet
from whitelist.api.log_filters import EnforcementFilter, WhitelistLogFilter
from whitelist.choices import LogAction
from whitelist.enforcement import enforcement_summary, validated_transfers, whitelist_events
from whitelist.log_entries import ACTIONS

_FIELDS: Final = (
    text("id"),
    number("assetId"),
    text("address", "affectedAddress"),
    word("actionType", "name", ACTIONS, otherwise=LogAction.UPDATE),
    text("performedBy", "actor"),
    text("performedAt", "occurredAt"),
    text("oldStatus"),
    text("newStatus"),
    text("notes"),
    text("toAddress"),
    boolean("transferAllowed"),
    text("denialReason", "denialReason", "details.denialReason"),
    number("amount", "amount", "details.amount"),  # base units
    text("network"),
    text("role", "details.role"),  # who they were, never what they said they were
    boolean("success"),
    text("errorMessage"),
    text("eventType", "name"),
    text("correlationId"),
)

WHITELIST_AUDIT_LOG: Final = LogView(
    name="whitelist-audit-log",
    events=whitelist_events,
    filters=WhitelistLogFilter,
    fields=_FIELDS,
    columns=pick(
        _FIELDS,
        "id",
        "assetId",
        "address",
        "actionType",
        "performedBy",
        "performedAt",
        "oldStatus",
        "newStatus",
        "notes",
        "toAddress",
        "transferAllowed",
        "denialReason",
        "amount",
        "network",
        "role",
    ),
    more=kept_for_years,
)


def _summary(events: AuditEventQuerySet) -> dict[str, Any]:
    return {"summary": enforcement_summary(events)}


def _summed(events: AuditEventQuerySet, more: Mapping[str, Any]) -> int:
    total: int = more["summary"]["totalValidations"]
    return total


WHITELIST_ENFORCEMENT_REPORT: Final = LogView(
    name="whitelist-enforcement-report",
    events=validated_transfers,
    filters=EnforcementFilter,
    fields=_FIELDS,
    columns=pick(
        (*_FIELDS, text("fromAddress", "affectedAddress")),
        "id",
        "assetId",
        "fromAddress",
        "toAddress",
        "performedBy",
        "performedAt",
        "transferAllowed",
        "denialReason",
        "amount",
        "network",
        "role",
        "notes",
    ),
    more=_summary,
    count=_summed,
)

register(WHITELIST_AUDIT_LOG, WHITELIST_ENFORCEMENT_REPORT)
