import django.contrib.postgres.constraints
import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('people', '0001_initial'),
    ]

    operations = [
        # equality of plain columns inside the exclusion constraint; a trusted extension, so the owner may add it
        BtreeGistExtension(),
        migrations.CreateModel(
            name='MissingValue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('set_code', models.CharField(max_length=40, verbose_name='对照类别')),
                ('source', models.CharField(max_length=200, verbose_name='院内值')),
                ('key', models.CharField(max_length=200)),
                ('source_label', models.CharField(blank=True, max_length=200, verbose_name='院内名称')),
                ('count', models.PositiveIntegerField(default=0, verbose_name='出现次数')),
                ('first_seen', models.DateTimeField(auto_now_add=True, verbose_name='首次出现')),
                ('last_seen', models.DateTimeField(verbose_name='最近出现')),
                ('settled_at', models.DateTimeField(null=True, verbose_name='对上时间')),
                ('institution', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.institution', verbose_name='机构')),
            ],
            options={
                'verbose_name': '待对照的值',
                'verbose_name_plural': '待对照的值',
            },
        ),
        migrations.CreateModel(
            name='ValueMapping',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('set_code', models.CharField(max_length=40, verbose_name='对照类别')),
                ('source', models.CharField(max_length=200, verbose_name='院内值')),
                ('key', models.CharField(max_length=200)),
                ('source_label', models.CharField(blank=True, max_length=200, verbose_name='院内名称')),
                ('target', models.CharField(max_length=100, verbose_name='平台值')),
                ('target_label', models.CharField(blank=True, max_length=300, verbose_name='平台名称')),
                ('begins', models.DateField(verbose_name='生效日期')),
                ('until', models.DateField(help_text='the first day on which it no longer counts', null=True, verbose_name='失效日期')),
                ('state', models.CharField(choices=[('draft', '草稿'), ('waiting', '待审核'), ('in_force', '生效中'), ('ended', '已结束')], default='draft', max_length=10, verbose_name='状态')),
                ('note', models.CharField(blank=True, max_length=300, verbose_name='说明')),
                ('words', models.CharField(blank=True, max_length=300, verbose_name='退回原因')),
                ('approved_at', models.DateTimeField(null=True, verbose_name='审核时间')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='建立时间')),
                ('approved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='审核人')),
                ('institution', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.institution', verbose_name='机构')),
                ('owner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='负责人')),
                ('proposed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='提交人')),
            ],
            options={
                'verbose_name': '值对照',
                'verbose_name_plural': '值对照',
            },
        ),
        migrations.CreateModel(
            name='Waiting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('waiter', models.CharField(max_length=40)),
                ('reference', models.CharField(max_length=120)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('released_at', models.DateTimeField(null=True)),
                ('words', models.CharField(blank=True, max_length=300)),
                ('institution', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.institution')),
                ('missing', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='waiting', to='values.missingvalue')),
            ],
            options={
                'verbose_name': '等待对照的记录',
                'verbose_name_plural': '等待对照的记录',
            },
        ),
        migrations.AddConstraint(
            model_name='missingvalue',
            constraint=models.UniqueConstraint(fields=('institution', 'set_code', 'key'), name='missing_value_once'),
        ),
        migrations.AddIndex(
            model_name='valuemapping',
            index=models.Index(fields=['institution', 'set_code', 'key'], name='mapping_by_value'),
        ),
        migrations.AddIndex(
            model_name='valuemapping',
            index=models.Index(fields=['institution', 'state', '-id'], name='mapping_by_state'),
        ),
        migrations.AddConstraint(
            model_name='valuemapping',
            constraint=models.CheckConstraint(condition=models.Q(('until', None), ('until__gte', models.F('begins')), _connector='OR'), name='mapping_ends_after'),
        ),
        migrations.AddConstraint(
            model_name='valuemapping',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('state__in', ['in_force', 'ended'])), expressions=[('institution', '='), ('set_code', '='), ('key', '='), (models.Func(models.F('begins'), models.F('until'), function='daterange'), '&&')], name='mapping_once_a_day'),
        ),
        migrations.AddIndex(
            model_name='waiting',
            index=models.Index(fields=['waiter', 'reference'], name='waiting_by_reference'),
        ),
        migrations.AddIndex(
            model_name='waiting',
            index=models.Index(condition=models.Q(('released_at', None)), fields=['institution', 'missing'], name='waiting_open'),
        ),
        migrations.AddConstraint(
            model_name='waiting',
            constraint=models.UniqueConstraint(fields=('missing', 'waiter', 'reference'), name='waiting_once'),
        ),
    ]
