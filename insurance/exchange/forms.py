"""Forms of the exchange's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django import forms

from insurance.exchange.choices import SignIn
from insurance.exchange.handlers import Finding
from insurance.exchange.models import Connection
from insurance.specification.books import open_book
from insurance.specification.editions import edition_names
from insurance.specification.errors import SpecificationError

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Connection]
else:
    ModelForm = forms.ModelForm

FILE_BYTES = [
    ("signed", "带符号字节数组（-128～127）"),
    ("unsigned", "无符号字节数组（0～255）"),
    ("base64", "Base64 文本"),
]


class ReasonForm(forms.Form):
    """Why, in words that somebody else will read; may be empty."""

    reason = forms.CharField(
        label="原因",
        required=False,
        max_length=200,
        help_text="选填，记入操作记录。",
        widget=forms.Textarea({"rows": 2}),
    )


class MustReasonForm(forms.Form):
    """Why, required."""

    reason = forms.CharField(
        label="原因",
        max_length=200,
        widget=forms.Textarea({"rows": 2}),
        error_messages={"required": "请填写原因：以后看到的人要知道为什么。"},
    )


class DecideForm(forms.Form):
    """What a person found at the platform about an unknown outcome."""

    finding = forms.ChoiceField(
        label="核实结果",
        widget=forms.RadioSelect,
        choices=[
            (Finding.ADOPTED.value, "平台有：采用平台结果，记为上传成功"),
            (Finding.ABSENT.value, "平台无：平台确实没有收到，可以再发"),
        ],
        error_messages={"required": "请选择核实结果。"},
    )
    reason = forms.CharField(
        label="依据",
        max_length=200,
        widget=forms.Textarea({"rows": 3}),
        help_text="在哪里查的、查到什么、向谁核实的，例如「医保局网站机构科室查询，已有该科室」。",
        error_messages={"required": "请填写依据：在哪里查到、查到什么。"},
    )


PARTS = [("request", "请求"), ("answer", "答复"), ("late", "迟到的答复")]


class UncoverForm(forms.Form):
    """Which parts of a message are needed in clear, and what for."""

    parts = forms.MultipleChoiceField(
        label="要看的内容",
        choices=PARTS,
        initial=["request", "answer"],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "请选择要看请求还是答复。"},
    )
    reason = forms.CharField(
        label="原因",
        max_length=200,
        widget=forms.Textarea({"rows": 2}),
        help_text="为什么要看本人信息，例如「核对窗口病人身份，退费工单 12」。连同您的姓名和时间记入审计。",
        error_messages={"required": "请填写查看的原因。"},
    )


class ConnectionForm(ModelForm):
    """The connection's settings. The secret is never shown: an empty field keeps the present one."""

    secret = forms.CharField(
        label="应用密钥",
        required=False,
        max_length=200,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text="不显示。留空表示不改。",
    )
    file_bytes = forms.ChoiceField(label="9101 字节写法", choices=FILE_BYTES)
    sign_in = forms.ChoiceField(label="签到（9001）", choices=SignIn.choices)
    edition = forms.ChoiceField(label="规范版本")
    reason = forms.CharField(label="修改原因", max_length=200, error_messages={"required": "请填写修改原因。"})

    class Meta:
        """In the order in which people fill it in."""

        model = Connection
        fields = (
            "base_url", "account", "secret", "edition", "infver", "recer_sys_code", "resolve", "proxy",
            "opter", "opter_name", "sign_in", "mac", "ip", "file_bytes", "catalogue_code",
        )  # fmt: skip
        help_texts = {
            "base_url": "交易编号之前的部分，例如 http://10.0.0.1:20001/ebus/gdyb/hsa/hgs。",
            "resolve": "主机名绑定到的地址或前置机，例如 10.0.0.2 或 10.0.0.2:443；留空按主机名解析。",
            "proxy": "例如 http://10.0.0.3:3128；留空不经代理。",
            "opter": "定时任务等无人值守的上传用它；人工操作用各人自己的经办人编号。",
            "mac": "签到用；留空取登记的工作站，再取服务器自己的。",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        present = str(self.instance.edition)
        names = [*edition_names(), *([] if present in edition_names() else [present])]
        edition = self.fields["edition"]
        assert isinstance(edition, forms.ChoiceField)
        edition.choices = [(name, _label_of(name)) for name in names]

    def clean_base_url(self) -> str:
        """Refuse what is no http address; a final slash goes."""
        url = str(self.cleaned_data["base_url"]).strip().rstrip("/")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise forms.ValidationError("应是以 http:// 或 https:// 开头的完整地址。")
        return url

    def clean_secret(self) -> str:
        """Keep the present secret when nothing was typed."""
        return self.cleaned_data["secret"] or str(self.initial.get("secret", ""))


def _label_of(name: str) -> str:
    try:
        return f"{open_book(name).label}（{name}）"
    except SpecificationError:
        return f"{name}（找不到）"
