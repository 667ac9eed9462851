"""Addresses of this corner, under the room's."""

from django.urls import path

from insurance.mapping.switching.views import deciding, findings, nights, switch, switches

urlpatterns = [
    path("switches/", switches.SwitchList.as_view(), name="switches"),
    path("switches/new/", switches.new, name="switch_new"),
    path("switches/<int:pk>/", switch.SwitchPage.as_view(), name="switch"),
    path("switches/<int:pk>/edit/", switches.edit, name="switch_edit"),
    path("switches/<int:pk>/upload/", switches.upload, name="switch_upload"),
    path("switches/<int:pk>/rows/", switch.RowList.as_view(), name="switch_rows"),
    path("switches/<int:pk>/rows/drop/", switch.drop, name="switch_drop"),
    path("switches/<int:pk>/assess/", switch.reassess, name="switch_assess"),
    path("switches/<int:pk>/prepare/", switch.Prepare.as_view(), name="switch_prepare"),
    path("switches/<int:pk>/approve/", deciding.approve, name="switch_approve"),
    path("switches/<int:pk>/return/", deciding.deciding("return"), name="switch_return"),
    path("switches/<int:pk>/undo/", deciding.deciding("undo"), name="switch_undo"),
    path("switches/<int:pk>/cancel/", deciding.deciding("cancel"), name="switch_cancel"),
    path("switches/lines/<int:pk>/", switch.line, name="switch_line"),
    path("switches/lines/<int:pk>/choose/", switch.choose, name="switch_choose"),
    path("findings/", findings.FindingList.as_view(), name="findings"),
    path("findings/run/", findings.look_again, name="findings_run"),
    path("findings/ignore/", findings.Ignore.as_view(), name="finding_ignore"),
    path("findings/<int:pk>/", findings.detail, name="finding"),
    path("nights/", nights.NightList.as_view(), name="nights"),
    path("nights/run/", nights.run, name="night_run"),
    path("nights/<int:pk>/", nights.detail, name="night"),
]
