"""Pages of 双人审核: deciding, leave, roster, handover, clear lists."""
