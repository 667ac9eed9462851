import django.db.models.deletion
import portal.privacy.fields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0001_initial'),
        ('sheets', '0001_initial'),
        ('tasks', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='SheetExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('page', models.CharField(max_length=200, verbose_name='列表')),
                ('query', portal.privacy.fields.EncryptedTextField(blank=True, default='', verbose_name='查询条件')),
                ('place', models.JSONField(default=dict, verbose_name='地址参数')),
                ('fingerprint', models.CharField(max_length=64, verbose_name='摘要')),
                ('title', models.CharField(max_length=100, verbose_name='内容')),
                ('words', portal.privacy.fields.EncryptedTextField(blank=True, default='', verbose_name='条件')),
                ('form', models.CharField(default='xlsx', max_length=5, verbose_name='格式')),
                ('clear', models.BooleanField(default=False, verbose_name='明文')),
                ('expected', models.PositiveIntegerField(default=0, verbose_name='预计行数')),
                ('rows', models.PositiveIntegerField(null=True, verbose_name='行数')),
                ('size', models.PositiveBigIntegerField(default=0, verbose_name='字节数')),
                ('sha256', models.CharField(blank=True, max_length=64, verbose_name='SHA-256')),
                ('stored_as', models.CharField(blank=True, max_length=80, verbose_name='存放名')),
                ('downloads', models.PositiveIntegerField(default=0, verbose_name='下载次数')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='导出时间')),
                ('ready_at', models.DateTimeField(null=True, verbose_name='完成时间')),
                ('drops_at', models.DateTimeField(null=True, verbose_name='保留至')),
                ('dropped_at', models.DateTimeField(null=True, verbose_name='清理时间')),
                ('institution', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.institution', verbose_name='机构')),
                ('requested_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='导出人')),
                ('task', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='tasks.task', verbose_name='任务')),
            ],
            options={
                'verbose_name': '导出记录',
                'verbose_name_plural': '导出记录',
                'indexes': [models.Index(fields=['requested_by', 'institution', '-id'], name='export_by_person'), models.Index(condition=models.Q(('dropped_at', None)), fields=['drops_at'], name='export_to_drop')],
            },
        ),
    ]
