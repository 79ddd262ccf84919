"""Attestations on the wire (seed 1, sections 9 to 11)."""

from rest_framework import serializers

from accounts.api.networks import NetworkField
from attestations.api.fields import AttributesField, BlankAsNullField
from attestations.choices import SubjectType, VerificationStatus
from config.api.serializers import (
    AssetIdField,
    ChoiceField,
    MomentField,
    TextField,
    WireSerializer,
)


def _optional_text(max_length: int) -> TextField:
    return TextField(max_length=max_length, required=False, allow_null=True, allow_blank=True)


class AttestationCreateSerializer(WireSerializer):
    """What a caller says of an attestation; which subject fields it takes depends on its subject.

    An optional field that is null or blank counts as absent.
    """

    subject_type = ChoiceField(
        SubjectType,
        required=False,
        allow_null=True,
        help_text="Wallet unless given. Wallet takes walletAddress and assetId, Token assetId, "
        "Issuer issuerId.",
    )
    wallet_address = _optional_text(100)
    asset_id = AssetIdField(required=False, allow_null=True)
    issuer_id = serializers.UUIDField(required=False, allow_null=True)
    issuer_address = TextField(max_length=100)
    proof_hash = TextField(max_length=200)
    proof_type = _optional_text(50)
    attestation_type = _optional_text(100)
    network = NetworkField()
    jurisdiction = _optional_text(500)
    regulatory_framework = _optional_text(500)
    expires_at = MomentField(required=False, allow_null=True)
    notes = _optional_text(2000)
    attributes = AttributesField(required=False, allow_null=True)


class DecisionSerializer(WireSerializer):
    """A decision whose reason is required: fail and revoke."""

    reason = TextField(max_length=2000)


class VerificationSerializer(WireSerializer):
    """A decision whose reason is optional: verify."""

    reason = _optional_text(2000)


class AttestationSerializer(WireSerializer):
    """One attestation with its status at the time of the answer."""

    id = serializers.UUIDField(read_only=True)
    wallet_address = BlankAsNullField()
    asset_id = serializers.IntegerField(read_only=True, allow_null=True)
    issuer_address = serializers.CharField(read_only=True)
    proof_hash = serializers.CharField(read_only=True)
    proof_type = BlankAsNullField()
    verification_status = ChoiceField(VerificationStatus, read_only=True)
    attestation_type = BlankAsNullField()
    network = BlankAsNullField()
    jurisdiction = BlankAsNullField()
    regulatory_framework = BlankAsNullField()
    issued_at = MomentField(read_only=True)
    expires_at = MomentField(read_only=True, allow_null=True)
    verified_at = MomentField(read_only=True, allow_null=True)
    verifier_address = BlankAsNullField(source="verifier_label")
    notes = BlankAsNullField()
    created_at = MomentField(read_only=True)
    updated_at = MomentField(read_only=True, allow_null=True)
    created_by = serializers.CharField(read_only=True, source="created_by_label")
    updated_by = BlankAsNullField(source="updated_by_label")
    subject_type = ChoiceField(SubjectType, read_only=True)
    issuer_id = serializers.UUIDField(read_only=True, allow_null=True)
    status_reason = BlankAsNullField()
    attributes = AttributesField(read_only=True)
