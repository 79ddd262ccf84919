"""Requests and answers about what is recorded for the rules: tags, facts and waivers."""

from drf_spectacular.utils import extend_schema_field
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
from jurisdictions.choices import Basis, TagSource, WaiverStatus, WaiverType
from jurisdictions.models import Waiver
from jurisdictions.tags import ShownTag


def _word() -> TextField:
    return TextField(max_length=50, required=False, allow_null=True)


class IssuerTagWriteSerializer(WireSerializer):
    """Tag an issuer; absent fields stay as they are, a null clears."""

    jurisdiction_code = TextField(
        max_length=200,
        help_text="A code such as US or AE-DU; a text that names none is kept and flagged.",
    )
    roles = serializers.ListField(
        child=TextField(max_length=50),
        required=False,
        allow_null=True,
        max_length=10,
        help_text="Why it is tagged, by the fact tag.role.",
    )
    classification = _word()
    offering_kind = _word()
    exemption = _word()
    notes = TextField(
        max_length=1000, required=False, allow_null=True, allow_blank=True, source="note"
    )


class TokenTagWriteSerializer(IssuerTagWriteSerializer):
    """Tag a token (the incumbent's `assign`); absent fields stay as they are, a null clears."""

    asset_id = AssetIdField()
    network = NetworkField()
    is_primary = BooleanField(required=False, allow_null=True)


class IssuerTagRemoveSerializer(WireSerializer):
    """Which tag to take from an issuer."""

    jurisdiction_code = TextField(max_length=200)


class TokenTagRemoveSerializer(IssuerTagRemoveSerializer):
    """Which tag to take from a token."""

    asset_id = AssetIdField()
    network = NetworkField()


class TagSerializer(WireSerializer):
    """One tag of a token or issuer: who said so or what it was read from, and whether it counts."""

    jurisdiction_code = serializers.CharField(source="code", allow_null=True)
    jurisdiction_name = serializers.CharField(source="name", allow_null=True)
    recognized = serializers.BooleanField()
    raw_text = serializers.CharField()
    source = ChoiceField(TagSource)  # type: ignore[assignment]
    origin = serializers.CharField(help_text="token, issuer, or the path of a fact.")
    roles = serializers.ListField(child=serializers.CharField())
    classification = serializers.CharField(allow_null=True)
    offering_kind = serializers.CharField(allow_null=True)
    exemption = serializers.CharField(allow_null=True)
    is_primary = serializers.BooleanField()
    is_evaluated = serializers.BooleanField(source="counts")
    notes = serializers.SerializerMethodField()
    assigned_by = serializers.CharField(allow_null=True)
    assigned_at = MomentField(allow_null=True)

    def get_notes(self, tag: ShownTag) -> str | None:
        return tag.note or None


class TokenTagSerializer(TagSerializer):
    """One tag of a token."""

    asset_id = serializers.SerializerMethodField()
    network = serializers.SerializerMethodField()

    def get_asset_id(self, tag: ShownTag) -> int:
        return int(self.context["token"].asset_id)

    def get_network(self, tag: ShownTag) -> str | None:
        return self.context["token"].network or None


class IssuerFactsWriteSerializer(WireSerializer):
    """Record facts of an issuer: catalogue path to value; a null withdraws a fact."""

    facts = serializers.DictField()


class TokenFactsWriteSerializer(IssuerFactsWriteSerializer):
    """Record facts of a token: catalogue path to value; a null withdraws a fact."""

    network = NetworkField()


class FactRecordSerializer(WireSerializer):
    """One fact that holds now, and who recorded it when."""

    path = serializers.CharField()
    value = serializers.JSONField()
    recorded_by = serializers.CharField()
    recorded_at = MomentField()


class FactChangeSerializer(FactRecordSerializer):
    """A value that held from `recordedAt` until the next one of its path; null: withdrawn."""

    value = serializers.JSONField(allow_null=True)


class FactsSerializer(WireSerializer):
    """The facts recorded here: `values` by path, and in `records` who recorded each."""

    values = serializers.DictField()
    records = FactRecordSerializer(many=True)


class TokenFactsSerializer(FactsSerializer):
    """The facts recorded of a token; those of its issuer are with the issuer."""

    asset_id = serializers.IntegerField()
    network = serializers.CharField(allow_null=True)


class IssuerFactsSerializer(FactsSerializer):
    """The facts recorded of an issuer; they hold for all its tokens."""

    issuer_id = serializers.UUIDField()


class WaiverRequestSerializer(WireSerializer):
    """Ask for a waiver; it has no effect until another person approves it."""

    asset_id = AssetIdField()
    network = NetworkField()
    requirement_key = TextField(max_length=100)
    pack_id = TextField(max_length=50, required=False, allow_null=True)
    version_from = TextField(max_length=16, required=False, allow_null=True)
    version_to = TextField(max_length=16, required=False, allow_null=True)
    type = ChoiceField(
        WaiverType,
        required=False,
        allow_null=True,
        help_text="Required where the requirement rests on law.",
    )
    reason = TextField(max_length=2000)
    evidence_reference = TextField(max_length=500, required=False, allow_null=True)
    expires_at = MomentField(help_text="At most a year ahead.")


class WaiverApprovalSerializer(WireSerializer):
    """Nothing has to be said to approve a waiver."""


class WaiverRevocationSerializer(WireSerializer):
    """Why a waiver ends before its time."""

    reason = TextField(max_length=2000)


class WaiverSerializer(WireSerializer):
    """A waiver; `status` is where it stands at this moment."""

    id = serializers.UUIDField()
    asset_id = serializers.IntegerField(source="token.asset_id")
    network = serializers.SerializerMethodField()
    requirement_key = serializers.CharField()
    pack_id = serializers.SerializerMethodField()
    version_from = serializers.SerializerMethodField()
    version_to = serializers.SerializerMethodField()
    basis = ChoiceField(Basis)
    type = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()
    reason = serializers.CharField()
    evidence_reference = serializers.SerializerMethodField()
    expires_at = MomentField()
    requested_by = serializers.CharField()
    requested_at = MomentField()
    approved_by = serializers.SerializerMethodField()
    approved_at = MomentField(allow_null=True)
    revoked_by = serializers.SerializerMethodField()
    revoked_at = MomentField(allow_null=True)
    revocation_reason = serializers.SerializerMethodField()

    def get_network(self, waiver: Waiver) -> str | None:
        return waiver.token.network or None

    def get_pack_id(self, waiver: Waiver) -> str | None:
        return waiver.pack_id or None

    def get_version_from(self, waiver: Waiver) -> str | None:
        return waiver.version_from or None

    def get_version_to(self, waiver: Waiver) -> str | None:
        return waiver.version_to or None

    @extend_schema_field({"type": ["string", "null"], "enum": [*WaiverType.values, None]})
    def get_type(self, waiver: Waiver) -> str | None:
        return waiver.type or None

    @extend_schema_field({"type": "string", "enum": list(WaiverStatus.values)})
    def get_status(self, waiver: Waiver) -> str:
        return str(waiver.status_at(self.context["now"]))

    def get_evidence_reference(self, waiver: Waiver) -> str | None:
        return waiver.evidence_reference or None

    def get_approved_by(self, waiver: Waiver) -> str | None:
        return waiver.approved_by or None

    def get_revoked_by(self, waiver: Waiver) -> str | None:
        return waiver.revoked_by or None

    def get_revocation_reason(self, waiver: Waiver) -> str | None:
        return waiver.revocation_reason or None
