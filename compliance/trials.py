"""Evaluations that are shown and not kept: at another moment, or under a draft of the rules."""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from accounts.models import Token, User
from accounts.policies import require_staff
from accounts.selectors import token_get
from compliance.services.status import Evaluation, evaluation_of, rules_at
from compliance.snapshots import token_snapshot
from jurisdictions.engine import Pack, PackStatus
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
    """Evaluate what is recorded of a token now by the rules and the clock of `as_of`.

    `pack_id` and `version` name a version, of any status, that is tried as if it were in force at
    that moment, in place of the versions of its pack that are. Writes nothing. Raises `NotFound`,
    `AmbiguousAsset`, and `PermissionRefused` where somebody without a platform role tries a
    version.
    """
    moment = as_of or timezone.now()
    rules = rules_at(moment)
    tried = None
    if pack_id is not None and version is not None:
        require_staff(actor)
        found = pack_value(pack_get(pack_id=pack_id, version=version))
        tried = replace(found, status=PackStatus.ACTIVE, effective_from=None, effective_to=None)
        others = (pack for pack in rules.packs if pack.pack_id != pack_id)
        rules = rules._replace(packs=(*others, tried))
    token = token_get(
        asset_id=asset_id, network=network, within=Token.objects.select_related("issuer")
    )
    snapshot = token_snapshot(token, moment)
    return Trial(evaluation_of(token, snapshot, rules, moment), tried)
