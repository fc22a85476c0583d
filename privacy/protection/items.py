"""What a batch is made of."""

from dataclasses import dataclass

from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef


@dataclass(frozen=True, slots=True)
class ProtectItem:
    """A value to encrypt. `category` (of the data map) lets short categorical values be padded to one length."""

    subject: SubjectRef
    field: str
    value: Plaintext
    category: str = ""


@dataclass(frozen=True, slots=True)
class RevealItem:
    """A ciphertext in its text form, and the subject and field it is said to belong to."""

    subject: SubjectRef
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class IndexItem:
    """A value to search by. `category` chooses the normaliser: a phone number is compared as one, not as text."""

    field: str
    value: Plaintext
    category: str = ""
