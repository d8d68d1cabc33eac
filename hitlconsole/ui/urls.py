"""To be included under /ui/."""

from django.conf import settings
from django.urls import path

from hitlconsole.ui import gallery, views

app_name = "ui"
urlpatterns = [
    path("theme/", views.set_theme, name="theme"),
    path("density/", views.set_density, name="density"),
    path("shortcuts/", views.set_shortcuts, name="shortcuts"),
]
if settings.DEBUG or settings.TESTING:
    urlpatterns.append(path("gallery/", gallery.gallery, name="gallery"))
