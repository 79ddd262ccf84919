"""Evaluations that are shown and not kept: at another moment, or under a draft of the rules."""

from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from accounts.models import Token, User
from accounts.policies import require_staff
from accounts.selectors import token_get
from compliance.past import record_at, record_now
from compliance.services.status import Evaluation, Rules, evaluation_of
from jurisdictions.engine import Pack
from jurisdictions.selectors import pack_get, pack_value


class Trial(NamedTuple):
    """What the rules say of a token; `tried` is the pack that stood in for one, if any."""

    evaluation: Evaluation
    tried: Pack | None


def trial_of(
    *,
    actor: User,
    asset_id: int,
    network: str | None,
    as_of: datetime | None = None,
    pack_id: str | None = None,
    version: str | None = None,
) -> Trial:
    """Evaluate a token as it is recorded, now or as it stood at an earlier `as_of`.

    A later `as_of` sets the clock alone: what is recorded now, by the rules that will be in force.
    `pack_id` and `version` name a version, of any status, that is tried as if it were in force at
    that moment, in place of the versions of its pack that are. Writes nothing. Raises `NotFound`,
    `AmbiguousAsset`, `PastNotKept`, and `PermissionRefused` where somebody without a platform role
    tries a version.
    """
    now = timezone.now()
    moment = as_of or now
    named = None
    if pack_id is not None and version is not None:
        require_staff(actor)
        named = pack_value(pack_get(pack_id=pack_id, version=version))
    token = token_get(
        asset_id=asset_id, network=network, within=Token.objects.select_related("issuer")
    )
    record = record_at(token, moment) if moment < now else record_now(token, moment)
    rules, tried = Rules(record.packs, record.catalogue), None
    if named is not None:
        rules = rules.trying(named)
        tried = rules.packs[-1]
    return Trial(evaluation_of(record.token, record.snapshot, rules, moment), tried)
