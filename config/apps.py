from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The project itself: makes the checks of production known before any check runs."""

    name = "config"
    verbose_name = "Assayer"

    def ready(self) -> None:
        from config import checks  # noqa: F401 - registers them
