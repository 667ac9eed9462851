"""What every list page is made of: query form, tabs, table, selection, pager, drawer."""
