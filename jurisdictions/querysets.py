"""What of the rules a principal sees."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Max, Q

from accounts.models import Issuer, Token
from audit.principal import Principal
from jurisdictions.choices import WaiverStatus

if TYPE_CHECKING:
    from jurisdictions.models import (  # noqa: F401 - in strings
        FactValue,
        IssuerJurisdiction,
        Requirement,
        RulePack,
        TokenJurisdiction,
        Waiver,
    )


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


class TokenJurisdictionQuerySet(models.QuerySet["TokenJurisdiction"]):
    """Explicit tags of tokens."""

    def visible_to(self, actor: Principal) -> "TokenJurisdictionQuerySet":
        """Return all: tags are read like the metadata, by everyone who signed in."""
        return self


class IssuerJurisdictionQuerySet(models.QuerySet["IssuerJurisdiction"]):
    """Explicit tags of issuers."""

    def visible_to(self, actor: Principal) -> "IssuerJurisdictionQuerySet":
        """Return those of the actor's own issuers, or all where the role reads everything."""
        if actor.reads_everything:
            return self
        return self.filter(issuer_id__in=sorted(actor.issuer_ids))


class FactValueQuerySet(models.QuerySet["FactValue"]):
    """Recorded facts, with their history."""

    def visible_to(self, actor: Principal) -> "FactValueQuerySet":
        """Return those of the actor's own issuers and tokens, or all for those who read all."""
        if actor.reads_everything:
            return self
        own = sorted(actor.issuer_ids)
        return self.filter(Q(issuer_id__in=own) | Q(token__issuer_id__in=own))

    def current(
        self, *, token: Token | None, issuer: Issuer | None, as_of: datetime | None = None
    ) -> "FactValueQuerySet":
        """Return the last row of each path, withdrawn ones too, of a token and of an issuer.

        With `as_of`: the last one recorded by that moment.
        """
        subjects = Q(pk__in=[])
        if token is not None:
            subjects |= Q(token=token)
        if issuer is not None:
            subjects |= Q(issuer=issuer)
        if as_of is not None:
            subjects &= Q(recorded_at__lte=as_of)
        last = self.filter(subjects).values("token", "issuer", "path").annotate(last=Max("pk"))
        return self.filter(pk__in=last.values("last"))


class WaiverQuerySet(models.QuerySet["Waiver"]):
    """Waivers."""

    def visible_to(self, actor: Principal) -> "WaiverQuerySet":
        """Return those for tokens of the actor's own issuers, or all for those who read all."""
        if actor.reads_everything:
            return self
        return self.filter(token__issuer_id__in=sorted(actor.issuer_ids))

    def in_status(self, status: str, now: datetime) -> "WaiverQuerySet":
        """Return those that stand so at `now`."""
        conditions = {
            WaiverStatus.REVOKED: Q(revoked_at__isnull=False),
            WaiverStatus.EXPIRED: Q(revoked_at__isnull=True, expires_at__lte=now),
            WaiverStatus.APPROVED: Q(
                revoked_at__isnull=True, expires_at__gt=now, approved_at__isnull=False
            ),
            WaiverStatus.REQUESTED: Q(
                revoked_at__isnull=True, expires_at__gt=now, approved_at__isnull=True
            ),
        }
        return self.filter(conditions[WaiverStatus(status)])
