"""The taxonomy file: read whole, or refused with the place."""

from pathlib import Path

import pytest

from privacy.inventory.taxonomy import Taxonomy
from privacy.kernel.errors import Misconfigured

SHIPPED = Path(__file__).parents[2] / "policies" / "taxonomy.toml"


def load_changed(tmp_path: Path, old: str, new: str) -> Taxonomy:
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    changed = tmp_path / "taxonomy.toml"
    changed.write_text(text.replace(old, new, 1), encoding="utf-8")
    return Taxonomy.load(changed)


def test_the_shipped_taxonomy_ties_entities_to_categories() -> None:
    """Each entity leads to one category with class, level and technique; each category has an entity to stand for it."""
    taxonomy = Taxonomy.load(SHIPPED)
    assert taxonomy.of_entity("CN_MOBILE").id == "phone"
    assert taxonomy.category("health").level == 4
    assert taxonomy.category("gender").entity == "GENDER"
    assert all(taxonomy.of_entity(category.entity) is category for category in taxonomy.categories.values())
    assert {"identity", "contact", "none"} <= taxonomy.classes


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('technique = "email"', 'technik = "email"', r"taxonomy\.toml:\d+: technik: unknown key"),
        ('id = "email"', 'id = "phone"', "defined twice"),
        ('"EMAIL_ADDRESS"', '"PERSON"', "belongs to two categories"),
        ("level = 3", "level = 7", "level does not exist"),
        ("level = 3", 'level = "3"', "wrong type"),
        ('"masked_by_default"', '"masked"', "unknown control"),
        ("[[level]]", "[[levels]]", "unknown table"),
        ('id = "not_personal"', 'id = "impersonal"', "not_personal is missing"),
        ("[[level]]", "[[level", "not TOML"),
    ],
)
def test_a_flawed_taxonomy_is_refused_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    """Unknown keys, doubles and gaps stop the start and say where to look."""
    with pytest.raises(Misconfigured, match=told):
        load_changed(tmp_path, old, new)


def test_a_missing_taxonomy_names_the_remedy(tmp_path: Path) -> None:
    """Without the file the start says which file and what to do."""
    with pytest.raises(Misconfigured, match="Restore the shipped file"):
        Taxonomy.load(tmp_path / "nowhere.toml")


def test_unknown_ids_are_a_matter_of_configuration() -> None:
    """A stored category or a detector's entity that the file does not know is told without repeating it."""
    taxonomy = Taxonomy.load(SHIPPED)
    with pytest.raises(Misconfigured, match=r"taxonomy\.toml"):
        taxonomy.category("x")
    with pytest.raises(Misconfigured, match=r"taxonomy\.toml"):
        taxonomy.of_entity("X")
