"""The exchange's pages: the work list of uploads, the ledger, the connection."""
