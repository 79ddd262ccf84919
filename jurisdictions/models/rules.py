"""Jurisdictions, the facts catalogue, and rule packs with their requirements.

What the wire and the pack documents call `packId` is `RulePack.pack_id`; a row is one version.
People are stored as id and label, not as foreign keys, so that a version outlives its authors.
"""

import uuid
from typing import Any

from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from jurisdictions.choices import (
    Basis,
    Confidence,
    FactType,
    JurisdictionKind,
    OnMissing,
    PackOrigin,
    PackStatus,
    RequirementCategory,
    Severity,
)
from jurisdictions.querysets import RequirementQuerySet, RulePackQuerySet


def always() -> dict[str, Any]:
    """Return the condition that always holds."""
    return {"always": True}


class Jurisdiction(models.Model):
    """A place or body whose rules may apply, and every spelling that names it.

    `edited_at` is set once staff changed the row: from then on loading leaves it alone.
    """

    code = models.CharField(max_length=16, unique=True)
    kind = models.CharField(max_length=16, choices=JurisdictionKind)
    name = models.CharField(max_length=200)
    members = models.JSONField(
        default=list, blank=True, help_text="The codes of the countries in it, for a union."
    )
    aliases = models.JSONField(
        default=list, blank=True, help_text="Other spellings of it in a jurisdiction text."
    )
    note = models.CharField(max_length=1000, blank=True)
    edited_by = models.CharField(max_length=254, blank=True, editable=False)
    edited_at = models.DateTimeField(null=True, editable=False)
    lock_version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=JurisdictionKind.values), name="jurisdiction_kind_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class AmbiguousSpelling(models.Model):
    """A spelling that could name more than one jurisdiction, so it is read as none."""

    text = models.CharField(max_length=200, unique=True)

    def __str__(self) -> str:
        return self.text


class FactDefinition(models.Model):
    """One fact of the catalogue: what rules may ask for, and what it may hold.

    `edited_at` is set once staff changed or added the row: loading leaves it alone from then on.
    """

    path = models.CharField(max_length=100, unique=True)
    type = models.CharField(max_length=8, choices=FactType)
    enum = models.JSONField(
        null=True, blank=True, help_text="The values it may hold; empty leaves them open."
    )
    assume_when_missing = models.JSONField(
        null=True, blank=True, help_text="What is assumed where nobody recorded it."
    )
    origin = models.CharField(max_length=100, blank=True)
    description = models.CharField(max_length=500, blank=True)
    edited_by = models.CharField(max_length=254, null=True, blank=True, editable=False)
    edited_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(type__in=FactType.values), name="fact_definition_type_known"
            )
        ]

    def __str__(self) -> str:
        return self.path


class RulePack(models.Model):
    """One framework of one jurisdiction at one version: the unit of review and of force.

    Only a Draft can be edited; the database refuses to change the content of any other
    (`jurisdictions.freeze`). `territory` keeps the jurisdiction's kind, name and members as they
    were for this version. `authors` are the ids of all who made, changed or submitted it: none of
    them may activate it. `lock_version` grows by one with every change, requirements included.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pack_id = models.CharField(
        "pack id",
        max_length=50,
        validators=[RegexValidator(r"\A[a-z0-9-]+\Z", "Use small letters, digits and hyphens.")],
    )
    version = models.CharField(
        max_length=16,
        validators=[RegexValidator(r"\A\d{4}\.\d{2}\.\d{1,4}\Z", "Write it as 2026.11.1.")],
    )
    jurisdiction = models.ForeignKey(
        Jurisdiction,
        on_delete=models.PROTECT,
        to_field="code",
        db_column="jurisdiction_code",
        related_name="packs",
    )
    territory = models.JSONField(
        default=dict,
        help_text="Kind, name, members and treaty states of the jurisdiction in this version.",
    )
    framework_id = models.CharField("framework id", max_length=50)
    framework_name = models.CharField("framework", max_length=200)
    regulators = models.JSONField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=PackStatus, default=PackStatus.DRAFT)
    origin = models.CharField(max_length=6, choices=PackOrigin, default=PackOrigin.STAFF)
    effective_from = models.DateField(null=True, blank=True)
    effective_to = models.DateField(null=True, blank=True, help_text="The last day of force.")
    as_of = models.DateField(
        "as of", null=True, blank=True, help_text="The day on which the law was read."
    )
    applies_when = models.JSONField(default=always)
    sources = models.JSONField(default=list)
    parameters = models.JSONField(null=True, blank=True)
    retention = models.JSONField(null=True, blank=True)
    notes = models.JSONField(null=True, blank=True)
    disclaimer = models.CharField(max_length=1000, null=True, blank=True)
    loaded_digest = models.CharField(
        max_length=64, null=True, editable=False, help_text="SHA-256 of the document it came from."
    )
    authors = models.JSONField(default=list, editable=False)
    created_by = models.CharField(max_length=254, editable=False)
    created_by_id = models.CharField(max_length=36, null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    submitted_by = models.CharField(max_length=254, null=True, editable=False)
    submitted_by_id = models.CharField(max_length=36, null=True, editable=False)
    submitted_at = models.DateTimeField(null=True, editable=False)
    activated_by = models.CharField(max_length=254, null=True, editable=False)
    activated_by_id = models.CharField(max_length=36, null=True, editable=False)
    activated_at = models.DateTimeField(null=True, editable=False)
    lock_version = models.PositiveIntegerField(default=1, editable=False)

    objects = RulePackQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pack_id", "version"], name="rule_pack_unique"),
            models.UniqueConstraint(
                fields=["pack_id"],
                condition=Q(status=PackStatus.ACTIVE),
                name="rule_pack_one_active_version",
            ),
            models.CheckConstraint(
                condition=Q(status__in=PackStatus.values), name="rule_pack_status_known"
            ),
            models.CheckConstraint(
                condition=Q(origin__in=PackOrigin.values), name="rule_pack_origin_known"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[PackStatus.ACTIVE, PackStatus.SUPERSEDED])
                | Q(activated_at__isnull=False),
                name="rule_pack_active_was_activated",
            ),
            models.CheckConstraint(
                condition=Q(activated_at__isnull=True)
                | Q(origin=PackOrigin.LOADED, activated_by_id__isnull=True)
                | (
                    Q(activated_by_id__isnull=False, submitted_by_id__isnull=False)
                    & ~Q(activated_by_id=F("created_by_id"))
                    & ~Q(activated_by_id=F("submitted_by_id"))
                ),
                name="rule_pack_second_person",
                violation_error_message="Somebody who did not make or submit it must activate it.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pack_id} {self.version}"

    @property
    def is_draft(self) -> bool:
        """Whether it can still be edited."""
        return self.status == PackStatus.DRAFT


class Requirement(models.Model):
    """One rule of a pack: when it applies, what is checked, what it rests on.

    `params` are those of its check kind; `position` is its place in the pack. `lock_version` grows
    by one with every change.
    """

    id = models.BigAutoField(primary_key=True)
    pack = models.ForeignKey(RulePack, on_delete=models.CASCADE, related_name="requirements")
    position = models.PositiveIntegerField(default=0, editable=False)
    key = models.CharField(
        max_length=100,
        validators=[
            RegexValidator(
                r"\A[a-z0-9]+(\.[a-z0-9_]+)+\Z",
                "Use small letters and digits in parts joined by dots, such as base.kyc_status.",
            )
        ],
        help_text="Small letters and dots, such as base.kyc_status.",
    )
    title = models.CharField(max_length=200)
    description = models.CharField(max_length=1000, blank=True)
    citation = models.CharField(
        max_length=300,
        validators=[MinLengthValidator(3)],
        help_text="The provision, such as MiCA Art 8(5).",
    )
    source = models.CharField(max_length=50, help_text="The id of one of the pack's sources.")
    basis = models.CharField(max_length=8, choices=Basis, default=Basis.POLICY)
    category = models.CharField(max_length=20, choices=RequirementCategory)
    severity = models.CharField(max_length=11, choices=Severity, default=Severity.REQUIRED)
    applies_when = models.JSONField("applies when", default=always)
    check_kind = models.CharField("kind of check", max_length=50)
    params = models.JSONField("parameters of the check", default=dict)
    on_missing = models.CharField(
        "without data", max_length=7, choices=OnMissing, default=OnMissing.UNKNOWN
    )
    evidence = models.CharField(
        max_length=200, blank=True, help_text="What shows that it is met, in words."
    )
    control = models.CharField(
        max_length=100,
        null=True,
        blank=True,
        help_text="The control that requirements of several packs share.",
    )
    confidence = models.CharField(max_length=6, choices=Confidence, default=Confidence.MEDIUM)
    remediation = models.CharField(
        max_length=500, null=True, blank=True, help_text="What to do where it is not met."
    )
    effective_from = models.DateField(null=True, blank=True)
    effective_to = models.DateField(null=True, blank=True, help_text="The last day of force.")
    note = models.CharField(max_length=1000, null=True, blank=True)
    lock_version = models.PositiveIntegerField(default=1, editable=False)

    objects = RequirementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pack", "key"], name="requirement_key_unique"),
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values), name="requirement_severity_known"
            ),
            models.CheckConstraint(
                condition=Q(on_missing__in=OnMissing.values), name="requirement_on_missing_known"
            ),
        ]

    def __str__(self) -> str:
        return self.key


class ReferenceStamp(models.Model):
    """What the rows of a topic were when they last changed: a random mark, set by a trigger.

    A process that cached the topic under this mark may still use it. A counter would not do: one
    that a rollback took back comes again with other content.
    """

    class Topic(models.TextChoices):
        """What is cached together."""

        PACKS = "packs"
        FACTS = "facts"
        DIRECTORY = "directory"
        LISTS = "lists"

    topic = models.CharField(max_length=10, primary_key=True, choices=Topic)
    value = models.CharField(max_length=36)

    def __str__(self) -> str:
        return f"{self.topic} {self.value}"
