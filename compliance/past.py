"""The record of a token as it stood at an earlier moment, or why that is not known.

What is recorded later does not count, even where it speaks of an earlier day: a report of a moment
is the one that was, or would have been, generated at it. Read as of the moment are facts,
attestations with their decisions, waivers, deployments, what the log is evidence of, and what
verifying it had found; the versions of the rule packs in force are those of then. The rest is the
present with the changes since undone (`compliance.changes`).
"""

from copy import copy
from datetime import datetime
from typing import NamedTuple

from accounts.models import Token
from attestations.selectors import attestations_for_token
from audit.selectors import evidence_events
from audit.verification import trail_verdict
from compliance.changes import Before, Change, before_changes_since
from compliance.models import ComplianceMetadata
from compliance.snapshots import Common, Reads, snapshot_of, tags_that_count, token_snapshot
from config.api.errors import DomainError
from config.api.formats import utc_text
from deployments.selectors import deployment_at
from jurisdictions.catalogue import FactCatalogue
from jurisdictions.engine import Pack, Snapshot
from jurisdictions.facts import facts_for_engine
from jurisdictions.past import UnknownPast, packs_at
from jurisdictions.selectors import active_packs, fact_catalogue, screening_lists
from jurisdictions.tags import read_tag_rows
from jurisdictions.waivers import waivers_for_engine
from whitelist.selectors import whitelist_population


class PastNotKept(DomainError):
    """The record has changed since the moment that was asked for, and only its present is kept."""


class Record(NamedTuple):
    """What a token is evaluated on at a moment: the token, what is known of it, and the rules."""

    token: Token
    snapshot: Snapshot
    packs: tuple[Pack, ...]
    catalogue: FactCatalogue


def record_now(token: Token, now: datetime) -> Record:
    """Return the record as it is."""
    return Record(token, token_snapshot(token, now), active_packs(now=now), fact_catalogue())


def record_at(token: Token, as_of: datetime) -> Record:
    """Return the record as it stood at `as_of`, not later than now. Raises `PastNotKept`."""
    # The rows before the events: a change that commits in between is undone on rows that do not
    # show it yet, and that leaves them as they are.
    metadata = ComplianceMetadata.objects.filter(token=token).first()
    tags = read_tag_rows(token)
    whitelist = whitelist_population(token=token, every_status=True)
    lists, catalogue, packs = screening_lists(), fact_catalogue(), active_packs(now=as_of)
    before = before_changes_since(token, as_of)
    if before.lost is not None:
        raise _not_kept(before.lost, as_of)
    then = copy(token)
    if not before.owner_verified:
        then.ownership_verified_at = None
    metadata, catalogue = before.metadata_of(metadata), before.catalogue_of(catalogue)
    reads = Reads(
        metadata=metadata,
        deployment=deployment_at(token=token, as_of=as_of),
        facts=facts_for_engine(token, catalogue, as_of),
        tags=tags_that_count(token, metadata, before.tags_of(tags)),
        attestations=attestations_for_token(token=token, as_of=as_of),
        whitelist=before.whitelist_of(whitelist),
        waivers=waivers_for_engine(token, as_of),
        evidence=evidence_events(
            network=token.network or None, asset_id=token.asset_id, as_of=as_of
        ),
    )
    common = Common(catalogue, before.lists_of(lists), trail_verdict(as_of=as_of))
    packs = _packs(packs, before, as_of)
    return Record(then, snapshot_of(then, reads, common), packs, catalogue)


def _packs(present: tuple[Pack, ...], before: Before, as_of: datetime) -> tuple[Pack, ...]:
    if not before.packs:
        return present
    changed = {key: change.content for key, change in before.packs.items()}
    try:
        return packs_at(present, changed, as_of)
    except UnknownPast as unknown:
        raise _not_kept(before.packs[unknown.version_id], as_of) from None


def _not_kept(change: Change, as_of: datetime) -> PastNotKept:
    moment = utc_text(change.moment)
    return PastNotKept(
        f"The record as it stood at {utc_text(as_of)} is not kept: {change.name} at {moment} "
        "changed what has no history.",
        details={
            "asOf": [
                f"Leave it out, or name a moment from {moment} on. Reports that were generated "
                "before stay as they were."
            ]
        },
    )
