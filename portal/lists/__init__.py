"""What every list page is made of: query form, tabs, table, selection, panel, pager, drawer.

A room writes the parts below; everything else (layout, htmx, keys, print, sorting, counting) is done here.

    # choices.py            word and colour of each state, once
    class DepartmentState(States):
        DRAFT = "draft", "secondary", "草稿"

    # tables.py             portal.lists.columns: TextColumn CodeColumn NumberColumn MoneyColumn TimeColumn DateColumn
    #                       NameColumn ChoiceColumn StateColumn SelectColumn ActionsColumn
    class DepartmentTable(ListTable):
        select = SelectColumn()
        hosp_dept_codg = CodeColumn(verbose_name="编码", opens=True)
        hosp_dept_name = TextColumn(verbose_name="名称", width="w-l")
        state = StateColumn(DepartmentState, verbose_name="状态", extra="state_words")
        act = ActionsColumn(acts_of_department)         # (record, table) -> [Act("修改", url, reason="…不能改的原因")]

    # filters.py            portal.lists.filters: SearchFilter ChoiceFilter YesNoFilter DayRangeFilter
    class DepartmentFilter(ListFilter):
        words = SearchFilter(fields=["hosp_dept_codg", "hosp_dept_name"], label="编码、名称")

        class Meta:
            model = Department
            fields = []

    # views.py
    class DepartmentList(ListPage):
        action = "directory.view"
        title, purpose = "科室", "本院科室与医保平台登记的科室。"
        table_class, filter_class = DepartmentTable, DepartmentFilter
        tabs = [Tab("waiting", "待处理", Q(state="draft"), empty="没有待处理的科室。"), Tab("all", "全部")]
        main = Link("新建科室", "directory:department_new", action="directory.edit")
        tools = [Link("导入", …), Link("导出", …, query=True)]
        batches = [Batch("上传", "directory:department_upload", action="directory.submit")]
        empty = Empty("还没有科室。", Link("从表格导入", "directory:import", action="directory.import"))
        order = ["hosp_dept_codg"]

        def rows(self):
            return Department.objects.visible_to(self.request.user).filter(institution=self.request.actor.institution)

        export_action = "directory.export"              # 导出 of what the query finds (portal.lists.exporting)

        def decorate(self, records):                    # what a page needs besides, in one query for all its rows
            if self.shows("delivery"):                  # and none where nobody sees the column
                attach_latest(records)

    class UploadDepartments(BatchPage): …               # portal.lists.batch: panel, then once

    # urls.py
    path("departments/", DepartmentList.as_view(), name="departments")

Saved views, column chooser, density, page size and paper need nothing of a room; a table may name `hidden_at_first`.
A list of more than some 50,000 rows has `Index(fields=["institution", <its order>, "id"])` (portal.lists.paging) and a
search by `SearchFilter(holds=…, starts=…)` with `search_indexes` (portal.lists.searching).

A ledger (交易记录, stock movements) takes LedgerPage of portal.lists.ledger instead: pages by key, counts up to 10,000.

A detail is an ordinary view whose template begins with `{% extends layout %}`: as a page by its address, in the drawer
when a list opened it. Blocks: title, purpose, actions, content. Useful classes: `facts` (dl), `section`, `grid`
(table), `card` + `card-body`, `form`, `form-buttons`, `note note-warning`, `purpose`, `tag`.
A form is `<form method="post" class="form">{% csrf_token %}{% intent_field "directory.department" %}{{ form }}
<div class="form-buttons">…</div></form>`; its view calls `portal.lists.intent.once`. Templates `{% load lists %}` for
`{% state record %}`, `|money`, `|thousands`, `{% control field %}`, `{% intent_field %}`.
`ListPage.as_view()` and `BatchPage.as_view()` are guarded by `action` (portal.people.guard.needs).
"""
