"""What a status says beside its verdict, an issuer's status, the history and the badges."""

from rest_framework import serializers

from compliance.choices import OverallStatus, VerificationStatus
from config.api.serializers import ChoiceField, MomentField, WireSerializer


class PathStepSerializer(WireSerializer):
    """One thing to do on the way to Compliant."""

    kind = serializers.CharField(help_text="Such as record_fact or provide_attestation.")
    target = serializers.DictField(
        help_text="What exactly. A fact whose `value` is null is free within its `rule`."
    )
    by = serializers.ListField(
        child=serializers.CharField(),
        help_text="Who can do it: issuer, compliance_officer, operator.",
    )
    unlocks = serializers.ListField(
        child=serializers.CharField(), help_text="The keys of the checks that wait for it."
    )


class BlockerSerializer(WireSerializer):
    """A check for which no step is known, and why."""

    key = serializers.CharField(allow_null=True)
    jurisdiction = serializers.CharField(allow_null=True)
    reason = serializers.CharField()


class PathSerializer(WireSerializer):
    """The steps after which the engine answers Compliant, verified by it; or why none are known."""

    found = serializers.BooleanField()
    steps = PathStepSerializer(many=True)
    blockers = BlockerSerializer(many=True)


class StatusWarningSerializer(WireSerializer):
    """Something to know although no verdict follows from it."""

    code = serializers.CharField()
    message = serializers.CharField()
    checks = serializers.ListField(child=serializers.CharField())
    facts = serializers.ListField(child=serializers.CharField())
    at = serializers.DateTimeField(allow_null=True)


class ConflictSerializer(WireSerializer):
    """Two rules that contradict each other."""

    kind = serializers.CharField(help_text="retention or holders.")
    jurisdictions = serializers.ListField(child=serializers.CharField())
    checks = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField()
    resolution = serializers.CharField()


class FrameworkStatusSerializer(WireSerializer):
    """The status under one rule pack."""

    pack_id = serializers.CharField()
    version = serializers.CharField()
    framework = serializers.CharField(allow_null=True)
    jurisdiction = serializers.CharField()
    status = ChoiceField(OverallStatus)
    required_met = serializers.BooleanField(
        help_text="Whether some required check applies and every one that does passes."
    )


class IssuerTokenStatusSerializer(WireSerializer):
    """The status of one of an issuer's tokens."""

    asset_id = serializers.IntegerField()
    network = serializers.CharField(allow_null=True)
    name = serializers.CharField(allow_null=True)
    status = ChoiceField(
        OverallStatus, allow_null=True, help_text="Null while it is being recalculated."
    )
    evaluated_at = MomentField(allow_null=True)
    next_evaluation_at = MomentField(allow_null=True)


class IssuerStatusSerializer(WireSerializer):
    """The status of an issuer: that of its worst token."""

    issuer_id = serializers.UUIDField()
    status = ChoiceField(
        OverallStatus, help_text="NonCompliant is worst, then Unknown; Unknown without tokens."
    )
    complete = serializers.BooleanField(
        help_text="False while tokens are being recalculated: the status is then at best this."
    )
    recalculating = serializers.IntegerField()
    counts = serializers.DictField(child=serializers.IntegerField())
    tokens = IssuerTokenStatusSerializer(
        many=True, help_text="Those of the page that was asked for, the worst first."
    )


class StatusChangeSerializer(WireSerializer):
    """One change of a token's status, as the event log has it."""

    id = serializers.UUIDField()
    occurred_at = MomentField()
    from_status = ChoiceField(OverallStatus, allow_null=True)
    to_status = ChoiceField(OverallStatus)
    decided_by = serializers.ListField(
        child=serializers.CharField(), help_text="The keys of the checks that decided, at most 20."
    )
    correlation_id = serializers.CharField()


class IndicatorsSerializer(WireSerializer):
    """The badges of a token; every field is computed from the record and its computed status."""

    asset_id = serializers.IntegerField()
    is_mica_ready = serializers.BooleanField(
        help_text="A MiCA rule pack is in force for the token, some required check of it applies, "
        "and every one that does passes. Nothing that the issuer declares makes it true."
    )
    mica_status = ChoiceField(
        OverallStatus,
        allow_null=True,
        help_text="The computed status under the MiCA rule pack; null where none applies.",
    )
    whitelisting_enabled = serializers.BooleanField(
        help_text="The whitelist policy is Mandatory: a transfer needs both sides on the list."
    )
    whitelisted_address_count = serializers.IntegerField(
        help_text="Active entries that have not expired."
    )
    has_transfer_restrictions = serializers.BooleanField(
        help_text="Restrictions are described in the metadata."
    )
    transfer_restrictions = serializers.CharField(allow_null=True)
    requires_accredited_investors = serializers.BooleanField()
    compliance_status = ChoiceField(
        OverallStatus,
        allow_null=True,
        help_text="The computed status, not what the issuer declares; null for an unknown asset.",
    )
    verification_status = ChoiceField(
        VerificationStatus, allow_null=True, help_text="As the issuer declares it."
    )
    regulatory_framework = serializers.CharField(
        allow_null=True, help_text="As the issuer declares it."
    )
    jurisdiction = serializers.CharField(allow_null=True, help_text="As the issuer declares it.")
    max_holders = serializers.IntegerField(allow_null=True)
    enterprise_readiness_score = serializers.IntegerField(
        help_text="Of the checks that apply, how many in a hundred pass, rounded down; 0 without."
    )
    network = serializers.CharField(allow_null=True)
    has_compliance_metadata = serializers.BooleanField()
    last_compliance_update = MomentField(
        allow_null=True, help_text="When the metadata was last written."
    )
