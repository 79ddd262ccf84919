"""What a report is about, and what was asked of it: a token, an issuer or an issuance."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from accounts.models import Issuer, Token
from accounts.selectors import token_get_visible
from audit.body import canonical
from audit.principal import Principal
from compliance.choices import ReportType, SubjectKind
from compliance.reports.content import WITH_PERIOD
from config.api.errors import NotFound, NotVisible, ValidationFailed
from config.api.formats import utc_text
from deployments.models import Deployment

_ONE_SUBJECT = "Name exactly one of assetId, issuerId and deploymentId."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAsk:
    """What is asked for. Without `as_of` the moment is that of the evaluation."""

    asset_id: int | None = None
    network: str | None = None
    issuer_id: UUID | None = None
    deployment_id: UUID | None = None
    report_type: ReportType = ReportType.FULL
    as_of: datetime | None = None
    period_from: datetime | None = None
    period_to: datetime | None = None

    def require_sensible(self, now: datetime) -> None:
        """Raise `ValidationFailed` for what nobody can answer: two subjects, a future moment."""
        self._require_one_subject()
        if self.as_of is not None and self.as_of > now:
            raise ValidationFailed(
                "A report cannot speak for the future.",
                details={"asOf": ["Must not be later than now."]},
            )
        if (self.period_from or self.period_to) and self.report_type not in WITH_PERIOD:
            names = " and ".join(sorted(WITH_PERIOD))
            given = "fromDate" if self.period_from else "toDate"
            raise ValidationFailed(
                f"A {self.report_type} report has no period.",
                details={given: [f"Only {names} reports have a period."]},
            )
        if self.period_from and self.period_to and self.period_from > self.period_to:
            raise ValidationFailed(
                "The period ends before it begins.",
                details={"toDate": ["fromDate must not be later than toDate."]},
            )

    def _require_one_subject(self) -> None:
        named = {
            "assetId": self.asset_id,
            "issuerId": self.issuer_id,
            "deploymentId": self.deployment_id,
        }
        given = [name for name, value in named.items() if value is not None]
        if len(given) != 1:
            field = given[-1] if given else "assetId"
            raise ValidationFailed(
                f"A report has one subject. {_ONE_SUBJECT}", details={field: [_ONE_SUBJECT]}
            )
        if self.network is not None and self.asset_id is None:
            raise ValidationFailed(
                "Only an asset id needs a network.",
                details={"network": ["Goes with assetId alone."]},
            )


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about; an issuance has its token too. Reports and jobs have these fields."""

    token: Token | None = None
    issuer: Issuer | None = None
    deployment: Deployment | None = None

    @classmethod
    def of(cls, row: Any) -> "Subject":
        """Return the subject of a report or a job."""
        return cls(row.token, row.issuer, row.deployment)

    @property
    def kind(self) -> SubjectKind:
        if self.issuer is not None:
            return SubjectKind.ISSUER
        return SubjectKind.ISSUANCE if self.deployment is not None else SubjectKind.TOKEN

    @property
    def the_token(self) -> Token:
        """The token of a token or an issuance; raises ValueError for an issuer."""
        if self.token is None:
            raise ValueError("an issuer is no token")
        return self.token

    @property
    def fields(self) -> dict[str, Any]:
        """The columns by which a row names its subject."""
        return {"token": self.token, "issuer": self.issuer, "deployment": self.deployment}

    @property
    def event_fields(self) -> dict[str, Any]:
        """What an event about this subject says of it."""
        if self.token is not None:
            return self.token.event_fields
        return {"issuer_id": self.issuer.pk} if self.issuer is not None else {}

    def __str__(self) -> str:
        return str(self.token or self.issuer)


def find_subject(actor: Principal, ask: ReportAsk) -> Subject:
    """Return what the ask is about, if `actor` sees it.

    Raises `NotFound`, `NotVisible` and `AmbiguousAsset`.
    """
    if ask.issuer_id is not None:
        issuers = Issuer.objects.all()
        issuer = issuers.visible_to(actor).filter(pk=ask.issuer_id).first()
        if issuer is None:
            raise _missing(issuers.filter(pk=ask.issuer_id).exists(), "issuer")
        return Subject(issuer=issuer)
    if ask.deployment_id is not None:
        rows = Deployment.objects.select_related("token__issuer")
        deployment: Deployment | None = rows.visible_to(actor).filter(pk=ask.deployment_id).first()
        if deployment is None:
            raise _missing(Deployment.objects.filter(pk=ask.deployment_id).exists(), "deployment")
        return Subject(token=deployment.token, deployment=deployment)
    if ask.asset_id is None:
        raise ValidationFailed(_ONE_SUBJECT)
    found = token_get_visible(actor=actor, asset_id=ask.asset_id, network=ask.network)
    return Subject(token=Token.objects.select_related("issuer").get(pk=found.pk))


def _missing(exists: bool, noun: str) -> NotFound:
    return (NotVisible if exists else NotFound)(f"There is no such {noun}.")


def ask_key(ask: ReportAsk, subject: Subject) -> str:
    """Return what two asks for the same have in common, however each names its subject."""
    moments = (ask.as_of, ask.period_from, ask.period_to)
    keys = [str(row.pk) if row is not None else None for row in subject.fields.values()]
    named: list[Any] = [*keys, str(ask.report_type)]
    named += [utc_text(one) if one is not None else None for one in moments]
    return sha256(canonical(named)).hexdigest()
