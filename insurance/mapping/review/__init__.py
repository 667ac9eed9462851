"""对码工作台, 待审核, 已对照: a person takes a code, another approves it."""
