"""The words of deployments; the stored value is the wire value."""

from django.db.models import TextChoices


class DeploymentStatus(TextChoices):
    """Where a deployment stands. In the order of the incumbent's integers, not of the pipeline."""

    QUEUED = "Queued"
    SUBMITTED = "Submitted"
    PENDING = "Pending"
    CONFIRMED = "Confirmed"
    COMPLETED = "Completed"
    FAILED = "Failed"
    INDEXED = "Indexed"
    CANCELLED = "Cancelled"


class Origin(TextChoices):
    """Whether Assayer issued the token, or somebody recorded one that was issued elsewhere."""

    PIPELINE = "Pipeline"
    IMPORTED = "Imported"


class TransitionReason(TextChoices):
    """Why a deployment changed its status."""

    DEPLOYMENT_IMPORTED = "DEPLOYMENT_IMPORTED"
