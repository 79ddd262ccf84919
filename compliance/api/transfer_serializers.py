"""Requests and answers of transfer validation and of what it guards (seeds 1 and 2)."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema_field
from rest_framework import serializers

from accounts.api.networks import NetworkField
from accounts.networks import known_network
from compliance.services.transfers import MOST_AT_ONCE, Named, TransferAsk
from config.api.formats import amount_of
from config.api.serializers import (
    BIGINT_MAX,
    AssetIdField,
    BooleanField,
    ChoiceField,
    ErrorEnvelopeSerializer,
    IntegerField,
    MomentField,
    TextField,
    WireSerializer,
)
from whitelist.choices import EntryStatus
from whitelist.decision import Code, Role, Verdict

MOST_UNITS = 2**64 - 1
_ADDRESS_LENGTH = 100


class AddressField(TextField):
    """An address as the caller spells it; the token's network decides whether it is one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=_ADDRESS_LENGTH, **kwargs)


@extend_schema_field({"type": "number", "minimum": 0})
class AmountField(serializers.Field[Decimal, Any, Any, Any]):
    """A number of at least 0, whole or not; also accepted quoted, which loses no digit."""

    default_error_messages = {"invalid": "A number of at least 0 and at most 78 digits."}

    def to_internal_value(self, data: Any) -> Decimal:
        found = amount_of(data)
        if found is None:
            self.fail("invalid")
        return found


class ValidateTransferSerializer(WireSerializer):
    """One transfer to validate (seed 1, `ValidateTransferRequest`)."""

    asset_id = AssetIdField()
    from_address = AddressField()
    to_address = AddressField()
    amount = IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MOST_UNITS,
        help_text="In base units. Kept in the audit log; decides nothing yet.",
    )
    network = NetworkField()


class ValidateTransfersSerializer(WireSerializer):
    """Several transfers to validate, answered one by one in their order."""

    transfers = serializers.ListField(
        child=ValidateTransferSerializer(), min_length=1, max_length=MOST_AT_ONCE
    )


def ask_of(given: dict[str, Any]) -> TransferAsk:
    """Return the validated content of a `ValidateTransferSerializer` as the service takes it."""
    amount = given.get("amount")
    return TransferAsk(
        asset_id=given["asset_id"],
        network=given.get("network"),
        parties=(
            Named(Role.SENDER, given["from_address"], "fromAddress"),
            Named(Role.RECEIVER, given["to_address"], "toAddress"),
        ),
        amount=None if amount is None else Decimal(amount),
    )


_FIELDS = frozenset({"assetId", "fromAddress", "toAddress", "amount", "network"})


def quick_ask(data: Any) -> TransferAsk | None:
    """Return what `ask_of` would return, of a body that is plainly good; else None.

    Reading a body by a serializer costs as much as deciding on it. Whatever is not plainly good is
    for `ValidateTransferSerializer`, which says what is wrong with it.
    """
    if type(data) is not dict or not data.keys() <= _FIELDS:
        return None
    asset_id, amount, network = data.get("assetId"), data.get("amount"), data.get("network")
    sender, receiver = _plain(data.get("fromAddress")), _plain(data.get("toAddress"))
    if type(asset_id) is not int or not 0 < asset_id <= BIGINT_MAX or not sender or not receiver:
        return None
    if amount is not None and (type(amount) is not int or not 0 <= amount <= MOST_UNITS):
        return None
    if network is not None:
        known = known_network(network) if type(network) is str else None
        if known is None:
            return None
        network = known.name
    parties = Named(Role.SENDER, sender, "fromAddress"), Named(Role.RECEIVER, receiver, "toAddress")
    return TransferAsk(asset_id, network, parties, None if amount is None else Decimal(amount))


def _plain(text: Any) -> str | None:
    if type(text) is not str or len(text) > _ADDRESS_LENGTH or not text.isprintable():
        return None
    return text.strip()


class PartyStatusSerializer(WireSerializer):
    """What the whitelist says of one address."""

    address = serializers.CharField()
    is_whitelisted = BooleanField()
    is_active = BooleanField()
    is_expired = BooleanField()
    expiration_date = MomentField(allow_null=True)
    status = ChoiceField(EntryStatus, allow_null=True)


class TransferCheckSerializer(WireSerializer):
    """One check that was made. A `Warning` is what a Mandatory whitelist would deny."""

    code = serializers.ChoiceField(choices=list(Code))
    party = serializers.ChoiceField(choices=list(Role), allow_null=True)
    verdict = serializers.ChoiceField(choices=list(Verdict))
    reason = serializers.CharField()
    fix = serializers.CharField(allow_null=True, help_text="What would make it pass.")
    erc1404_code = serializers.IntegerField(
        allow_null=True, help_text="1: not whitelisted; 2: time locked; null: no code corresponds."
    )


class TransferAnswerSerializer(WireSerializer):
    """The answer to one transfer (seed 1, `ValidateTransferResponse`)."""

    success = serializers.BooleanField()
    is_allowed = BooleanField()
    denial_reason = serializers.CharField(allow_null=True)
    sender_status = PartyStatusSerializer(allow_null=True)
    receiver_status = PartyStatusSerializer(allow_null=True)
    asset_id = serializers.IntegerField()
    network = serializers.CharField(allow_null=True)
    validated_at = MomentField()
    checks = TransferCheckSerializer(many=True)


class TransferResultSerializer(TransferAnswerSerializer):
    """The answer to one of several; one that could not be read has the error fields alone."""

    error_code = serializers.CharField(required=False)
    error_message = serializers.CharField(required=False)
    details = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()), required=False
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for name in fields.keys() - {"success", "isAllowed"}:
            fields[name].required = False
        return fields


class TransferResultsSerializer(WireSerializer):
    """The answers to several transfers, in their order."""

    success = serializers.BooleanField()
    results = TransferResultSerializer(many=True)
    total_count = serializers.IntegerField()
    allowed_count = serializers.IntegerField()
    denied_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()


class BlockedSerializer(ErrorEnvelopeSerializer):
    """The error envelope of an enforced operation (seed 2, "Error Responses").

    From `address` on, only where the rules forbid the operation.
    """

    is_allowed = serializers.BooleanField(default=False)
    address = serializers.CharField(required=False, allow_null=True)
    asset_id = serializers.IntegerField(required=False)
    denial_reason = serializers.CharField(required=False)
    checks = TransferCheckSerializer(many=True, required=False)


ENFORCED_ERRORS = {
    400: OpenApiResponse(BlockedSerializer, "The request is not valid; nothing was done."),
    401: OpenApiResponse(BlockedSerializer, "Nobody is signed in, or nobody with an address."),
    403: OpenApiResponse(BlockedSerializer, "The rules of the token forbid the operation."),
}


class MintSimulationSerializer(WireSerializer):
    """A mint to try (incumbent, section 8)."""

    asset_id = AssetIdField()
    to_address = AddressField()
    amount = AmountField(required=False, default=Decimal(0))
    network = NetworkField()


class BurnSimulationSerializer(WireSerializer):
    """A burn to try (incumbent, section 8)."""

    asset_id = AssetIdField()
    from_address = AddressField()
    amount = AmountField(required=False, default=Decimal(0))
    network = NetworkField()


class TransferSimulationSerializer(BurnSimulationSerializer):
    """A transfer to try (incumbent, section 8)."""

    to_address = AddressField()
