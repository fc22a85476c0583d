"""The composition root: the only module that knows every adapter. `build(config)` wires, `start` runs what needs threads, `close` ends it."""

import atexit
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property, partial
from pathlib import Path
from urllib.parse import urlsplit

from privacy.access.policies import Policies, PolicyFiles, vocabulary
from privacy.access.rows import Vocabulary
from privacy.access.service import Access
from privacy.actors.roles import Roles
from privacy.actors.service import Actors
from privacy.adapters import log_key_file, migrations
from privacy.adapters.archive_files import ArchiveFiles
from privacy.adapters.backup import refuse_unfinished
from privacy.adapters.casbin_policy import CasbinOracle
from privacy.adapters.databases.open import locate, open_connector
from privacy.adapters.databases.people import LivePeople
from privacy.adapters.databases.reserved import Reserved
from privacy.adapters.databases.shadow import open_shadow
from privacy.adapters.databases.target import open_target
from privacy.adapters.key_file import FileKeyProvider
from privacy.adapters.ledger_file import LedgerFile
from privacy.adapters.log_key_file import LogKey
from privacy.adapters.messengers import open_messenger
from privacy.adapters.passwords import Argon2Passwords, TotpCodes
from privacy.adapters.presidio_analyzer import PresidioRecognisers
from privacy.adapters.scheduler import CronTimes, SchedulerTicker
from privacy.adapters.state_files import SignedStateFile
from privacy.adapters.store.actors import SqlActorRepository
from privacy.adapters.store.audit import SqlAuditRepository
from privacy.adapters.store.catalogue import SqlCatalogueRepository
from privacy.adapters.store.columns import SqlColumnRepository
from privacy.adapters.store.consent import SqlConsentRepository
from privacy.adapters.store.disposal import KEYS_MARK, SqlDisposalRepository, SqlMarks
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.inventory import SqlInventoryRepository
from privacy.adapters.store.jobs import SqlJobRepository, SqlScheduleRepository
from privacy.adapters.store.keys import SqlKeyRepository
from privacy.adapters.store.policy import SqlPolicyRepository
from privacy.adapters.store.relations import SqlRelationRepository
from privacy.adapters.store.requests import SqlAcceptanceRepository, SqlRequestRepository
from privacy.adapters.store.retention import SqlRetentionRepository
from privacy.adapters.store.subjects import SqlSubjectRepository
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
from privacy.discovery.numbers import e164
from privacy.discovery.relations.finding import RelationFinder
from privacy.discovery.relations.proposing import RelationProposer
from privacy.discovery.service import Discovery
from privacy.discovery.text import Detector, LeafGuard
from privacy.disposal import release
from privacy.disposal import service as disposal
from privacy.disposal.certificate import Certificates
from privacy.disposal.departures import Departures, Places
from privacy.disposal.execution import Execution, Tools
from privacy.disposal.ports import Forget, Holds, Keeps, Restrictions
from privacy.disposal.replay import CheckedTargets, Following, OpenTarget, Replay, opening
from privacy.disposal.service import Disposal, Plans
from privacy.disposal.surveying import Surveyor
from privacy.inventory.catalogue import Catalogue
from privacy.inventory.catalogue_file import load_catalogue
from privacy.inventory.relating import Relations
from privacy.inventory.service import Inventory
from privacy.inventory.taxonomy import Taxonomy
from privacy.jobs import care
from privacy.jobs.leader import Leadership, LeaderThread
from privacy.jobs.model import Handler
from privacy.jobs.runner import Runner, worker_name
from privacy.jobs.schedules import Schedule, Schedules
from privacy.jobs.service import Jobs
from privacy.kernel.clock import SystemClock
from privacy.kernel.errors import AuditBroken, Misconfigured, PrivacyError
from privacy.kernel.ids import DEFAULT_TENANT, TenantId
from privacy.kernel.terms import Actor
from privacy.masking.catalogue import Techniques
from privacy.protection import columns, moving
from privacy.protection.column_ports import Opened
from privacy.protection.columns import Columns
from privacy.protection.controls import MapControls
from privacy.protection.moving import Mover
from privacy.protection.reading import ProtectedColumns
from privacy.protection.service import Protection
from privacy.retention.holds import Holds as LegalHolds
from privacy.retention.release import SWEEP, Releases
from privacy.retention.restrictions import Restrictions as RestrictionRegister
from privacy.retention.scenes import Scenes
from privacy.retention.service import ROUND, Retention
from privacy.retention.statutes import Statutes
from privacy.retention.sweeps import Sweeper
from privacy.retention.sweeps import Tools as SweepTools
from privacy.rights import care as request_care
from privacy.rights import packages as request_packages
from privacy.rights.acceptance import RuleAcceptance
from privacy.rights.cases import Cases
from privacy.rights.deadlines import Deadlines
from privacy.rights.erasing import Erasing
from privacy.rights.identity import Identity
from privacy.rights.letters import Letters
from privacy.rights.package import Builder
from privacy.rights.packages import Packages
from privacy.rights.sealing import CaseSeal, Lookups
from privacy.rights.service import Requests
from privacy.subjects.normalising import Spellings
from privacy.subjects.service import Subjects


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
    relations: Relations
    catalogue: Catalogue
    subjects: Subjects
    consent: ConsentService
    detector: Detector
    discovery: Discovery
    relation_finder: RelationFinder
    techniques: Techniques
    protection: Protection
    columns: Columns
    encrypted_fields: ProtectedColumns
    policies: Policies
    access: Access
    holds: LegalHolds
    restrictions: RestrictionRegister
    retention: Retention
    ledger: LedgerFile
    following: Following
    targets: CheckedTargets
    departures: Departures
    disposal: Disposal
    replay: Replay
    deadlines: Deadlines
    acceptance: RuleAcceptance
    requests: Requests
    jobs: Jobs
    handlers: Mapping[str, Handler]
    schedules: Schedules
    leadership: Leadership
    leader_thread: LeaderThread
    runner: Runner

    @property
    def checks(self) -> Mapping[str, Callable[[], object]]:
        """What readiness and `privacy doctor` ask, part by part; each raises a PrivacyError when its part is not ready."""
        return {
            "database": lambda: _at_head(self.store),
            "keys_database": lambda: _at_head(self.keys_store),
            "keys": lambda: (probe.run(), self.keyring.reload(DEFAULT_TENANT)),
            "policies": lambda: self.policies.active(DEFAULT_TENANT),
            "ledger": lambda: self.following.gate(0),
            "audit": lambda: _log_in_order(self.audit, self.sequencer),
        }

    def load_shipped(self, actor: Actor) -> None:
        """Put the shipped catalogue, notices and policy into a new tenant; what is there already rules over the files (decision 17)."""
        self.catalogue.load(actor, load_catalogue(self.config.policies / "purposes.toml"))
        self.consent.load_notices(actor, load_notices(self.config.policies / "notices"))
        self.policies.load_initial(actor, PolicyFiles.read(self.config.policies))

    def start(self, *, job_threads: int | None = None) -> None:
        """Start the background work of a process that serves or works: call it after any fork. With no job threads it runs no schedules either."""
        self.keys_store.tidy(1.0)  # a crash may have come between a destruction and the emptying of the log
        self.sequencer_thread.start()
        threads = self.config.job_threads if job_threads is None else job_threads
        if threads:
            self.leader_thread.start()
            self.runner.start(threads)
        # however the process ends, short of a kill: running jobs go back with their progress, the lead is given up
        atexit.register(self.close)

    def close(self) -> None:
        """Stop the background work and close the databases; again does no harm."""
        atexit.unregister(self.close)
        self.leader_thread.stop()
        self.runner.stop()
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


def ready(application: Application) -> None:
    """Return when every part is ready to work. Raises Misconfigured, naming the parts that are not."""
    problems = [finding for finding in check(application) if not finding.ok]
    if [problem.part for problem in problems] == ["audit"]:
        application.sequencer.drain()  # commands wrote events while no service ran that would sign them
        problems = [finding for finding in check(application) if not finding.ok]
    if problems:
        raise Misconfigured("The service does not start: " + " ".join(f"{problem.part}: {problem.detail}" for problem in problems))


def build(config: Config) -> Application:
    """Wire an application from its settings. Opens no database and starts no thread yet; reads keys and policy files.

    Raises Misconfigured when there is no installation where the settings look, or a key file or a policy file is missing or malformed.
    """
    _refuse_an_empty_place(config)
    refuse_unfinished(config.state_dir)
    wiring = _Wiring(config)
    return Application(**{field.name: getattr(wiring, field.name) for field in fields(Application)})


class _Wiring:
    """Every service with what it needs, made once on first use: a service reads like a sentence, and their order takes care of itself."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = SystemClock()
        self.events = SqlAuditRepository()

    @cached_property
    def store(self) -> SqlStore:
        return store_of(self.config, "main")

    @cached_property
    def keys_store(self) -> SqlStore:
        return store_of(self.config, "keys")

    @cached_property
    def keyring(self) -> KeyRing:
        return KeyRing(self.keys_store, SqlKeyRepository(), FileKeyProvider(key_file_path(self.config)), self.clock)

    @cached_property
    def subject_keys(self) -> SubjectKeys:
        return SubjectKeys(self.keyring, self.keys_store, SqlKeyRepository(), self.clock)

    @cached_property
    def taxonomy(self) -> Taxonomy:
        return Taxonomy.load(self.config.policies / "taxonomy.toml")

    @cached_property
    def detector(self) -> Detector:
        return Detector(PresidioRecognisers(), self.config.phone_regions)

    @cached_property
    def log_key(self) -> LogKey:
        return log_key_file.read(self.config.state_dir / "log.key")

    @cached_property
    def leaf_guard(self) -> LeafGuard:
        return LeafGuard(self.detector)

    @cached_property
    def audit(self) -> Log:
        return Log(self.store, self.events, self.clock, self.keyring.seal, self.leaf_guard, gate=self.following.gate)

    @cached_property
    def sequencer(self) -> Sequencer:
        state = SignedStateFile(self.config.state_dir / "signed.json")
        return Sequencer(self.store, self.events, self.log_key.key, self.log_key.origin_of, state, self.clock)

    @cached_property
    def sequencer_thread(self) -> SequencerThread:
        return SequencerThread(self.sequencer, self.config.checkpoint_seconds)

    @cached_property
    def trail(self) -> Trail:
        public = self.log_key.key.public_bytes
        return Trail(self.store, self.events, self.audit, self.log_key.origin_of, public, self.subject_keys.audit_refs, self.keyring.unseal)

    @cached_property
    def exporter(self) -> Exporter:
        return Exporter(self.store, self.events, self.audit, self.trail, self.log_key.key, self.log_key.origin_of, self.clock)

    @cached_property
    def roles(self) -> Roles:
        return Roles.load(self.config.policies / "roles.toml")

    @cached_property
    def actors(self) -> Actors:
        tokens = TokenSigner(self.config.state_dir / "token.keys", self.config.public_url, self.clock, lifetime=self.config.token_seconds)
        return Actors(self.store, SqlActorRepository(), Argon2Passwords(), TotpCodes(), tokens, self.audit, self.roles, self.clock, self.keyring)

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.store, SqlCatalogueRepository(), self.audit, self.clock, self.taxonomy.categories)

    @cached_property
    def inventory(self) -> Inventory:
        seal, unseal = self.keyring.seal, self.keyring.unseal
        return Inventory(
            self.store,
            SqlInventoryRepository(),
            self.taxonomy,
            self.audit,
            self.clock,
            seal,
            unseal,
            relations=SqlRelationRepository(),
            beside=SqlColumnRepository().beside,
            guard=self.leaf_guard,
        )

    @cached_property
    def relations(self) -> Relations:
        return Relations(self.store, SqlInventoryRepository(), SqlRelationRepository(), self.audit, self.clock, self.leaf_guard)

    @cached_property
    def discovery(self) -> Discovery:
        reserved = reserved_files(self.config)
        return Discovery(
            self.inventory,
            partial(open_connector, reserved=reserved),
            partial(locate, reserved=reserved),
            ColumnClassifier.load(self.config.policies, self.taxonomy, self.detector),
            self.keyring.derive,
            self.clock,
            own=(self.config.database_url, self.config.keys_database_url),
            roots=self.config.file_roots or None,
        )

    @cached_property
    def encrypted_fields(self) -> ProtectedColumns:
        return ProtectedColumns(self.store, SqlColumnRepository(), self.protection)

    def _shadow(self, tenant: TenantId, system: str, move: str) -> Opened:
        self.targets(tenant, system).close()  # a restored system follows the erasure ledger before anything of it is copied
        return open_shadow(self.inventory.system_url(tenant, system), move, reserved=reserved_files(self.config))

    @cached_property
    def columns(self) -> Columns:
        repository, gate = SqlColumnRepository(), self.following.gate
        return Columns(
            self.store,
            repository,
            self.inventory,
            self.relations,
            self._shadow,
            self.jobs,
            self.audit,
            self.clock,
            MapControls(SqlInventoryRepository()),
            gate,
            self._rules_by,
        )

    def _rules_by(self, tenant: TenantId, dataset: str, field: str) -> list[str]:
        """Return the retention rules that count from this field."""
        rules = self.store.read(lambda tx: SqlRetentionRepository().rules(tx, tenant))
        clocks = {rule.id: {(rule.dataset, rule.clock), *((each.dataset, each.clock) for each in rule.restarts)} for rule in rules}
        return [id for id, named in clocks.items() if (dataset, field) in named]

    @cached_property
    def mover(self) -> Mover:
        controls = MapControls(SqlInventoryRepository())
        tools = moving.Tools(self.store, SqlColumnRepository(), self._shadow, self.protection, controls, self.audit, self.clock)
        return Mover(tools, pace=self.config.sweep_pace)

    @cached_property
    def subjects(self) -> Subjects:
        spellings = Spellings(self.config.phone_regions, e164)
        opener = partial(open_connector, reserved=reserved_files(self.config))
        finder = LivePeople(self.inventory.system_url, opener, spellings, seconds=self.config.search_seconds)
        return Subjects(self.store, SqlSubjectRepository(), self.inventory, finder, self.encrypted_fields, spellings, self.audit, self.keyring, self.clock)

    @cached_property
    def relation_finder(self) -> RelationFinder:
        proposer = RelationProposer.load(self.config.policies, self.taxonomy)
        return RelationFinder(self.inventory, self.discovery, self.relations, proposer)

    @cached_property
    def consent(self) -> ConsentService:
        return ConsentService(self.store, SqlConsentRepository(), self.catalogue, self.audit, self.keyring, self.subject_keys.audit_refs, self.clock)

    @cached_property
    def techniques(self) -> Techniques:
        return Techniques.shipped()

    @cached_property
    def protection(self) -> Protection:
        return Protection(self.subject_keys, self.keyring)

    @cached_property
    def policies(self) -> Policies:
        oracle = CasbinOracle.from_file(self.config.policies / "model.conf")
        return Policies(self.store, SqlPolicyRepository(), self.audit, self.clock, self._words, self.taxonomy, oracle, self._dataset_names)

    @cached_property
    def access(self) -> Access:
        return Access(
            self.policies,
            self.inventory,
            self.taxonomy,
            self.catalogue,
            self.consent,
            self.restrictions,
            self.detector,
            self.techniques,
            self.keyring.derive,
            self.subject_keys,
            self.protection,
            self.audit,
            self.clock,
            max_items=self.config.max_records,
        )

    @cached_property
    def ledger(self) -> LedgerFile:
        return LedgerFile(self.config.state_dir / "erasure.ledger")

    @cached_property
    def places(self) -> Places:
        return Places(self.store, SqlDisposalRepository(), self.keys_store, SqlMarks(KEYS_MARK))

    @cached_property
    def following(self) -> Following:
        return Following(self.places, self.ledger, self.subject_keys)

    @cached_property
    def opened(self) -> OpenTarget:
        return opening(self.inventory.system_url, partial(open_target, reserved=reserved_files(self.config)))

    @cached_property
    def targets(self) -> CheckedTargets:
        return CheckedTargets(self.opened, self.following)

    @cached_property
    def keeps(self) -> Keeps:
        return self.retention.keeps

    @cached_property
    def held(self) -> Holds:
        return self.holds

    @cached_property
    def restricting(self) -> Restrictions:
        return self.restrictions

    @cached_property
    def plans(self) -> Plans:
        return Plans(self.store, self.places.repository, self.keyring)

    @cached_property
    def surveyor(self) -> Surveyor:
        return Surveyor(self.inventory, self.relations, self.keeps, self.held, self.encrypted_fields)

    @cached_property
    def forgets(self) -> list[Forget]:
        """Rooms of ours that hold something about subjects: a line per room."""
        return [self.consent.forget, self.subjects.forget, self.restrictions.forget, self.requests.packages.forget]

    @cached_property
    def departures(self) -> Departures:
        return Departures(self.places, self.ledger, self.subject_keys, self.plans.lookups, self.forgets, self.clock, self.following.gate)

    @cached_property
    def disposal(self) -> Disposal:
        return Disposal(self.plans, self.surveyor, self.targets, self.audit, self.clock, self.jobs, self.following.gate)

    @cached_property
    def execution(self) -> Execution:
        certificates = Certificates(self.log_key.key, self._log_of)
        restrictions, gate = self.restricting, self.following.gate
        return Execution(Tools(self.plans, self.surveyor, self.targets, self.departures, restrictions, certificates, self.audit, self.clock, gate))

    @cached_property
    def replay(self) -> Replay:
        known = [self.consent.named, self.subjects.named, self.restrictions.named]
        return Replay(
            self.following,
            self.places,
            self.ledger,
            self.departures,
            self.subject_keys,
            self.plans,
            self.surveyor,
            self.opened,
            known,
            self.forgets,
            self.audit,
            self.clock,
        )

    def _log_of(self, tenant: TenantId) -> str:
        """Return the name (origin) of the tenant's present log, which its certificates are signed under."""
        log = self.store.read(lambda tx: self.events.newest_log(tx, tenant))
        return self.log_key.origin_of(log.log_id if log is not None else f"{tenant}/1")

    @cached_property
    def releases(self) -> Releases:
        return Releases(SqlRetentionRepository(), self.jobs, self.inventory, release.Resuming(self.jobs))

    @cached_property
    def holds(self) -> LegalHolds:
        return LegalHolds(self.store, SqlRetentionRepository(), self.inventory, self.audit, self.keyring, self.clock, self.releases)

    @cached_property
    def restrictions(self) -> RestrictionRegister:
        return RestrictionRegister(self.store, SqlRetentionRepository(), self.audit, self.keyring, self.clock, self.releases)

    @cached_property
    def deadlines(self) -> Deadlines:
        return Deadlines.load(self.config.policies)

    @cached_property
    def acceptance(self) -> RuleAcceptance:
        return RuleAcceptance(self.deadlines, self.store, SqlAcceptanceRepository(), self.audit, self.clock, self.leaf_guard)

    @cached_property
    def requests(self) -> Requests:
        seal, accepted = CaseSeal(self.subject_keys), self.acceptance.accepted
        cases = Cases(self.store, SqlRequestRepository(), self.audit, self.clock, seal, self.deadlines, accepted, self.catalogue)
        letters, lookups = Letters.load(self.config.policies / "requests.toml"), Lookups(self.keyring.derive, _home(self.config))
        messenger = open_messenger(self.config.messenger, self.config.messenger_password, self.config.state_dir)
        identity = Identity(cases, lookups, self.subjects, messenger)
        builder = Builder(
            self.disposal,
            self.targets,
            self.inventory,
            self.relations,
            self.catalogue,
            self.taxonomy,
            self.detector,
            self.encrypted_fields,
            letters,
            self.clock,
            region=_home(self.config),
        )
        erasing = Erasing(cases, identity, self.disposal, self.catalogue, letters)
        packages = Packages(cases, identity, lookups, builder, self.jobs, days=self.config.package_days, gate=self.following.gate)
        return Requests(cases, self.catalogue, lookups, letters, identity, erasing, packages)

    @cached_property
    def scenes(self) -> Scenes:
        return Scenes(self.store, SqlRetentionRepository(), self.inventory, self.relations, self.holds, self.clock)

    @cached_property
    def statutes(self) -> Statutes:
        return Statutes.load(self.config.policies / "retention.toml")

    @cached_property
    def retention(self) -> Retention:
        return Retention(
            self.store,
            SqlRetentionRepository(),
            self.statutes,
            self.inventory,
            self.catalogue,
            self.targets,
            self.scenes,
            self.jobs,
            self.releases,
            self.restrictions,
            self.audit,
            self.clock,
            self.leaf_guard,
        )

    @cached_property
    def sweeper(self) -> Sweeper:
        tools = SweepTools(
            self.store,
            SqlRetentionRepository(),
            self.targets,
            self.scenes,
            self.statutes,
            self.audit,
            self.keyring,
            self.clock,
            self.departures,
            self.restrictions,
            ArchiveFiles(self.config.state_dir / "archives"),
            self.techniques,
        )
        return Sweeper(tools, pace=self.config.sweep_pace)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self.store, SqlJobRepository(self.clock), self.audit)

    @cached_property
    def handlers(self) -> Mapping[str, Handler]:
        """What is done for each kind of job: a line per kind."""
        return {
            care.KIND: care.Purge(self.jobs, self.schedules),
            disposal.KIND: self.execution,
            release.KIND: release.Release(self.disposal, self.plans, self.jobs),
            SWEEP: self.sweeper,
            ROUND: self.retention.run_round,
            columns.KIND: self.mover,
            request_packages.KIND: self.requests.packages.handle,
            request_care.KIND: request_care.Purge(self.requests),
        }

    @cached_property
    def planned(self) -> list[Schedule]:
        """What is enqueued at set times: a line per schedule."""
        return [
            care.SCHEDULE,
            self.retention.schedule(),
            request_care.SCHEDULE,
        ]

    @cached_property
    def schedules(self) -> Schedules:
        repository = SqlScheduleRepository(self.clock)
        return Schedules(self.store, repository, self.jobs, self.planned, CronTimes, self.actors.tenants, self.leadership.guard)

    @cached_property
    def leadership(self) -> Leadership:
        return Leadership(self.store, SqlScheduleRepository(self.clock), worker_name())

    @cached_property
    def leader_thread(self) -> LeaderThread:
        return LeaderThread(self.leadership, SchedulerTicker(self.planned), self.schedules.fire_due)

    @cached_property
    def runner(self) -> Runner:
        return Runner(self.jobs, self.handlers)

    def _words(self, tenant: TenantId) -> Vocabulary:
        purposes = [purpose.id for purpose in self.catalogue.purposes(tenant)]
        recipients = [recipient.id for recipient in self.catalogue.recipients(tenant)]
        return vocabulary(self.taxonomy, self.techniques.names(), self.roles.names(), purposes, recipients)

    def _dataset_names(self, tenant: TenantId) -> list[str]:
        return [dataset.name for dataset in self.inventory.datasets(tenant)]


def _home(config: Config) -> str:
    """Return the country that phone numbers without a country code are of."""
    return config.phone_regions[0] if config.phone_regions else "CN"


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


def reserved_files(config: Config) -> Reserved:
    """Return the files and folders of this installation that are never a connected system."""
    secret = [path for path in (key_file_path(config), config.tls_key) if path is not None]
    return Reserved.of((config.database_url, config.keys_database_url), secret, (config.state_dir, config.policies))


def _refuse_an_empty_place(config: Config) -> None:
    # the folder may be relative: from another folder everything seems to be missing, and making it anew there would be the wrong remedy
    if not (config.state_dir / "log.key").exists() and not key_file_path(config).exists():
        raise Misconfigured(
            f"There is no installation in {config.state_dir.resolve()}. Its folder is named by PRIVACY_STATE_DIR, by default `var` in the folder you are in: "
            "set it, or go to the folder where the service was set up. For a new installation there: `privacy init`."
        )


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


def _log_in_order(audit: Log, sequencer: Sequencer) -> None:
    sequencer.check_state()
    for health in audit.probe():
        if not health.ok:
            raise AuditBroken(f"The audit log {health.log_id} is {health.state}, {health.lag_seconds:.0f} s behind; see `privacy audit status`.")
