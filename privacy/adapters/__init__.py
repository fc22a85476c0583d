"""The edges: every third-party library that touches the world lives here, behind a port of the room that needs it.

Never decides anything. `store/` are our own databases, `databases/` and `files/` other people's.
"""
