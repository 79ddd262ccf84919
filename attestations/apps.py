from django.apps import AppConfig


class AttestationsConfig(AppConfig):
    """Evidence: what somebody attested about a wallet, a token or an issuer."""

    name = "attestations"
    verbose_name = "Attestations"
