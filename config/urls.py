"""The URL configuration: the API under /api/v1, the admin, health, metrics and the documents."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from accounts.admin_password import password_change
from attestations.api.credentials import published_status_list
from compliance.api.views.report_files import published_keys
from config.api import converters, handler
from config.api.handler import not_found
from config.observability.health import live, ready
from config.observability.metrics import metrics

converters.register()

api_patterns: list[URLPattern | URLResolver] = [
    path("", include("compliance.api.urls")),  # first: the status is what is read most
    path("auth/", include("accounts.api.urls")),
    path("", include("attestations.api.urls")),
    path("", include("audit.api.urls")),
    path("", include("accounts.api.log_urls")),
    path("", include("whitelist.api.urls")),
    # After compliance: `jurisdiction-rules/evaluate` could be the id of a pack.
    path("", include("jurisdictions.api.urls")),
]


@csrf_exempt
def api_fallback(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer an API path that no route matches with the envelope, also in development."""
    return not_found(request)


urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(url="/api/docs"), name="home"),
    path("admin/password_change/", password_change),  # before the admin's own
    path("admin/", admin.site.urls),
    path("api/v1/", include(api_patterns)),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("health", live),
    path("health/live", live),
    path("health/ready", ready),
    path("metrics", metrics),
    path(".well-known/assayer-keys.json", published_keys, name="assayer-keys"),
    path(
        ".well-known/assayer-status-lists/<asset:list_number>",
        published_status_list,
        name="assayer-status-list",
    ),
    path("api/<path:rest>", api_fallback),
]

handler400 = handler.bad_request
handler403 = handler.permission_denied
handler404 = handler.not_found
handler500 = handler.server_error
