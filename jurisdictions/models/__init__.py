"""The rules, and what is recorded of tokens and issuers for the rules to look at."""

from jurisdictions.models.dry_runs import DryRun, DryRunChange, DryRunReport, PackApproval
from jurisdictions.models.facts import FactValue
from jurisdictions.models.rules import (
    AmbiguousSpelling,
    FactDefinition,
    Jurisdiction,
    ReferenceStamp,
    Requirement,
    RulePack,
    always,
)
from jurisdictions.models.screening import ScreeningList, ScreeningListEntry
from jurisdictions.models.tags import IssuerJurisdiction, TokenJurisdiction
from jurisdictions.models.waivers import Waiver

__all__ = [
    "AmbiguousSpelling",
    "DryRun",
    "DryRunChange",
    "DryRunReport",
    "FactDefinition",
    "FactValue",
    "IssuerJurisdiction",
    "Jurisdiction",
    "PackApproval",
    "ReferenceStamp",
    "Requirement",
    "RulePack",
    "ScreeningList",
    "ScreeningListEntry",
    "TokenJurisdiction",
    "Waiver",
    "always",
]
