"""Everything that changes a relation before it leaves: proposing, approving, returning, taking back, ending."""

from insurance.mapping.review.services.approving import (
    Approved,
    approve_mappings,
    cancel_mapping,
    return_mappings,
)
from insurance.mapping.review.services.ending import (
    approve_endings,
    cancel_ending,
    propose_ending,
    return_endings,
)
from insurance.mapping.review.services.proposing import (
    Choice,
    Proposed,
    judge_all,
    propose_all,
    propose_certain,
    propose_mapping,
)
from insurance.mapping.review.services.queueing import comment, skip_item, unskip_item
from insurance.mapping.review.services.sampling import approve_round, draw_round, look_at

__all__ = [
    "Approved", "Choice", "Proposed", "approve_endings", "approve_mappings", "approve_round", "cancel_ending",
    "cancel_mapping", "comment", "draw_round", "judge_all", "look_at", "propose_all", "propose_certain",
    "propose_ending", "propose_mapping", "return_endings", "return_mappings", "skip_item", "unskip_item",
]  # fmt: skip
