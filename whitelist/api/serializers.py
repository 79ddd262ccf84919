"""Requests and answers about the entries of a whitelist and its policy."""

from typing import Any

from rest_framework import serializers

from accounts.api.networks import NetworkField
from config.api.serializers import (
    AssetIdField,
    BooleanField,
    ChoiceField,
    MomentField,
    TextField,
    WireSerializer,
)
from whitelist.addresses import MAX_LENGTH
from whitelist.choices import BulkMode, Enforcement, EntryStatus, InvestorCategory, WhitelistRole
from whitelist.models import WhitelistEntry
from whitelist.services.bulk import MAX_ADDRESSES


def _text(limit: int, **kwargs: Any) -> TextField:
    return TextField(max_length=limit, required=False, allow_null=True, allow_blank=True, **kwargs)


def _moment() -> MomentField:
    return MomentField(required=False, allow_null=True)


class _ContentSerializer(WireSerializer):
    """What can be said of entries; absent fields stay as they are, a null clears."""

    asset_id = AssetIdField()
    network = NetworkField()
    status = ChoiceField(EntryStatus, required=False, allow_null=True)
    reason = _text(500)
    expiration_date = _moment()
    kyc_verified = BooleanField(required=False, allow_null=True)
    kyc_verification_date = _moment()
    kyc_provider = _text(200)
    investor_category = ChoiceField(InvestorCategory, required=False, allow_null=True)
    jurisdiction_code = _text(6, help_text="ISO 3166, DE or US-NY.")
    role = ChoiceField(
        WhitelistRole,
        required=False,
        allow_null=True,
        help_text="Follows from who the caller is; may be stated, and another one is refused.",
    )


class EntryWriteSerializer(_ContentSerializer):
    """List an address, or change what its entry says (seed 1, "Enhanced Whitelist Entries")."""

    address = TextField(max_length=MAX_LENGTH)


class BulkWriteSerializer(_ContentSerializer):
    """List many addresses, all with the same content."""

    addresses = serializers.ListField(
        # What is too long for an address is one that cannot be listed, and no malformed request.
        child=TextField(allow_blank=True, trim_whitespace=False),
        min_length=1,
        max_length=MAX_ADDRESSES,
    )
    mode = ChoiceField(
        BulkMode,
        required=False,
        allow_null=True,
        help_text="All (as where it is absent): one that cannot be listed refuses the whole.",
    )


class EntryRemoveSerializer(WireSerializer):
    """Which address to take from which whitelist."""

    asset_id = AssetIdField()
    network = NetworkField()
    address = TextField(max_length=MAX_LENGTH)


class EntrySerializer(WireSerializer):
    """One entry; whether it `isExpired` is computed at the moment of the answer."""

    id = serializers.UUIDField()
    asset_id = serializers.IntegerField(source="token.asset_id")
    network = serializers.SerializerMethodField()
    address = serializers.CharField()
    status = ChoiceField(EntryStatus)
    reason = serializers.CharField(allow_null=True)
    expiration_date = MomentField(allow_null=True)
    is_expired = serializers.SerializerMethodField()
    kyc_verified = serializers.BooleanField()
    kyc_verification_date = MomentField(allow_null=True)
    kyc_provider = serializers.CharField(allow_null=True)
    investor_category = ChoiceField(InvestorCategory, allow_null=True)
    jurisdiction_code = serializers.CharField(allow_null=True)
    created_by = serializers.CharField()
    created_at = MomentField()
    updated_by = serializers.CharField(allow_null=True)
    updated_at = MomentField(allow_null=True)
    role = ChoiceField(
        WhitelistRole, allow_null=True, help_text="As what its last writer wrote the entry."
    )

    def get_network(self, entry: WhitelistEntry) -> str | None:
        return entry.token.network or None

    def get_is_expired(self, entry: WhitelistEntry) -> bool:
        return entry.is_expired(self.context["now"])


class RefusedAddressSerializer(WireSerializer):
    """An address that was not listed: where in the request it was, from 0, and why."""

    index = serializers.IntegerField()
    address = serializers.CharField()
    messages = serializers.ListField(child=serializers.CharField())


class DuplicateAddressSerializer(WireSerializer):
    """An address that was sent more than once, and where."""

    address = serializers.CharField()
    indexes = serializers.ListField(child=serializers.IntegerField())


class BulkAnswerSerializer(WireSerializer):
    """What became of the addresses of a request; each counts once."""

    success = serializers.BooleanField(help_text="True: a request that is refused is a 4xx.")
    successful_entries = EntrySerializer(many=True)
    failed_addresses = serializers.ListField(child=serializers.CharField())
    success_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    created_count = serializers.IntegerField()
    updated_count = serializers.IntegerField()
    unchanged_count = serializers.IntegerField()
    validation_errors = serializers.ListField(child=serializers.CharField())
    errors = RefusedAddressSerializer(many=True)  # type: ignore[assignment]
    duplicates = DuplicateAddressSerializer(many=True)
    warnings = serializers.ListField(child=serializers.CharField())


class PolicyWriteSerializer(WireSerializer):
    """Say how a whitelist binds the transfers of its token."""

    network = NetworkField()
    enforcement = ChoiceField(Enforcement)


class PolicySerializer(WireSerializer):
    """How a whitelist binds transfers, who said so and when; all null where nobody ever did."""

    asset_id = serializers.IntegerField()
    network = serializers.CharField(allow_null=True)
    enforcement = ChoiceField(Enforcement, allow_null=True)
    set_by = serializers.CharField(allow_null=True)
    set_at = MomentField(allow_null=True)
