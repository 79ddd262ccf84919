"""The shapes of the answers of algod and of an indexer that the adapter uses, as JSON Schema.

Written by hand for these answers alone, from the public OpenAPI documents of go-algorand
(`daemon/algod/api/algod.oas3.yml`) and of the indexer (`api/indexer.oas3.yml`): their names of
fields, types and required fields. The documents themselves are not part of this project. Of
algod's `PendingTransactionResponse` only what the SDK and the node's source name is written here.
Fields that nothing here can produce are left out, and unknown fields are refused.
"""

from typing import Any, Final

from jsonschema import Draft202012Validator

Schema = dict[str, Any]

_UINT: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 2**64 - 1}
_TEXT: Final[Schema] = {"type": "string"}
_FLAG: Final[Schema] = {"type": "boolean"}
_BYTES: Final[Schema] = {
    "type": "string",
    "pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
_ANY: Final[Schema] = {"type": "object"}


def _object(required: Schema, optional: Schema | None = None) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": sorted(required),
        "additionalProperties": False,
    }


ASSET_PARAMS: Final = _object(
    {"creator": _TEXT, "decimals": {**_UINT, "maximum": 19}, "total": _UINT},
    {
        **dict.fromkeys(("clawback", "freeze", "manager", "reserve"), _TEXT),
        **dict.fromkeys(("name", "unit-name", "url"), _TEXT),
        **dict.fromkeys(("name-b64", "unit-name-b64", "url-b64", "metadata-hash"), _BYTES),
        "default-frozen": _FLAG,
    },
)
_ACCOUNT: Final = _object(
    {
        "address": _TEXT,
        "amount": _UINT,
        "amount-without-pending-rewards": _UINT,
        "min-balance": _UINT,
        "pending-rewards": _UINT,
        "rewards": _UINT,
        "round": _UINT,
        "status": {"enum": ["Offline", "Online", "NotParticipating"]},
        "total-apps-opted-in": _UINT,
        "total-assets-opted-in": _UINT,
        "total-created-apps": _UINT,
        "total-created-assets": _UINT,
    },
    {"auth-addr": _TEXT},
)
_TRANSACTION: Final = _object(
    {
        "fee": _UINT,
        "first-valid": _UINT,
        "last-valid": _UINT,
        "sender": _TEXT,
        "tx-type": {"enum": ["pay", "keyreg", "acfg", "axfer", "afrz", "appl", "stpf", "hb"]},
    },
    {
        "id": _TEXT,
        "confirmed-round": _UINT,
        "intra-round-offset": _UINT,
        "created-asset-index": _UINT,
        "genesis-hash": _BYTES,
        "genesis-id": _TEXT,
        "lease": _BYTES,
        "round-time": _UINT,
        "signature": _object({}, {"sig": _BYTES}),
        "asset-config-transaction": _object({}, {"asset-id": _UINT, "params": ASSET_PARAMS}),
    },
)
_BLOCK: Final = _object(
    {
        "genesis-hash": _BYTES,
        "genesis-id": _TEXT,
        "previous-block-hash": _BYTES,
        "round": _UINT,
        "seed": _BYTES,
        "timestamp": _UINT,
        "transactions-root": _BYTES,
    }
)

ALGOD: Final = {
    "parameters": _object(
        {
            "consensus-version": _TEXT,
            "fee": _UINT,
            "genesis-hash": _BYTES,
            "genesis-id": _TEXT,
            "last-round": _UINT,
            "min-fee": _UINT,
        }
    ),
    "account": _ACCOUNT,
    "sent": _object({"txId": _TEXT}),
    "pending": _object(
        {"pool-error": _TEXT, "txn": _ANY}, {"confirmed-round": _UINT, "asset-index": _UINT}
    ),
    "asset": _object({"index": _UINT, "params": ASSET_PARAMS}),
}
INDEXER: Final = {
    "transactions": _object(
        {"current-round": _UINT, "transactions": {"type": "array", "items": _TRANSACTION}},
        {"next-token": _TEXT},
    ),
    "block": _BLOCK,
    "asset": _object(
        {
            "current-round": _UINT,
            "asset": _object(
                {"index": _UINT, "params": ASSET_PARAMS},
                {"created-at-round": _UINT, "deleted": _FLAG, "destroyed-at-round": _UINT},
            ),
        }
    ),
}


def problems(schema: Schema, answer: Any) -> list[str]:
    """Return in words where an answer is not of its shape."""
    return [error.message for error in Draft202012Validator(schema).iter_errors(answer)]
