from django.apps import AppConfig


class JurisdictionsConfig(AppConfig):
    """Which rules apply: packs, facts catalogue, the evaluating engine."""

    name = "jurisdictions"
    verbose_name = "Jurisdictions"
