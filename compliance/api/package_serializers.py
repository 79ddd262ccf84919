"""Attestation packages on the wire (seed 1, section 14)."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.networks import NetworkField
from attestations.choices import SubjectType
from attestations.choices import VerificationStatus as AttestationStatus
from compliance.api.report_serializers import LastMomentField
from compliance.choices import (
    ComplianceStatus,
    OverallStatus,
    PackageFormat,
    VerificationStatus,
)
from compliance.packages.content import NO_POLICY
from config.api.serializers import (
    AssetIdField,
    ChoiceField,
    MomentField,
    WireSerializer,
)
from whitelist.choices import Enforcement


@extend_schema_field({"type": ["integer", "string", "null"]})
class WholeNumberField(serializers.Field[Any, Any, Any, Any]):
    """A whole number; from 2^53 it is text, for RFC 8785 has no such numbers."""

    def to_representation(self, value: Any) -> Any:
        return value


def _text(**more: Any) -> serializers.CharField:
    return serializers.CharField(allow_null=True, **more)


class PackageRequestSerializer(WireSerializer):
    """Ask for a package on a token; the dates bound the moment of issue of its attestations."""

    token_id = AssetIdField()
    network = NetworkField()
    from_date = MomentField(required=False, allow_null=True)
    to_date = LastMomentField(required=False, allow_null=True)
    format = ChoiceField(PackageFormat, required=False, allow_null=True)


class PackageTokenSerializer(WireSerializer):
    """The token itself."""

    asset_id = WholeNumberField()
    name = _text()
    unit_name = _text()
    total = WholeNumberField(help_text="In base units; text from 2^53.")
    decimals = serializers.IntegerField(allow_null=True)
    creator = _text()
    standard = _text()
    contract_address = _text()


class PackageIssuerSerializer(WireSerializer):
    """The legal entity behind the token."""

    id = serializers.UUIDField()
    legal_name = _text()
    lei = _text()
    country = _text()
    ownership_verified = serializers.BooleanField()


class PackageMetadataSerializer(WireSerializer):
    """What is claimed about the token."""

    asset_id = WholeNumberField()
    compliance_status = ChoiceField(ComplianceStatus)
    verification_status = ChoiceField(VerificationStatus)
    regulatory_framework = _text()
    jurisdiction = _text()
    kyc_provider = _text()
    kyc_verification_date = MomentField(allow_null=True)
    last_compliance_review = MomentField(allow_null=True)
    next_compliance_review = MomentField(allow_null=True)
    asset_type = _text()
    transfer_restrictions = _text()
    max_holders = serializers.IntegerField(allow_null=True)
    requires_accredited_investors = serializers.BooleanField()
    created_at = MomentField()
    updated_at = MomentField(allow_null=True)


@extend_schema_field({"type": "string", "enum": [*Enforcement.values, NO_POLICY]})
class EnforcementField(serializers.CharField):
    """How strictly the whitelist binds; `None` where nobody ever decided."""


class PackageWhitelistSerializer(WireSerializer):
    """The policy and what the whitelist holds at the moment of generation."""

    is_enabled = serializers.BooleanField()
    total_whitelisted = serializers.IntegerField(help_text="Active and not expired.")
    enforcement_type = EnforcementField()
    kyc_verified = serializers.IntegerField(help_text="Of those, with KYC verified.")
    expired = serializers.IntegerField()
    inactive = serializers.IntegerField()
    revoked = serializers.IntegerField()


class PackageCheckSerializer(WireSerializer):
    """A check that decided the computed status."""

    key = serializers.CharField()
    jurisdiction = serializers.CharField()
    verdict = serializers.CharField()
    reason_code = serializers.CharField()


class PackageRulePackSerializer(WireSerializer):
    """A rule pack that was applied."""

    id = serializers.CharField()
    version = serializers.CharField()


class PackageStatusSerializer(WireSerializer):
    """What the issuer declares, and beside it what the rules say."""

    status = ChoiceField(ComplianceStatus, help_text="As the issuer declares it.")
    verification_status = ChoiceField(VerificationStatus)
    last_review_date = MomentField(allow_null=True)
    next_review_date = MomentField(allow_null=True)
    computed_status = ChoiceField(OverallStatus, help_text="By the rules that apply.")
    computed_counts = serializers.DictField(child=serializers.IntegerField())
    computed_rationale = PackageCheckSerializer(many=True)
    rule_packs = PackageRulePackSerializer(many=True)
    engine_version = serializers.CharField()


class PackageAttestationSerializer(WireSerializer):
    """An attestation with its status at the moment of generation."""

    id = serializers.UUIDField()
    wallet_address = _text()
    asset_id = WholeNumberField()
    issuer_address = _text()
    proof_hash = serializers.CharField()
    proof_type = _text()
    verification_status = ChoiceField(AttestationStatus)
    attestation_type = _text()
    network = _text()
    jurisdiction = _text()
    regulatory_framework = _text()
    issued_at = MomentField()
    expires_at = MomentField(allow_null=True)
    verified_at = MomentField(allow_null=True)
    subject_type = ChoiceField(SubjectType)
    attributes = serializers.DictField()


class PackageRangeSerializer(WireSerializer):
    """The bounds that were asked for; null leaves an end open."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"from": MomentField(allow_null=True), "to": MomentField(allow_null=True)}


class PackageSignatureSerializer(WireSerializer):
    """The signature, and the key that made it, in base64."""

    algorithm = serializers.CharField(help_text="Ed25519.")
    public_key = serializers.CharField(help_text="The 32 bytes of the key.")
    key_id = serializers.CharField(help_text="`kid` of /.well-known/assayer-keys.json.")
    signed_at = MomentField()
    signature_value = serializers.CharField(help_text="See docs/evidence.md for what is signed.")


class PackageSerializer(WireSerializer):
    """A package. `contentHash` covers all but itself, `packageId`, `generatedAt`, `signature`."""

    package_id = serializers.UUIDField()
    token_id = WholeNumberField()
    generated_at = MomentField()
    issuer_address = _text()
    network = _text()
    token = PackageTokenSerializer()
    compliance_metadata = PackageMetadataSerializer()
    whitelist_policy = PackageWhitelistSerializer()
    compliance_status = PackageStatusSerializer()
    attestations = PackageAttestationSerializer(many=True)
    date_range = PackageRangeSerializer()
    content_hash = serializers.CharField(help_text="SHA-256, hex, over the RFC 8785 form.")
    signature = PackageSignatureSerializer()
    schema_version = serializers.CharField()
    issuer = PackageIssuerSerializer(allow_null=True)
    attestation_count = serializers.IntegerField(help_text="In the stored package.")


class PackageFindingSerializer(WireSerializer):
    """One thing that was looked at in an uploaded package."""

    name = serializers.CharField(
        help_text="form, contentHash, keyKnown, signature, keyValid; only form without its shape."
    )
    holds = serializers.BooleanField()
    detail = serializers.CharField()


class PackageVerificationSerializer(WireSerializer):
    """What holds of an uploaded package; it counts only where everything holds."""

    valid = serializers.BooleanField()
    stored_here = serializers.BooleanField()
    package_id = _text()
    key_id = _text()
    findings = PackageFindingSerializer(many=True)
