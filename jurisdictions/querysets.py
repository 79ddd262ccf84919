"""What of the rules a principal sees."""

from typing import TYPE_CHECKING

from django.db import models

from audit.principal import Principal

if TYPE_CHECKING:
    from jurisdictions.models import Requirement, RulePack  # noqa: F401 - in a string


class RulePackQuerySet(models.QuerySet["RulePack"]):
    """Versions of rule packs."""

    def visible_to(self, actor: Principal) -> "RulePackQuerySet":
        """Return all: the rules that tokens are judged by are open to every caller."""
        return self


class RequirementQuerySet(models.QuerySet["Requirement"]):
    """Requirements."""

    def visible_to(self, actor: Principal) -> "RequirementQuerySet":
        """Return all, as their packs are open to every caller."""
        return self
