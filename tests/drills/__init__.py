"""Drills: the machinery by which scripts/drills and the tests break things on purpose."""
