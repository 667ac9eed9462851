"""States of this room, with word and colour."""

from __future__ import annotations

from portal.lists.states import States


class ListType(States):
    """目录类别 (dictionary list_type): which national catalogue an item's code comes from (mapping.md)."""

    DRUG = "101", "blue", "西药中成药"
    SLICE = "102", "green", "中药饮片"
    PREPARATION = "103", "azure", "自制剂"
    ETHNIC = "104", "azure", "民族药"
    OTHER = "105", "secondary", "其他"
    GRANULE = "106", "green", "中药配方颗粒"
    SERVICE = "201", "purple", "医疗服务项目"
    CONSUMABLE = "301", "orange", "医用耗材"


class MappingState(States):
    """A relation's own life, apart from where its submissions stand and from the bureau's verdict."""

    PROPOSED = "proposed", "yellow", "待审核"
    RETURNED = "returned", "red", "已退回"
    CANCELLED = "cancelled", "dark", "已作废"
    APPROVED = "approved", "azure", "已审核"
    IN_FORCE = "in_force", "green", "生效中"
    ENDED = "ended", "dark", "已终止"
    REMOVED = "removed", "dark", "已撤销"


# States in which a relation takes up its period: no other of the same item may overlap it.
STANDING = (MappingState.APPROVED, MappingState.IN_FORCE, MappingState.ENDED)
# States in which somebody still works on it: at most one such relation an item.
UNDECIDED = (MappingState.PROPOSED, MappingState.RETURNED)


class Verdict(States):
    """The bureau's word on what it received (5163 chk_stas, or 1317); never mixed with delivery."""

    NONE = "", "secondary", "未上传"
    WAITING = "waiting", "yellow", "待局方审核"
    PASSED = "passed", "green", "局方通过"
    FAILED = "failed", "red", "局方不通过"
    RETURNED = "returned", "orange", "局方退回"


class Source(States):
    """Where a relation came from."""

    SUGGESTED = "suggested", "blue", "系统推荐"
    SEARCHED = "searched", "azure", "人工检索"
    IMPORTED = "imported", "secondary", "表格导入"
    SWITCHED = "switched", "purple", "目录切换"
    ADOPTED = "adopted", "orange", "以平台为准"


class EndingKind(States):
    """How a relation is taken back: ended by a date (3360), or removed altogether as a mistake (3302)."""

    END = "end", "dark", "终止"
    REMOVE = "remove", "red", "撤销"


class EndingState(States):
    """The life of an ending or removal."""

    PROPOSED = "proposed", "yellow", "待审核"
    RETURNED = "returned", "red", "已退回"
    CANCELLED = "cancelled", "dark", "已作废"
    APPROVED = "approved", "azure", "已审核"
    DONE = "done", "green", "已生效"


class LookReason(States):
    """Why a relation of a large batch must be looked at before the batch can be approved."""

    UNSURE = "unsure", "yellow", "非确定推荐"
    CONTRADICTS = "contradicts", "red", "有不符项"
    REPLACES = "replaces", "orange", "更换编码"
    DRAWN = "drawn", "blue", "随机抽查"


class Certainty(States):
    """What the suggestions for an item amount to."""

    CERTAIN = "certain", "green", "确定"
    LIKELY = "likely", "azure", "较可能"
    AMBIGUOUS = "ambiguous", "yellow", "多个相符"
    NONE = "none", "secondary", "无推荐"


class DifferenceKind(States):
    """How our relations and the platform's (1317, 5163) differ."""

    MISSING = "missing", "red", "平台缺少"
    EXTRA = "extra", "purple", "平台多出"
    OTHER_CODE = "other_code", "orange", "编码不同"
    OTHER_DATES = "other_dates", "yellow", "日期不同"
    EXPIRED = "expired", "dark", "平台已失效"


class WorkState(States):
    """Whether somebody still has to see to it."""

    OPEN = "open", "yellow", "待处理"
    HANDLED = "handled", "green", "已处理"
    IGNORED = "ignored", "secondary", "不处理"
    GONE = "gone", "dark", "已消失"


class FindingKind(States):
    """What a change of the catalogue does to a relation."""

    BROKEN = "broken", "red", "编码失效"
    ENDING = "ending", "orange", "编码即将失效"
    RENAMED = "renamed", "azure", "内容变更"
    RECLASSED = "reclassed", "purple", "等级变更"
    REPRICED = "repriced", "yellow", "限价变更"
    OVER_CEILING = "over_ceiling", "orange", "超过限价"
    UNPAYABLE = "unpayable", "red", "本地不支付"


class SwitchState(States):
    """The life of a change of codes (目录切换)."""

    DRAFT = "draft", "secondary", "准备中"
    PROPOSED = "proposed", "yellow", "待审核"
    READY = "ready", "azure", "待切换"
    DONE = "done", "green", "已切换"
    CANCELLED = "cancelled", "dark", "已作废"


class SwitchRelation(States):
    """How old codes meet new ones in the bureau's table."""

    ONE = "1:1", "blue", "一对一"
    MERGED = "n:1", "azure", "多对一"
    SPLIT = "1:n", "orange", "一对多"
    DROPPED = "1:0", "red", "停用"


class LineKind(States):
    """What a change of codes means for one standing relation, as long as nothing was prepared for it."""

    READY = "ready", "blue", "可准备"
    CHOICE = "choice", "orange", "需人选择"
    DROPPED = "dropped", "red", "停用无替代"
    BLOCKED = "blocked", "yellow", "受阻"
    UNLISTED = "unlisted", "red", "对照表未列"


class LineState(States):
    """How far one relation's change of code is prepared."""

    WAITING = "waiting", "yellow", "待准备"
    PROPOSED = "proposed", "azure", "待审核"
    RETURNED = "returned", "red", "已退回"
    APPROVED = "approved", "blue", "待切换"
    DONE = "done", "green", "已切换"
    SETTLED = "settled", "secondary", "已另行处理"


class StepState(States):
    """How one step of the night stands."""

    WAITING = "waiting", "secondary", "未开始"
    RUNNING = "running", "blue", "进行中"
    DONE = "done", "green", "已完成"
    FAILED = "failed", "red", "未完成"
    SKIPPED = "skipped", "orange", "未执行"


class NightState(States):
    """How the night's order of work stands."""

    RUNNING = "running", "blue", "进行中"
    GREEN = "green", "green", "全部完成"
    RED = "red", "red", "未完成"
