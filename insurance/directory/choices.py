"""States of departments and of comparisons, with word and colour."""

from portal.lists.states import States


class DepartmentState(States):
    """A department's own life, apart from where its submissions stand."""

    DRAFT = "draft", "secondary", "草稿"
    IN_FORCE = "in_force", "green", "生效中"
    ENDED = "ended", "dark", "已停用"
    WITHDRAWN = "withdrawn", "dark", "已撤销"


class Verdict(States):
    """What a comparison of our record with the platform's says."""

    SAME = "same", "green", "一致"
    OURS = "ours", "azure", "仅本院"
    THEIRS = "theirs", "purple", "仅平台"
    DIFFERENT = "different", "orange", "不同"


class ComparisonKind(States):
    """What is compared."""

    DEPARTMENT = "department", "blue", "科室"
    STAFF = "staff", "azure", "医执人员"


class PracticeKind(States):
    """The four kinds that 5102 is asked for (dictionary medins_psn_type)."""

    DOCTOR = "1", "blue", "医师"
    NURSE = "2", "azure", "护士"
    PHARMACIST = "3", "green", "药师"
    TECHNICIAN = "4", "purple", "医技人员"
