"""Level → required control, and the fields that lack one."""

from collections.abc import Iterable, Iterator

from privacy.inventory.model import Dataset, Field, Gap, Status
from privacy.inventory.taxonomy import Taxonomy


def gaps(datasets: Iterable[Dataset], taxonomy: Taxonomy) -> Iterator[Gap]:
    """Yield every field whose declared controls are fewer than its level requires; an undecided field counts as the strictest level.

    `access_policy` is what this product does with every decided field that is read through it; the others are declared in the map.
    """
    for dataset in datasets:
        for field in dataset.fields.values():
            missing = _missing(field, taxonomy)
            if missing and not field.gone:
                yield Gap(dataset.name, field.name, field.category, field.level, field.status, missing)


def _missing(field: Field, taxonomy: Taxonomy) -> tuple[str, ...]:
    has = set(field.controls)
    if field.status in (Status.CONFIRMED, Status.NOT_PERSONAL):
        has.add("access_policy")
    return tuple(control for control in taxonomy.levels[field.level].controls if control not in has)
