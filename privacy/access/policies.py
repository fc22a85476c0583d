"""Policies as governed things: read strictly, tested by examples, compared, activated as numbered versions that every event names.

The version in the database rules; files change it only by `apply`. Other processes notice a change within a second.
Limit: activation needs the scope policy:write and is an event; approval by a second person comes with four-eyes acts in a later issue.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from privacy.access.diff import Change, differences
from privacy.access.examples import Example, ExampleFailure, read_examples, run_examples
from privacy.access.lint import ERROR, LintFinding, lint
from privacy.access.loader import read_policy
from privacy.access.ports import Categories, Oracle, PolicyRepository, PolicyVersion
from privacy.access.rows import CATEGORY, Policy, Vocabulary
from privacy.audit.events import Action, AuditLog, Decision, Event
from privacy.kernel.clock import Clock
from privacy.kernel.errors import AccessDenied, Conflict, Misconfigured, NotFound
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor

POLL_SECONDS = 1.0
STALE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """The texts of policy.csv and examples.csv and what to call them in messages."""

    policy: bytes
    examples: bytes
    policy_name: str = "policy.csv"
    examples_name: str = "examples.csv"

    @classmethod
    def read(cls, folder: Path) -> "PolicyFiles":
        """Raises Misconfigured when a file is missing or unreadable."""
        policy, examples = folder / "policy.csv", folder / "examples.csv"
        return cls(_bytes(policy), _bytes(examples), str(policy), str(examples))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy that was read and found well-formed, with what lint and examples say about it."""

    files: PolicyFiles
    policy: Policy
    examples: tuple[Example, ...]
    findings: tuple[LintFinding, ...]
    failures: tuple[ExampleFailure, ...]

    @property
    def may_be_activated(self) -> bool:
        return not self.failures and not any(finding.level == ERROR for finding in self.findings)


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """The policy that rules, with the role names it was read against. `ref` is how events name it: version and the beginning of its digest."""

    version: int
    policy: Policy
    roles: frozenset[str]
    ref: str


def vocabulary(
    taxonomy: Categories, techniques: Iterable[str], roles: Iterable[str], purposes: Iterable[str], recipients: Iterable[str] | None = None
) -> Vocabulary:
    """Return the words a policy may use, from the tables that declare them."""
    classes = taxonomy.classes | {CATEGORY + id for id in taxonomy.categories}
    known_recipients = None if recipients is None else frozenset(recipients)
    return Vocabulary(frozenset(roles), frozenset(purposes), frozenset(classes), frozenset(techniques), known_recipients)


def examine(files: PolicyFiles, words: Vocabulary, taxonomy: Categories, oracle: Oracle | None = None, datasets: Iterable[str] = ()) -> Candidate:
    """Read, lint and test a policy, without any database. Raises Misconfigured for a file that is not well-formed."""
    policy = read_policy(files.policy, files.policy_name, words)
    examples = read_examples(files.examples, files.examples_name, words)
    class_of: Mapping[str, str] = {id: category.field_class for id, category in taxonomy.categories.items()}
    found = lint(policy, class_of, datasets)
    return Candidate(files, policy, examples, tuple(found), tuple(run_examples(policy, examples, taxonomy, oracle)))


class Policies:
    """The policy versions of all tenants. Safe to share between threads.

    `words` gives the vocabulary of a tenant, `dataset_names` the datasets of its data map; `ticks` are seconds that never run backwards.
    """

    def __init__(
        self,
        store: Store,
        repository: PolicyRepository,
        audit: AuditLog,
        clock: Clock,
        words: Callable[[TenantId], Vocabulary],
        taxonomy: Categories,
        oracle: Oracle,
        dataset_names: Callable[[TenantId], Iterable[str]] = lambda tenant: (),
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._repository = repository
        self._audit = audit
        self._clock = clock
        self._words = words
        self._taxonomy = taxonomy
        self._oracle = oracle
        self._dataset_names = dataset_names
        self._ticks = ticks
        self._looking = threading.Lock()
        self._active: dict[TenantId, tuple[float, ActivePolicy]] = {}

    @property
    def oracle(self) -> Oracle:
        return self._oracle

    def words(self, tenant: TenantId) -> Vocabulary:
        return self._words(tenant)

    def active(self, tenant: TenantId) -> ActivePolicy:
        """Return the policy that rules `tenant`; looked up at most once a second. Raises Misconfigured when there is none or it was altered."""
        known = self._active.get(tenant)
        age = self._ticks() - known[0] if known else 0.0
        if known and age < POLL_SECONDS:
            return known[1]
        looks = self._looking.acquire(blocking=False)
        try:
            # somebody is looking already: what was right a moment ago is good enough, unless the database keeps them waiting
            return known[1] if known and not looks and age < STALE_SECONDS else self._refresh(tenant)
        finally:
            if looks:
                self._looking.release()

    def _refresh(self, tenant: TenantId) -> ActivePolicy:
        known, now = self._active.get(tenant), self._ticks()
        version = self._store.read(lambda tx: self._repository.active(tx, tenant))
        active = known[1] if known and known[1].version == version else self._load(tenant, version)
        self._active[tenant] = (now, active)
        return active

    def _load(self, tenant: TenantId, version: int | None) -> ActivePolicy:
        stored = None if version is None else self._store.read(lambda tx: self._repository.version(tx, tenant, version))
        if stored is None:
            raise Misconfigured("No policy is active; `privacy init` loads the shipped one, `privacy policy apply` another.")
        words = self._words(tenant)
        policy = read_policy(stored.policy.encode(), f"policy version {version}", words)
        if policy.digest != stored.digest:
            raise Misconfigured(
                f"Policy version {version} in the database differs from its digest: it was altered. Apply the right one with `privacy policy apply`."
            )
        return ActivePolicy(stored.version, policy, words.roles, _ref(stored.version, policy.digest))

    def versions(self, actor: Actor) -> list[PolicyVersion]:
        """Return all versions, newest first, without texts."""
        return self._store.read(lambda tx: self._repository.versions(tx, actor.tenant))

    def version(self, actor: Actor, number: int) -> PolicyVersion:
        """Return one version with its texts. Raises NotFound."""
        found = self._store.read(lambda tx: self._repository.version(tx, actor.tenant, number))
        if found is None:
            raise NotFound("There is no policy version of that number; GET /api/v1/policy/versions lists them.")
        return found

    def examine(self, tenant: TenantId, files: PolicyFiles) -> Candidate:
        return examine(files, self._words(tenant), self._taxonomy, self._oracle, self._dataset_names(tenant))

    def diff(self, actor: Actor, candidate: Candidate) -> list[Change]:
        """Return what the candidate would change for whom, against the policy that rules now."""
        return self._differences(actor.tenant, self.active(actor.tenant).policy, candidate.policy)

    def _differences(self, tenant: TenantId, old: Policy, new: Policy) -> list[Change]:
        words = self._words(tenant)
        return differences(old, new, words.roles, words.purposes, self._dataset_names(tenant), self._taxonomy)

    def load_initial(self, actor: Actor, files: PolicyFiles) -> PolicyVersion | None:
        """Activate the shipped files as version 1, or return None when a policy is active already (so `privacy init` can run again)."""
        if self._store.read(lambda tx: self._repository.active(tx, actor.tenant)) is not None:
            return None
        return self._activate(actor, self.examine(actor.tenant, files), None, 1, "shipped policy", "", {})

    def apply(self, actor: Actor, candidate: Candidate, note: str = "", request_id: str = "") -> PolicyVersion:
        """Make the candidate the next version. Raises AccessDenied without policy:write, Misconfigured when lint or examples forbid it, Conflict when
        it changes nothing or another version was activated meanwhile."""
        if "policy:write" not in actor.scopes:
            raise AccessDenied("Applying a policy needs the scope policy:write; the role admin has it.")
        active = self.active(actor.tenant)
        if candidate.policy.digest == active.policy.digest:
            raise Conflict(f"These rules are what version {active.version} says already; nothing was changed.", code="policy_unchanged")
        changes = self._differences(actor.tenant, active.policy, candidate.policy)
        counts = {way: sum(1 for change in changes if change.direction == way) for way in ("opens", "closes", "changes")}
        highest = max(version.version for version in self.versions(actor))
        return self._activate(actor, candidate, active.version, highest + 1, note, request_id, counts)

    def _activate(
        self, actor: Actor, candidate: Candidate, replacing: int | None, number: int, note: str, request_id: str, counts: Mapping[str, int]
    ) -> PolicyVersion:
        if not candidate.may_be_activated:
            raise Misconfigured(_why_not(candidate), code="policy_refused")
        version = PolicyVersion(
            actor.tenant,
            number,
            candidate.policy.digest,
            candidate.files.policy.decode(),
            candidate.files.examples.decode(),
            actor.ref,
            self._clock.now(),
            note[:512],
        )
        self._store.run(lambda tx: self._write(tx, actor, version, replacing, request_id, {**counts, "rules": len(candidate.policy.rows)}))
        self._active.pop(actor.tenant, None)
        return version

    def _write(self, tx: Tx, actor: Actor, version: PolicyVersion, replacing: int | None, request_id: str, counts: Mapping[str, int]) -> None:
        self._repository.add(tx, version)
        if not self._repository.activate(tx, actor.tenant, version.version, replacing):
            raise Conflict("Another policy was activated meanwhile; look at the difference again and apply again.", code="policy_moved_on")
        decision = Decision(_ref(version.version, version.digest), "activated")
        free = {"note": version.note} if version.note else {}
        event = Event(
            Action.POLICY_ACTIVATED,
            actor,
            object_type="policy",
            object_ref=f"v{version.version}",
            request_id=request_id,
            decision=decision,
            counts=counts,
            free=free,
        )
        self._audit.append(tx, event)


def _ref(version: int, digest: str) -> str:
    return f"v{version}:{digest[:16]}"


def _why_not(candidate: Candidate) -> str:
    if candidate.failures:
        first = candidate.failures[0]
        return (
            f"{candidate.files.examples_name}:{first.line}: the example {first.name} comes out as {first.decided} and should be {first.expected}"
            f" ({len(candidate.failures)} examples fail). Change the rule or the example; `privacy policy test` shows all."
        )
    first_finding = next(finding for finding in candidate.findings if finding.level == ERROR)
    return f"{candidate.files.policy_name}:{first_finding.line}: rule {first_finding.row}: {first_finding.detail}"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path}: the file cannot be read ({type(error).__name__}); restore it or set PRIVACY_POLICIES.") from None
