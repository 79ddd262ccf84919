"""Bodies of log-in and of the own profile."""

from typing import Any

from rest_framework import serializers

from config.api.serializers import MomentField, TextField, WireSerializer


class EmailField(serializers.EmailField):
    """An e-mail address; numbers and booleans are refused rather than turned into text."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class LoginSerializer(WireSerializer):
    """What a user proves: an e-mail address, in any case, and its password."""

    email = EmailField(max_length=254)
    password = TextField(max_length=1_000, trim_whitespace=False, write_only=True)


class RefreshSerializer(WireSerializer):
    """The refresh token of the last log-in or refresh."""

    refresh_token = TextField(max_length=4_000, write_only=True)


class LogoutSerializer(WireSerializer):
    """The one session to end; without it all sessions end."""

    refresh_token = TextField(
        max_length=4_000, required=False, allow_null=True, default=None, write_only=True
    )


class RefreshedSerializer(WireSerializer):
    """Fresh tokens; `expiresAt` is the end of the access token."""

    success = serializers.BooleanField(default=True)
    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    expires_at = MomentField()
    refresh_expires_at = MomentField()
    correlation_id = serializers.CharField()
    timestamp = MomentField()


class LoggedInSerializer(RefreshedSerializer):
    """Fresh tokens, and whose they are."""

    user_id = serializers.UUIDField(source="user.pk")
    email = serializers.EmailField(source="user.email")
    full_name = serializers.CharField(source="user.full_name")
    algorand_address = serializers.CharField(source="user.address", allow_null=True)


class LoggedOutSerializer(WireSerializer):
    """The end of one session or of all."""

    success = serializers.BooleanField(default=True)
    message = serializers.CharField()
    correlation_id = serializers.CharField()
    timestamp = MomentField()


class MembershipSerializer(WireSerializer):
    """An issuer that the user is a member of."""

    id = serializers.UUIDField(source="issuer.pk")
    legal_name = serializers.CharField(source="issuer.legal_name")
    role = serializers.CharField()


class ProfileSerializer(WireSerializer):
    """Who the caller is here, and what they may do."""

    success = serializers.BooleanField(default=True)
    user_id = serializers.UUIDField(source="pk")
    email = serializers.EmailField(allow_null=True)
    full_name = serializers.CharField()
    algorand_address = serializers.CharField(source="address", allow_null=True)
    roles = serializers.ListField(child=serializers.CharField())
    issuers = MembershipSerializer(many=True)
    correlation_id = serializers.CharField()
