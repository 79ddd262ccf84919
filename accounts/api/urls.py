"""Routes of log-in and of the own session."""

from django.urls import path

from accounts.api.views import AuthViewSet, SessionViewSet

urlpatterns = [
    path("login", AuthViewSet.as_view({"post": "login"})),
    path("refresh", AuthViewSet.as_view({"post": "refresh"})),
    path("logout", SessionViewSet.as_view({"post": "logout"})),
    path("profile", SessionViewSet.as_view({"get": "profile"})),
]
