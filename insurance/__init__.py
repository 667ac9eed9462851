"""The rooms of the insurance office, each the owner of its transactions."""
