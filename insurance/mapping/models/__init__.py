"""What this room keeps: hospital items, their relations to national codes, the platform's side, changes of codes."""

from insurance.mapping.models.items import HospitalItem, ItemChange
from insurance.mapping.models.proof import Difference, PlatformMapping
from insurance.mapping.models.relations import Comment, Ending, Mapping, Suggestion
from insurance.mapping.models.sampling import ApprovalLook, ApprovalRound
from insurance.mapping.models.switching import (
    CodeSwitch,
    CodeSwitchRow,
    Finding,
    NightRun,
    RelationTerms,
    SwitchFile,
    SwitchLine,
)

__all__ = [
    "ApprovalLook", "ApprovalRound", "CodeSwitch", "CodeSwitchRow", "Comment",
    "Difference", "Ending", "Finding", "HospitalItem", "ItemChange",
    "Mapping", "NightRun", "PlatformMapping", "RelationTerms", "Suggestion", "SwitchFile", "SwitchLine",
]  # fmt: skip
