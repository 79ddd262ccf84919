"""Which packs are in force, and for which tags each is evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from jurisdictions.engine.clock import Clock
from jurisdictions.engine.days import END_OF_TIME, first_moment_after, first_moment_of
from jurisdictions.engine.packs import Pack, PackStatus
from jurisdictions.engine.snapshot import Tag
from jurisdictions.engine.values import FactValue

# What the tag facts are for packs that apply to every token: they may read no other tag fact.
UNIVERSAL_TAG_FACTS: Mapping[str, FactValue] = {"tag.jurisdiction": "GLOBAL"}
_ALWAYS = datetime.min.replace(tzinfo=END_OF_TIME.tzinfo)


@dataclass(frozen=True)
class PackSelection:
    """The version of a pack to evaluate; one not yet in force only announces its requirements.

    `changes_at` is the next moment at which another choice would be made, or None.
    """

    pack: Pack
    in_force: bool
    changes_at: datetime | None


@dataclass(frozen=True)
class Scope:
    """One evaluation of a pack: the tags that bring it and what they say of the token."""

    via_tag: str | None
    tag_facts: Mapping[str, FactValue]


def select_packs(packs: Iterable[Pack], now: datetime) -> tuple[PackSelection, ...]:
    """One version of every pack: the one in force, else the next that will be; ordered.

    Of several versions in force the one that took effect last counts. A Superseded version stays
    in force until its `effective_to`; Draft, InReview and Retired ones never are.
    """
    versions: dict[str, list[Pack]] = {}
    for pack in packs:
        if _can_be_in_force(pack):
            versions.setdefault(pack.pack_id, []).append(pack)
    selections = [one for group in versions.values() if (one := _select_version(group, now))]
    return tuple(sorted(selections, key=lambda s: (s.pack.jurisdiction.code, s.pack.pack_id)))


def _can_be_in_force(pack: Pack) -> bool:
    if pack.status == PackStatus.SUPERSEDED:
        return pack.effective_to is not None
    return pack.status == PackStatus.ACTIVE


def _select_version(group: list[Pack], now: datetime) -> PackSelection | None:
    clock = Clock(now)
    in_force = [one for one in group if _is_in_force(one, clock)]
    changes_at = clock.flips_at
    if in_force:
        latest = max(in_force, key=lambda one: (starts_at(one.effective_from), one.version_order))
        return PackSelection(latest, True, changes_at)
    coming = [one for one in group if starts_at(one.effective_from) > now]
    if not coming:
        return None
    following = min(coming, key=lambda one: (starts_at(one.effective_from), one.version_order))
    return PackSelection(following, False, changes_at)


def _is_in_force(pack: Pack, clock: Clock) -> bool:
    started = clock.reached(starts_at(pack.effective_from))
    return started and not clock.reached(ends_at(pack.effective_to))


def starts_at(effective_from: date | None) -> datetime:
    """The moment from which something effective from that day holds; always, without a day."""
    return _ALWAYS if effective_from is None else first_moment_of(effective_from)


def ends_at(effective_to: date | None) -> datetime:
    """The moment from which something effective to that day, included, holds no more."""
    return END_OF_TIME if effective_to is None else first_moment_after(effective_to)


def tags_in_use(tags: Iterable[Tag]) -> tuple[Tag, ...]:
    """The recognized tags, ordered; an explicit tag beats a derived one of the same code."""
    recognized = [tag for tag in tags if tag.recognized]
    explicit = {tag.jurisdiction for tag in recognized if tag.source == "Explicit"}
    used = {
        tag for tag in recognized if tag.source == "Explicit" or tag.jurisdiction not in explicit
    }
    return tuple(sorted(used, key=lambda tag: (tag.jurisdiction, repr(tag))))


def brings(tag: Tag, pack: Pack) -> bool:
    """Whether a tag makes a pack apply: its own, its country's, or a supranational's it is in.

    A supranational tag brings its own packs alone and is not fanned out to its members.
    """
    # A subdivision lies in the country its code begins with; private codes begin with X.
    codes = {tag.jurisdiction, tag.jurisdiction.split("-")[0]}
    return pack.jurisdiction.code in codes or bool(codes & pack.jurisdiction.reaches)


def scopes_of(pack: Pack, tags: Iterable[Tag]) -> tuple[Scope, ...]:
    """How often a pack is evaluated: once for every distinct legal position of the token.

    DE and FR with the same classification, exemption and offering bring the EU's packs once.
    Packs that apply to every token are evaluated once, with the synthetic tag.
    """
    if pack.jurisdiction.is_universal:
        return (Scope(None, UNIVERSAL_TAG_FACTS),)
    groups: dict[tuple[str | None, ...], list[Tag]] = {}
    for tag in tags:
        if brings(tag, pack):
            position = (tag.classification, tag.exemption, tag.offering_kind)
            groups.setdefault(position, []).append(tag)
    return tuple(_scope(pack, group) for group in groups.values())


def _scope(pack: Pack, group: list[Tag]) -> Scope:
    first = group[0]
    return Scope(
        via_tag=",".join(dict.fromkeys(tag.jurisdiction for tag in group)),
        tag_facts={
            "tag.jurisdiction": pack.jurisdiction.code,
            "tag.role": tuple(sorted({role for tag in group for role in tag.roles})) or None,
            "tag.classification": first.classification,
            "tag.exemption": first.exemption,
            "tag.offeringKind": first.offering_kind,
        },
    )
