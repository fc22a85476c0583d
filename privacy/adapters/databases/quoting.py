"""Names as SQL writes them, for each driver: quoted whatever they hold, and with its own placeholder for values."""

MARKER = "privacy_steward_marker"
_PLACEHOLDERS = {"sqlite": "?", "postgresql": "%s", "mysql": "%s"}


def quote(kind: str, name: str) -> str:
    """Return an identifier as `kind` writes it. Drivers that read `%s` read `%%` as `%`, also between quotes."""
    mark = "`" if kind == "mysql" else '"'
    quoted = mark + name.replace(mark, mark * 2) + mark
    return quoted if kind == "sqlite" else quoted.replace("%", "%%")


def quote_all(kind: str, names: tuple[str, ...]) -> str:
    return ", ".join(quote(kind, name) for name in names)


def placeholder(kind: str) -> str:
    return _PLACEHOLDERS[kind]
