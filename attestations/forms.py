"""The reason of a decision, and a new attestation, in the admin."""

from typing import Any, ClassVar

from django import forms

from accounts.admin_roles import ModelForm
from attestations.models import Attestation, AttestationStatusChange

REASON_MAX_LENGTH = AttestationStatusChange._meta.get_field("reason").max_length


class AttestationForm(ModelForm):
    """What `attestation_create` takes; the service decides what is valid."""

    class Meta:
        model = Attestation
        fields = (
            "subject_type",
            "wallet_address",
            "asset_id",
            "issuer",
            "network",
            "attestation_type",
            "issuer_address",
            "proof_type",
            "proof_hash",
            "jurisdiction",
            "regulatory_framework",
            "expires_at",
            "attributes",
            "notes",
        )
        widgets: ClassVar[dict[str, forms.Widget]] = {"notes": forms.Textarea(attrs={"rows": 3})}
        help_texts: ClassVar[dict[str, str]] = {
            "wallet_address": "For the subject Wallet.",
            "asset_id": "For the subjects Wallet and Token.",
            "issuer": "For the subject Issuer.",
            "network": "Such as voimain-v1.0.",
            "attestation_type": "Such as KYC, AML, Accreditation or License.",
            "issuer_address": "Who attests it; free text.",
            "proof_type": "Hashes of the types IPFS, SHA-256 and ARC19 are checked.",
            "expires_at": "UTC.",
            "attributes": 'A flat map, such as {"regulator": "BaFin"}.',
        }

    def arguments(self) -> dict[str, Any]:
        """Return what was filled in, as the service takes it."""
        given = {key: value for key, value in self.cleaned_data.items() if value not in (None, "")}
        issuer = given.pop("issuer", None)
        return given if issuer is None else {**given, "issuer_id": issuer.pk}


class DecisionForm(forms.Form):
    """Why a decision is made."""

    reason = forms.CharField(
        max_length=REASON_MAX_LENGTH, widget=forms.Textarea(attrs={"rows": 3, "cols": 80})
    )

    def __init__(self, *args: Any, reason_required: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = reason_required
