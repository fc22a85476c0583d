"""Level → required control: the fields that lack one, and what to do about each.

Two controls are this product's own and follow from the decision about a field; the others are promises of people, declared in the map.
Limit: nothing here looks into the connected system. A declaration is believed, and who reads the system directly passes the first two by.
"""

import shlex
from collections.abc import Iterable, Iterator, Sequence

from privacy.inventory.model import Dataset, Field, Gap, Status
from privacy.inventory.taxonomy import Taxonomy

_UNMASKED = "none"


def gaps(datasets: Iterable[Dataset], taxonomy: Taxonomy) -> Iterator[Gap]:
    """Yield every field with fewer controls than its level requires, with a remedy; an undecided field counts as the strictest level."""
    for dataset in datasets:
        for field in dataset.fields.values() if not dataset.gone else ():
            missing = _missing(field, taxonomy)
            if missing and not field.gone:
                yield Gap(dataset.name, field.name, field.category, field.level, field.status, missing, _remedy(dataset, field, missing))


def met_by_reading_here(field: Field) -> frozenset[str]:
    """Return the controls that a decided field has whenever it is read through this product.

    `access_policy`: the policy decides about it. `masked_by_default`: a technique is set, and nothing but a row of the policy shows it in clear.
    """
    if not field.status.settled:
        return frozenset()
    return frozenset({"access_policy"} if field.technique == _UNMASKED else {"access_policy", "masked_by_default"})


def _missing(field: Field, taxonomy: Taxonomy) -> tuple[str, ...]:
    has = field.controls | met_by_reading_here(field)
    return tuple(control for control in taxonomy.levels[field.level].controls if control not in has)


def _remedy(dataset: Dataset, field: Field, missing: Sequence[str]) -> str:
    system, name = dataset.system, f"{dataset.table}.{field.name}"
    if field.status not in (Status.CONFIRMED, Status.NOT_PERSONAL):
        category = "" if field.status is Status.PROPOSED else " --category CATEGORY"
        confirm = f"{shlex.join(['privacy', 'systems', 'confirm', system, name])}{category}"
        return f"decide it: {confirm} (or {shlex.join(['privacy', 'systems', 'not-personal', system, name])})"
    declared = ", ".join(sorted(field.controls.union(missing) - {"access_policy", "masked_by_default"}))
    keys = [f"controls: [{declared}]"] if declared else []
    keys += ["technique: redact"] if "masked_by_default" in missing else []
    exported = shlex.join(["privacy", "systems", "map", system, "--out", f"{system}.yaml"])
    imported = shlex.join(["privacy", "systems", "map", "--import", f"{system}.yaml"])
    return f"once it is so, write {' and '.join(keys)} at {name}: {exported}, edit, {imported}"
