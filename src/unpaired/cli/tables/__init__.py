"""Terminal tables: everything that verbs print for people."""
