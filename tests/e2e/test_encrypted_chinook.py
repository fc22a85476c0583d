"""Chinook with its customers' e-mail (never NULL) and phone encrypted in place: the code goes to the same address, the package is the same."""

import json
import os

import pytest

from privacy.protection.column_model import Step
from privacy.rights.model import RequestKind
from tests.cast import ALICE
from tests.e2e.test_chinook_rights import Shop, changed, email, shop, template
from tests.protection.inplace import Place

__all__ = ["shop", "template"]
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not os.environ.get("PRIVACY_TEST_DATA"), reason="PRIVACY_TEST_DATA is not set: encrypted columns of Chinook were not tried"),
]
_LUIS = "luisg@embraer.com.br"


def test_a_customer_is_found_and_served_by_an_encrypted_email(shop: Shop) -> None:
    before, place, customer = shop.rows(), Place(shop.application, shop.url), f"chinook.{shop.spell('Customer')}"
    drafts = shop.application.columns.plan(ALICE, [(customer, shop.spell(field)) for field in ("Email", "Phone")])
    columns = [draft.column for draft in drafts if draft.column is not None]
    assert len(columns) == 2, [draft.obstacles for draft in drafts]
    for column in columns:
        place.do(column, Step.COPY, Step.SWITCH)
    assert _LUIS not in json.dumps(shop.rows(), default=str)

    sheets = shop.package(shop.verified(RequestKind.ACCESS, email(_LUIS)))
    sizes = {name.split(".")[-1]: len(rows) for name, rows in sheets.items()}
    assert sizes == {shop.spell("Customer"): 1, shop.spell("Invoice"): 7, shop.spell("InvoiceLine"): 38}
    (row,) = sheets[customer]
    assert (row[shop.spell("Email")], "_enc" in "".join(row)) == (_LUIS, False)

    for column in columns:
        place.do(column, Step.UNDO)
    assert changed(before, shop.rows()) == {}
