"""The status of an issuer: as compliant as its worst token, each of them listed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import Issuer, Token
from audit.body import canonical
from audit.principal import Principal
from compliance.choices import OverallStatus
from compliance.services.recalculation import statuses_recalculate
from config.api.errors import NotFound, NotVisible
from config.api.formats import utc_text
from jurisdictions.engine.outlook import WORST_FIRST

# A read evaluates at most so many tokens, a second or two of work in the worst case; the rest it
# says are being recalculated.
EVALUATED_IN_A_READ = 50
_NO_ISSUER = "There is no such issuer."


@dataclass(frozen=True, slots=True)
class TokenLine:
    """One token of the issuer; `status` is None while it waits to be recalculated."""

    token_id: int
    asset_id: int
    network: str
    name: str
    status: str | None
    evaluated_at: datetime | None
    next_evaluation_at: datetime | None


@dataclass(frozen=True, slots=True)
class IssuerStatus:
    """The status of an issuer, and of each of its tokens, worst first."""

    issuer_id: UUID
    tokens: tuple[TokenLine, ...]

    @property
    def recalculating(self) -> int:
        """How many tokens have no status that holds now."""
        return sum(line.status is None for line in self.tokens)

    @property
    def status(self) -> str:
        """The worst status known; Unknown where none is."""
        known = [line.status for line in self.tokens if line.status is not None]
        return min(known, key=_rank, default=str(OverallStatus.UNKNOWN))

    def document(self, shown: Iterable[TokenLine]) -> dict[str, Any]:
        """Return the answer as it goes over the wire: of all tokens, with those `shown` listed."""
        counts = Counter(line.status for line in self.tokens if line.status is not None)
        return {
            "issuerId": str(self.issuer_id),
            "status": self.status,
            "complete": self.recalculating == 0,
            "recalculating": self.recalculating,
            "counts": {status: counts[status] for status in OverallStatus.values},
            "tokens": [
                {
                    "assetId": line.asset_id,
                    "network": line.network or None,
                    "name": line.name or None,
                    "status": line.status,
                    "evaluatedAt": utc_text(line.evaluated_at) if line.evaluated_at else None,
                    "nextEvaluationAt": (
                        utc_text(line.next_evaluation_at) if line.next_evaluation_at else None
                    ),
                }
                for line in shown
            ],
        }

    @property
    def etag(self) -> str:
        """A name of this state: which tokens there are and what each one's status is."""
        lines = [[str(one.asset_id), one.network, one.name, one.status] for one in self.tokens]
        return sha256(canonical([str(self.issuer_id), *lines])).hexdigest()


def issuer_status(*, actor: Principal, issuer_id: UUID) -> IssuerStatus:
    """Return the status of an issuer as of the last committed change and of now (issue 3).

    Statuses that are due are evaluated here, a bounded number of them in batches; the others are
    listed as being recalculated and not with what they were. Raises `NotFound` and `NotVisible`.
    """
    if not Issuer.objects.visible_to(actor).filter(pk=issuer_id).exists():
        exists = Issuer.objects.filter(pk=issuer_id).exists()
        raise (NotVisible if exists else NotFound)(_NO_ISSUER)
    lines = _lines(issuer_id)
    if due := [line.token_id for line in lines if line.status is None]:
        statuses_recalculate(token_ids=due[:EVALUATED_IN_A_READ])
        lines = _lines(issuer_id)
    ordered = sorted(lines, key=lambda one: (_rank(one.status), one.asset_id, one.network))
    return IssuerStatus(issuer_id, tuple(ordered))


def _rank(status: str | None) -> int:
    """The place among the worst; what is being recalculated comes last."""
    return len(WORST_FIRST) if status is None else [str(one) for one in WORST_FIRST].index(status)


def _lines(issuer_id: UUID) -> list[TokenLine]:
    now = timezone.now()
    rows = Token.objects.filter(issuer=issuer_id).order_by("pk")
    return [
        TokenLine(
            token_id,
            asset_id,
            network,
            name,
            status if _is_fresh(revision, evaluated, at, due, now) else None,
            at,
            due,
        )
        for token_id, asset_id, network, name, status, revision, evaluated, at, due in (
            rows.values_list(
                "pk",
                "asset_id",
                "network",
                "name",
                "computed_status__status",
                "computed_status__revision",
                "computed_status__evaluated_revision",
                "computed_status__evaluated_at",
                "computed_status__next_evaluation_at",
            )
        )
    ]


def _is_fresh(
    revision: int | None,
    evaluated_revision: int | None,
    evaluated_at: datetime | None,
    due_at: datetime | None,
    now: datetime,
) -> bool:
    if evaluated_at is None or revision != evaluated_revision:
        return False
    return due_at is None or now < due_at
