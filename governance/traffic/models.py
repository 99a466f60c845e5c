"""The tables of traffic."""

from django.db import models


class BalancingPolicy(models.Model):
    """The balancing in force for one service; `service_uid` tells it from a later service of the same name.

    A service without a row has the default.
    """

    service_uid = models.CharField(max_length=36, primary_key=True)
    namespace = models.CharField(max_length=63)
    service = models.CharField(max_length=63)
    balancing = models.JSONField()
    revision = models.BigIntegerField()
    at = models.DateTimeField()
