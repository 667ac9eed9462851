"""How personal data is kept: named keys, encrypted fields, searchable digests, masks."""
