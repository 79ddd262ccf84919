"""Recalculating many statuses: constant in queries for a batch, resumable, and with its progress.

What is left to do is in the rows themselves (`revision`, `next_evaluation_at`): whatever stops a
sweep, the next one goes on with the rest.
"""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from accounts.models import Token
from audit.principal import SYSTEM
from audit.services import record_events
from compliance.models import TokenStatus
from compliance.services.status import (
    KEPT_FIELDS,
    Evaluation,
    change_event,
    due,
    evaluation_of,
    fill,
    rules_at,
)
from compliance.snapshot_batches import token_snapshots

logger = logging.getLogger("assayer.status")

BATCH = 100


class Evaluated(NamedTuple):
    """One evaluation and the revision that was read before anything else was."""

    revision: int
    evaluation: Evaluation
    document: dict[str, Any]


class Progress(NamedTuple):
    """How many statuses there are, and how many of them wait to be recalculated."""

    total: int
    due: int


def statuses_recalculate(*, token_ids: Sequence[int]) -> int:
    """Evaluate these tokens together and keep the results; return how many were kept.

    One that cannot be evaluated is logged and left stale. One whose row somebody else is writing
    is left to them: waiting for it while holding others could end in a deadlock.
    """
    done = 0
    for start in range(0, len(token_ids), BATCH):
        done += _recalculate_batch(sorted(token_ids[start : start + BATCH]))
    return done


def _recalculate_batch(token_ids: list[int]) -> int:
    now = timezone.now()
    revisions = dict(TokenStatus.objects.filter(pk__in=token_ids).values_list("pk", "revision"))
    tokens = list(Token.objects.select_related("issuer").filter(pk__in=token_ids))
    if missing := [token for token in tokens if token.pk not in revisions]:
        TokenStatus.objects.bulk_create(
            [TokenStatus(token=token) for token in missing], ignore_conflicts=True
        )
        revisions |= {token.pk: 1 for token in missing}
    snapshots, rules = token_snapshots(tokens, now), rules_at(now)
    evaluated: dict[int, Evaluated] = {}
    for token in tokens:
        try:
            evaluation = evaluation_of(token, snapshots[token.pk], rules, now)
            document = evaluation.document()
        except Exception:
            logger.exception("a status could not be recalculated", extra={"id": token.pk})
        else:
            evaluated[token.pk] = Evaluated(revisions[token.pk], evaluation, document)
    return _keep(evaluated)


@transaction.atomic
def _keep(evaluated: dict[int, Evaluated]) -> int:
    locked = TokenStatus.objects.select_for_update(skip_locked=True).filter(pk__in=evaluated)
    rows, drafts = [], []
    for row in locked.order_by("pk"):
        one = evaluated[row.pk]
        if row.evaluated_revision > one.revision:
            continue
        before = row.status
        fill(row, one.revision, one.evaluation, one.document)
        rows.append(row)
        if before != row.status:
            drafts.append(change_event(one.evaluation, before))
    if rows:
        # An upsert, since it takes a row's values as a row: a bulk UPDATE spells out a CASE each.
        TokenStatus.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["token"], update_fields=KEPT_FIELDS
        )
    if drafts:
        record_events(drafts, actor=SYSTEM)
    return len(rows)


def recalculation_progress() -> Progress:
    """Return how far a recalculation is: the statuses, and those that are due."""
    rows = TokenStatus.objects.all()
    return Progress(rows.count(), rows.filter(due(timezone.now())).count())
