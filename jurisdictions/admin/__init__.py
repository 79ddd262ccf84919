"""The rules in the admin: packs and their life, requirements, jurisdictions, facts."""

from jurisdictions.admin.catalogue import FactDefinitionAdmin
from jurisdictions.admin.directory import JurisdictionAdmin
from jurisdictions.admin.dry_runs import DryRunAdmin, DryRunChangeAdmin
from jurisdictions.admin.facts import FactValueAdmin
from jurisdictions.admin.packs import RulePackAdmin
from jurisdictions.admin.requirements import RequirementAdmin
from jurisdictions.admin.screening import ScreeningListAdmin
from jurisdictions.admin.tags import IssuerJurisdictionAdmin, TokenJurisdictionAdmin
from jurisdictions.admin.waivers import WaiverAdmin

__all__ = [
    "DryRunAdmin",
    "DryRunChangeAdmin",
    "FactDefinitionAdmin",
    "FactValueAdmin",
    "IssuerJurisdictionAdmin",
    "JurisdictionAdmin",
    "RequirementAdmin",
    "RulePackAdmin",
    "ScreeningListAdmin",
    "TokenJurisdictionAdmin",
    "WaiverAdmin",
]
