"""The steps in the life of a version, as the admin offers them."""

from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import User
from jurisdictions.choices import PackStatus
from jurisdictions.models import DryRun, RulePack
from jurisdictions.services.drafts import pack_draft_from
from jurisdictions.services.dry_runs import dry_run_request
from jurisdictions.services.lifecycle import pack_activate, pack_retire, pack_return, pack_submit

_BEFORE_FORCE = (PackStatus.DRAFT, PackStatus.IN_REVIEW)


@dataclass(frozen=True)
class Given:
    """What was entered for a step: the version seen, the reason, the report that is approved."""

    seen: int | None
    reason: str
    report: str | None


@dataclass(frozen=True)
class Step:
    """One step: its button, what it will do in a sentence, what was done, when it is offered."""

    name: str
    label: str
    consequence: str
    done: str
    take: Callable[[User, RulePack, Given], RulePack | DryRun]
    offered: Callable[[User, RulePack], bool]
    asks_reason: bool = False
    compares: bool = False
    asks_report: bool = False


def _draft(actor: User, pack: RulePack, given: Given) -> RulePack:
    return pack_draft_from(actor=actor, pack=pack)


def _try(actor: User, pack: RulePack, given: Given) -> DryRun:
    return dry_run_request(actor=actor, pack=pack, lock_version=given.seen)


def _submit(actor: User, pack: RulePack, given: Given) -> RulePack:
    return pack_submit(actor=actor, pack=pack, lock_version=given.seen)


def _return(actor: User, pack: RulePack, given: Given) -> RulePack:
    return pack_return(actor=actor, pack=pack, lock_version=given.seen, reason=given.reason)


def _activate(actor: User, pack: RulePack, given: Given) -> RulePack:
    return pack_activate(
        actor=actor, pack=pack, dry_run_report=given.report, lock_version=given.seen
    )


def _retire(actor: User, pack: RulePack, given: Given) -> RulePack:
    return pack_retire(actor=actor, pack=pack, lock_version=given.seen, reason=given.reason)


def _may_activate(actor: User, pack: RulePack) -> bool:
    reviewed = pack.status == PackStatus.IN_REVIEW
    return reviewed and actor.is_administrator and actor.principal_id not in pack.authors


def _may_retire(actor: User, pack: RulePack) -> bool:
    if pack.status in _BEFORE_FORCE:
        return actor.is_officer
    return actor.is_administrator and pack.status != PackStatus.RETIRED


STEPS = {
    step.name: step
    for step in (
        Step(
            "draft",
            "Draft a new version",
            "A new Draft with a copy of all requirements is made, which you can edit.",
            "is a new Draft.",
            _draft,
            lambda actor, pack: actor.is_officer,
        ),
        Step(
            "dry-run",
            "Dry run",
            "Every token is evaluated with it in place of the version in force, in the background. "
            "Nothing changes; you see which tokens would change status, and why.",
            "was started.",
            _try,
            lambda actor, pack: actor.is_officer and pack.status in _BEFORE_FORCE,
        ),
        Step(
            "submit",
            "Submit for review",
            "It is checked as a whole and goes to review; then nobody can edit it any more, and an "
            "administrator who had no part in it can activate it.",
            "was submitted for review.",
            _submit,
            lambda actor, pack: actor.is_officer and pack.is_draft,
            compares=True,
        ),
        Step(
            "return",
            "Return to its authors",
            "It becomes a Draft again, with your reason in the log.",
            "was returned to its authors.",
            _return,
            lambda actor, pack: actor.is_officer and pack.status == PackStatus.IN_REVIEW,
            asks_reason=True,
        ),
        Step(
            "activate",
            "Approve and activate",
            "You approve the dry run below. It comes into force for every token, on its effective "
            "date or today, whichever is later; the active version ends the day before.",
            "is active.",
            _activate,
            _may_activate,
            compares=True,
            asks_report=True,
        ),
        Step(
            "retire",
            "Retire",
            "It ends for good and is not applied to any token any more. It stays readable.",
            "is retired.",
            _retire,
            _may_retire,
            asks_reason=True,
        ),
    )
}
