"""Lists of jurisdictions that checks are made against."""

from django.core.validators import RegexValidator
from django.db import models


class ScreeningList(models.Model):
    """A maintained list of jurisdiction codes, such as FATF's, and the day on which it was true.

    Rules name it by `list_id`. Older than `max_age_days` it is stale: checks against it warn.
    `edited_at` is set once staff changed it: from then on loading leaves it alone.
    """

    list_id = models.CharField(
        "list id",
        max_length=50,
        unique=True,
        validators=[
            RegexValidator(
                r"\A[a-z0-9]+(\.[a-z0-9_]+)+\Z",
                "Use small letters and digits in parts joined by dots, such as fatf.watch.",
            )
        ],
    )
    title = models.CharField(max_length=200)
    as_of = models.DateField("as of", help_text="The day of the publication it was taken from.")
    max_age_days = models.PositiveIntegerField(
        "stale after days", null=True, blank=True, help_text="Empty for a list that never ages."
    )
    sources = models.JSONField(default=list, blank=True)
    edited_by = models.CharField(max_length=254, blank=True, editable=False)
    edited_at = models.DateTimeField(null=True, editable=False)
    lock_version = models.PositiveIntegerField(default=1, editable=False)

    def __str__(self) -> str:
        return self.title


class ScreeningListEntry(models.Model):
    """One jurisdiction on a list, what the list asks for there, and since when."""

    screening_list = models.ForeignKey(
        ScreeningList, on_delete=models.CASCADE, related_name="entries"
    )
    code = models.CharField(max_length=16)
    measure = models.CharField(max_length=200, blank=True)
    since = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["screening_list", "code"], name="screening_list_entry_unique"
            )
        ]

    def __str__(self) -> str:
        return self.code
