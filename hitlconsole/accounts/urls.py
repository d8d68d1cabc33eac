from django.urls import path

from hitlconsole.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/<str:token>/", views.sign_in_link, name="sign-in-link"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("profile/", views.profile, name="profile"),
    path("profile/name/", views.change_name, name="change-name"),
    path("profile/password/", views.change_password, name="change-password"),
    path("profile/preferences/", views.change_preferences, name="change-preferences"),
    path("hints/show/", views.bring_hints_back, name="show-hints"),
    path("hints/<slug:name>/dismiss/", views.put_hint_away, name="dismiss-hint"),
]
