"""The rules in the admin: packs and their life, requirements, jurisdictions, facts."""

from jurisdictions.admin.directory import FactDefinitionAdmin, JurisdictionAdmin
from jurisdictions.admin.packs import RulePackAdmin
from jurisdictions.admin.requirements import RequirementAdmin

__all__ = ["FactDefinitionAdmin", "JurisdictionAdmin", "RequirementAdmin", "RulePackAdmin"]
