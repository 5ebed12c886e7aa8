from django.urls import path

from payments import views

urlpatterns = [
    path("", views.ready),
    path("checkout/<str:order_id>/", views.checkout),
    path("refund/<str:order_id>/", views.refund),
    path("say/<str:order_id>/", views.say),
    path("flush/", views.flush),
]
