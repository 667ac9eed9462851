"""目录切换 and 目录变更影响: what new codes, versions and prices do to relations, and the night's order."""
