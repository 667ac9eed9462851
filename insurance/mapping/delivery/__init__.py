"""3301 3302 3360 and the bureau's verdict: relations on their way."""
