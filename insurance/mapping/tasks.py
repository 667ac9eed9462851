"""Background work of this room: each corner brings its own."""

from insurance.mapping.delivery import tasks as delivery_tasks  # noqa: F401
from insurance.mapping.items import tasks as items_tasks  # noqa: F401
from insurance.mapping.matching import tasks as matching_tasks  # noqa: F401
from insurance.mapping.proof import tasks as proof_tasks  # noqa: F401
from insurance.mapping.switching import tasks as switching_tasks  # noqa: F401
