"""Addresses of this room: each corner brings its own."""

from insurance.mapping.delivery.urls import urlpatterns as delivery
from insurance.mapping.items.urls import urlpatterns as items
from insurance.mapping.proof.urls import urlpatterns as proof
from insurance.mapping.review.urls import urlpatterns as review
from insurance.mapping.switching.urls import urlpatterns as switching

app_name = "mapping"

urlpatterns = [*items, *review, *delivery, *proof, *switching]
