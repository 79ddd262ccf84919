"""What an officer states of a token that was issued elsewhere."""

from datetime import UTC, datetime

from accounts.models import Token
from tests.factories import wallet

ISSUED = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
AVM_TRANSACTION = "GT5RCD7R4XNZKWEAPX5UKGKPVMJKQSL5PVTBGU4EA4VCVF4IWKBQ"


def statement(token: Token, **changes: object) -> dict[str, object]:
    """Return valid arguments of `deployment_import`, with these changes."""
    return {
        "token": token,
        "transaction_id": AVM_TRANSACTION,
        "confirmed_round": 50_000_000,
        "deployed_by": wallet(1),
        "standard": "ASA",
        "deployed_at": ISSUED,
        **changes,
    }
