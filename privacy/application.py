"""The composition root: the only module that knows every adapter. `build(config)` wires, `start` runs what needs threads, `close` ends it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from privacy.access.policies import Policies, PolicyFiles, vocabulary
from privacy.access.rows import Vocabulary
from privacy.access.service import Access
from privacy.actors.roles import Roles
from privacy.actors.service import Actors
from privacy.adapters import log_key_file, migrations
from privacy.adapters.casbin_policy import CasbinOracle
from privacy.adapters.databases.open import locate, open_connector
from privacy.adapters.key_file import FileKeyProvider
from privacy.adapters.log_key_file import LogKey
from privacy.adapters.passwords import Argon2Passwords, TotpCodes
from privacy.adapters.presidio_analyzer import PresidioRecognisers
from privacy.adapters.state_files import SignedStateFile
from privacy.adapters.store.actors import SqlActorRepository
from privacy.adapters.store.audit import SqlAuditRepository
from privacy.adapters.store.catalogue import SqlCatalogueRepository
from privacy.adapters.store.consent import SqlConsentRepository
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.inventory import SqlInventoryRepository
from privacy.adapters.store.keys import SqlKeyRepository
from privacy.adapters.store.policy import SqlPolicyRepository
from privacy.adapters.tokens import TokenSigner
from privacy.audit.export import Exporter
from privacy.audit.log import Log
from privacy.audit.sequencer import Sequencer, SequencerThread
from privacy.audit.trail import Trail
from privacy.config import Config
from privacy.consent.notice_file import load_notices
from privacy.consent.service import ConsentService
from privacy.crypto import probe
from privacy.crypto.keyring import KeyRing
from privacy.crypto.subject_keys import SubjectKeys
from privacy.discovery.columns import ColumnClassifier
from privacy.discovery.service import Discovery
from privacy.discovery.text import Detector, LeafGuard
from privacy.inventory.catalogue import Catalogue
from privacy.inventory.catalogue_file import load_catalogue
from privacy.inventory.service import Inventory
from privacy.inventory.taxonomy import Taxonomy
from privacy.kernel.clock import SystemClock
from privacy.kernel.errors import AuditBroken, Misconfigured, PrivacyError
from privacy.kernel.ids import DEFAULT_TENANT, TenantId
from privacy.kernel.terms import Actor
from privacy.masking.catalogue import Techniques
from privacy.protection.service import Protection


@dataclass(frozen=True)
class Application:
    """Every service, wired. Holds open databases: `close` it."""

    config: Config
    store: SqlStore
    keys_store: SqlStore
    keyring: KeyRing
    subject_keys: SubjectKeys
    audit: Log
    sequencer: Sequencer
    sequencer_thread: SequencerThread
    trail: Trail
    exporter: Exporter
    log_key: LogKey
    actors: Actors
    taxonomy: Taxonomy
    inventory: Inventory
    catalogue: Catalogue
    consent: ConsentService
    detector: Detector
    discovery: Discovery
    techniques: Techniques
    protection: Protection
    policies: Policies
    access: Access

    @property
    def checks(self) -> Mapping[str, Callable[[], object]]:
        """What readiness and `privacy doctor` ask, part by part; each raises a PrivacyError when its part is not ready."""
        return {
            "database": lambda: _at_head(self.store),
            "keys_database": lambda: _at_head(self.keys_store),
            "keys": lambda: (probe.run(), self.keyring.reload(DEFAULT_TENANT)),
            "policies": lambda: self.policies.active(DEFAULT_TENANT),
            "audit": lambda: _log_in_order(self.audit),
        }

    def load_shipped(self, actor: Actor) -> None:
        """Put the shipped catalogue, notices and policy into a new tenant; what is there already rules over the files (decision 17)."""
        self.catalogue.load(actor, load_catalogue(self.config.policies / "purposes.toml"))
        self.consent.load_notices(actor, load_notices(self.config.policies / "notices"))
        self.consent.load_notices(actor, load_notices(self.config.policies / "notices"))
        self.policies.load_initial(actor, PolicyFiles.read(self.config.policies))

    def start(self) -> None:
        """Start the background work of a serving process: call it after any fork."""
        self.sequencer_thread.start()

    def close(self) -> None:
        self.sequencer_thread.stop()
        self.audit.close()
        self.store.close()
        self.keys_store.close()


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of `check`: `ok`, or the code of its error and what to do."""

    part: str
    state: str
    detail: str = ""

    @property
    def ok(self) -> bool:
        return self.state == "ok"


def check(application: Application) -> list[Finding]:
    """Ask every part and return how it stands."""
    return [_asked(part, question) for part, question in application.checks.items()]


def build(config: Config) -> Application:
    """Wire an application from its settings. Opens no database and starts no thread yet; reads keys and policy files.

    Raises Misconfigured when a key file or a policy file is missing or malformed.
    """
    clock = SystemClock()
    store, keys_store = store_of(config, "main"), store_of(config, "keys")
    keyring = KeyRing(keys_store, SqlKeyRepository(), FileKeyProvider(key_file_path(config)), clock)
    subject_keys = SubjectKeys(keyring, keys_store, SqlKeyRepository(), clock)
    taxonomy = Taxonomy.load(config.policies / "taxonomy.toml")
    detector = Detector(PresidioRecognisers(), config.phone_regions)

    log_key = log_key_file.read(config.state_dir / "log.key")
    events = SqlAuditRepository()
    audit = Log(store, events, clock, keyring.seal, LeafGuard(detector))
    sequencer = Sequencer(store, events, log_key.key, log_key.origin_of, SignedStateFile(config.state_dir / "signed.json"), clock)
    trail = Trail(store, events, audit, log_key.origin_of, log_key.key.public_bytes, subject_keys.audit_refs, keyring.unseal)
    exporter = Exporter(store, events, audit, trail, log_key.key, log_key.origin_of, clock)

    roles = Roles.load(config.policies / "roles.toml")
    tokens = TokenSigner(config.state_dir / "token.keys", config.public_url, clock, lifetime=config.token_seconds)
    actors = Actors(store, SqlActorRepository(), Argon2Passwords(), TotpCodes(), tokens, audit, roles, clock, keyring)

    catalogue = Catalogue(store, SqlCatalogueRepository(), audit, clock, taxonomy.categories)
    inventory = Inventory(store, SqlInventoryRepository(), taxonomy, audit, clock, keyring.seal, keyring.unseal)
    classifier = ColumnClassifier.load(config.policies, taxonomy, detector)
    discovery = Discovery(inventory, open_connector, locate, classifier, keyring.derive, clock, own=(config.database_url, config.keys_database_url))
    consent = ConsentService(store, SqlConsentRepository(), catalogue, audit, keyring, subject_keys.audit_refs, clock)

    techniques = Techniques.shipped()
    protection = Protection(subject_keys, keyring)

    def words(tenant: TenantId) -> Vocabulary:
        return vocabulary(taxonomy, techniques.names(), roles.names(), (p.id for p in catalogue.purposes(tenant)), (r.id for r in catalogue.recipients(tenant)))

    policies = Policies(
        store,
        SqlPolicyRepository(),
        audit,
        clock,
        words,
        taxonomy,
        CasbinOracle.from_file(config.policies / "model.conf"),
        lambda tenant: (dataset.name for dataset in inventory.datasets(tenant)),
    )
    access = Access(
        policies,
        inventory,
        taxonomy,
        catalogue,
        consent,
        detector,
        techniques,
        keyring.derive,
        subject_keys,
        protection,
        audit,
        clock,
        max_items=config.max_records,
    )
    return Application(
        config=config,
        store=store,
        keys_store=keys_store,
        keyring=keyring,
        subject_keys=subject_keys,
        audit=audit,
        sequencer=sequencer,
        sequencer_thread=SequencerThread(sequencer, config.checkpoint_seconds),
        trail=trail,
        exporter=exporter,
        log_key=log_key,
        actors=actors,
        taxonomy=taxonomy,
        inventory=inventory,
        catalogue=catalogue,
        consent=consent,
        detector=detector,
        discovery=discovery,
        techniques=techniques,
        protection=protection,
        policies=policies,
        access=access,
    )


def store_of(config: Config, role: str) -> SqlStore:
    """Return the `main` or `keys` database of these settings, not yet opened."""
    url = config.database_url if role == "main" else config.keys_database_url
    return SqlStore(url, role=role, timeout=config.store_timeout)


def key_file_path(config: Config) -> Path:
    """Return the root key's file. Raises Misconfigured for a provider this version does not have."""
    kind, _, place = config.key_provider.partition(":")
    if kind != "file" or not place:
        raise Misconfigured("PRIVACY_KEY_PROVIDER is not usable: write file:PATH; other providers are not part of this version.")
    return Path(place).expanduser()


def log_origin(config: Config) -> str:
    """Return the name a new installation's logs begin with: the public host, without scheme (C2SP tlog-checkpoint)."""
    return f"{urlsplit(config.public_url).netloc}/audit"


def _asked(part: str, question: Callable[[], object]) -> Finding:
    try:
        question()
    except PrivacyError as error:
        return Finding(part, error.code, error.detail)
    return Finding(part, "ok")


def _at_head(store: SqlStore) -> None:
    if missing := migrations.pending(store):
        raise Misconfigured(f"The {store.role} database lacks {len(missing)} schema revision(s); run `privacy init`.")


def _log_in_order(audit: Log) -> None:
    for health in audit.probe():
        if not health.ok:
            raise AuditBroken(f"The audit log {health.log_id} is {health.state}, {health.lag_seconds:.0f} s behind; see `privacy audit status`.")
