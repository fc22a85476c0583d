"""Search over encrypted values: a keyed digest, cut to as many bits as the search needs.

Guarantee: without the tenant's index key an index tells nothing but which rows hold equal values; keys differ per tenant, dataset,
field and index name, so that indexes of two fields cannot be joined.
Limit: at full length it does show equality, and how often each value occurs; whoever holds the index key can try out every phone
number. The key never rotates: another key is another index. Candidates are compared again after decryption, never answered as they are.
"""

from collections.abc import Iterable
from typing import Final

from privacy.crypto.derive import Digest, KeyedDigest, derive
from privacy.kernel.errors import InvalidInput

FULL_BITS: Final = 63  # of 64, so that it fits a signed database integer


class BlindIndex:
    """One index of one field. `values` are normalised already: equal texts in, equal numbers out."""

    __slots__ = ("_mac", "_shift")

    def __init__(self, key: bytes, bits: int = FULL_BITS, *, digest: Digest = Digest.SHA256) -> None:
        if not 1 <= bits <= FULL_BITS:
            raise InvalidInput(f"A blind index has 1 to {FULL_BITS} bits.", pointer="/bits")
        self._mac = KeyedDigest(key, digest)
        self._shift = 64 - bits

    @classmethod
    def of_field(
        cls, index_key: bytes, tenant: str, dataset: str, field: str, name: str, *, bits: int = FULL_BITS, digest: Digest = Digest.SHA256
    ) -> "BlindIndex":
        """Return the index `name` of a field; the normaliser and its version are part of the name."""
        return cls(derive(index_key, "pv1-bidx", tenant, dataset, field, name, digest=digest), bits, digest=digest)

    def of(self, value: str) -> int:
        return self.of_many((value,))[0]

    def of_many(self, values: Iterable[str]) -> list[int]:
        digest, number, shift = self._mac.of, int.from_bytes, self._shift
        return [number(digest(value.encode("utf-8", "surrogatepass"))[:8], "big") >> shift for value in values]
