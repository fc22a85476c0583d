"""docs/detection.md tells the truth about what is found."""

from pathlib import Path

from privacy.adapters.presidio_analyzer import PresidioRecognisers
from privacy.discovery.findings import BASES
from privacy.discovery.text import Detector

PAGE = (Path(__file__).parents[2] / "docs" / "detection.md").read_text(encoding="utf-8")


def test_every_entity_and_every_basis_is_documented() -> None:
    """Ours and Presidio's, whatever the region."""
    entities = Detector().entities | {gate.entity for gate in PresidioRecognisers().gates()}
    assert [name for name in sorted(entities) + list(BASES) if f"`{name}`" not in PAGE] == []
