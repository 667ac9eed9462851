"""A hospital that talks to the sandbox, with two persons who may decide."""

from tests.mapping_delivery.conftest import (  # noqa: F401
    colleague,
    office,
    platform,
    second,
    short_waits,
    slow_bureau,
    world,
)
