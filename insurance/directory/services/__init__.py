"""Everything that changes state in this room: named functions with the acting `Actor`."""

from insurance.directory.services.comparing import refresh_departments, refresh_staff
from insurance.directory.services.departments import (
    change_department,
    create_department,
    discard_draft,
    end_department,
    preview_faults,
    withdraw_department,
)
from insurance.directory.services.mirroring import (
    finish_practitioners,
    note_accepted,
    replace_institution_info,
    replace_mirror,
    replace_practitioners,
)
from insurance.directory.services.settling import Settled, adopt_platform, ignore, keep_ours
from insurance.directory.services.submitting import Planned, Submitted, plan_departments, submit_departments
from insurance.directory.services.taking import judge_departments, judge_staff, take_rows, take_staff

__all__ = [
    "Planned", "Settled", "Submitted", "adopt_platform", "change_department", "create_department", "discard_draft",
    "end_department", "finish_practitioners", "ignore", "judge_departments", "judge_staff", "keep_ours",
    "note_accepted", "plan_departments", "preview_faults", "refresh_departments", "refresh_staff",
    "replace_institution_info", "replace_mirror", "replace_practitioners", "submit_departments", "take_rows",
    "take_staff", "withdraw_department",
]  # fmt: skip
