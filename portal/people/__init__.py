"""Who works here: persons, institutions, memberships, roles, and the Actor that services take."""
