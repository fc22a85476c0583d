"""Why something is clear, masked or withheld: a stable code and a sentence in English and Chinese that names the remedy.

A reason never repeats a value and names a field only by its place or as the data map spells it.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from privacy.inventory.model import Dataset, Field, Status

SECOND_FACTOR = "second_factor_needed"


@dataclass(frozen=True, slots=True)
class Reason:
    """`rule` is the id of the deciding row ("" when a gate decided), `pointer` the first place in the request it is about."""

    code: str
    en: str
    zh: str
    rule: str = ""
    pointer: str = ""

    def at(self, pointer: str) -> "Reason":
        return replace(self, pointer=pointer)


def rule_decided(row: str, effect: str, technique: str) -> Reason:
    if effect == "clear":
        return Reason("rule", f"Rule {row} allows it in clear.", f"规则 {row} 允许明文。", row)
    if effect == "masked":
        return Reason("rule", f"Rule {row} masks it by {technique}.", f"规则 {row} 以 {technique} 脱敏。", row)
    return Reason("rule", f"Rule {row} denies it.", f"规则 {row} 拒绝。", row)


def condition_unmet(row: str, condition: str) -> Reason:
    if condition == "mfa":
        en = f"Rule {row} would allow it after a second factor within the last 12 hours; sign in with one and ask again."
        return Reason(SECOND_FACTOR, en, f"规则 {row} 需要 12 小时内的多因素认证；请重新登录后再试。", row)
    return Reason("condition_unmet", f"Rule {row} would allow it, but its condition {condition} does not hold.", f"规则 {row} 的条件 {condition} 不成立。", row)


NO_RULE = Reason(
    "no_rule",
    "No rule lets your roles see this class of field for this purpose and recipient. Rules stand in policies/policy.csv; `privacy policy explain` lists them.",
    "没有规则允许您的角色为该目的查看此类字段。规则见 policies/policy.csv；`privacy policy explain` 可列出。",
)
ROLE_UNKNOWN = Reason(
    "role_unknown",
    "None of your roles is known here. Roles are declared in policies/roles.toml and given with `privacy users` or `privacy clients`.",
    "您的角色均未登记。角色在 policies/roles.toml 中声明，用 `privacy users` 或 `privacy clients` 授予。",
)
PURPOSE_UNKNOWN = Reason(
    "purpose_unknown",
    "The purpose is not in the catalogue. `privacy purposes list` shows the known ones; declare it with POST /api/v1/purposes and add rules for it.",
    "目录中没有该处理目的。`privacy purposes list` 列出已有目的；用 POST /api/v1/purposes 声明并为其增加规则。",
)
PURPOSE_INACTIVE = Reason(
    "purpose_inactive",
    "The purpose is not in force. Put it in force with POST /api/v1/purposes once it may go live.",
    "该处理目的未生效。满足条件后用 POST /api/v1/purposes 使其生效。",
)
PURPOSE_NOT_REGISTERED = Reason(
    "purpose_not_registered",
    "This application is not registered for the purpose. An administrator adds it with `privacy clients`.",
    "该应用未登记此目的。请管理员用 `privacy clients` 添加。",
)
ASSESSMENT_MISSING = Reason(
    "assessment_missing",
    "The purpose needs an impact assessment and none is recorded. Record it with the purpose (POST /api/v1/purposes, assessment) once it is approved.",
    "该目的须先完成个人信息保护影响评估。评估通过后用 POST /api/v1/purposes 的 assessment 记录。",
)
RECIPIENT_UNKNOWN = Reason(
    "recipient_unknown",
    "The recipient is not in the catalogue. Declare it with POST /api/v1/recipients.",
    "目录中没有该接收方。请用 POST /api/v1/recipients 声明。",
)
RECIPIENT_AGREEMENT = Reason(
    "recipient_agreement",
    "No agreement with the recipient is in force today. Record its dates with POST /api/v1/recipients.",
    "与该接收方的协议今日不在有效期内。请用 POST /api/v1/recipients 登记协议期限。",
)
RECIPIENT_PURPOSE = Reason(
    "recipient_purpose",
    "The agreement with the recipient does not cover this purpose. Add it with POST /api/v1/recipients once it is agreed.",
    "与该接收方的协议不包含此目的。约定后用 POST /api/v1/recipients 添加。",
)
DATASET_UNKNOWN = Reason(
    "dataset_unknown",
    "The dataset is not in the data map. Connect its system with `privacy systems add NAME URL`, then `privacy systems scan NAME` and confirm its fields.",
    "数据地图中没有该数据集。请用 `privacy systems add NAME URL` 接入，再 `privacy systems scan NAME` 并确认字段。",
)
CATEGORY_NOT_IN_PURPOSE = Reason(
    "category_not_in_purpose",
    "The purpose was declared without this category of data. Add the category to the purpose with POST /api/v1/purposes if it is needed for it.",
    "该目的声明的个人信息种类不包含此类。确有必要时用 POST /api/v1/purposes 添加。",
)
ENTITY_UNKNOWN = Reason(
    "entity_unknown",
    "What was found belongs to no category of policies/taxonomy.toml, so it is treated as the strictest.",
    "识别出的类型不在 policies/taxonomy.toml 中，按最严格处理。",
)
SUBJECT_MISSING = Reason(
    "subject_missing",
    "The purpose needs consent, and the item does not say whose data it is. Name the subject, or the field that holds its key (subject_field).",
    "该目的需要个人同意，但未指明数据主体。请提供主体，或用 subject_field 指明主体键字段。",
)
RESTRICTED = Reason(
    "restricted",
    "The subject's data is restricted: it may be stored and protected, nothing else. `privacy restrictions list` shows why; a person lifts it.",
    "该个人的信息已被限制处理：仅可存储和采取安全保护措施。原因见 `privacy restrictions list`，由专人解除。",
)
NOT_MASKABLE = Reason(
    "not_maskable",
    "A yes/no value or an object has no masked form; it is withheld.",
    "布尔值或对象没有脱敏形式，故不提供。",
)
TECHNIQUE_WITHHELD = Reason(
    "technique_withheld",
    "The masking technique found no form of this value that hides enough; it is withheld.",
    "脱敏方法无法安全表示该值，故不提供。",
)


def consent_reason(state: str, at: datetime | None) -> Reason:
    """Return the reason for a consent that is not in force: `withdrawn`, `expired` or `never`."""
    if state == "withdrawn":
        return Reason("consent_withdrawn", f"The subject withdrew consent for the purpose{_on(at)}.", f"个人已{_at_zh(at)}撤回对该目的的同意。")
    if state == "expired":
        return Reason(
            "consent_expired", f"The consent for the purpose expired{_on(at)}; ask the subject again.", f"对该目的的同意已{_at_zh(at)}到期，请重新征求同意。"
        )
    return Reason(
        "consent_missing",
        "The subject has not consented to the purpose (or not for this recipient). Record a consent with POST /api/v1/consents once it is given.",
        "个人未就该目的（或该接收方）表示同意。取得同意后用 POST /api/v1/consents 记录。",
    )


def field_unknown(dataset: Dataset, pointer: str) -> Reason:
    system = dataset.system
    return Reason(
        "field_unknown",
        f"The field is not in the data map of {dataset.name}. Find it with `privacy systems scan {system}`, then declare it with "
        f"`privacy systems confirm {system} {dataset.table}.FIELD` or `privacy systems not-personal {system} {dataset.table}.FIELD`.",
        f"数据地图 {dataset.name} 中没有该字段。先 `privacy systems scan {system}`，再 `confirm` 或 `not-personal`。",
        pointer=pointer,
    )


def field_undecided(dataset: Dataset, field: Field) -> Reason:
    place = f"{dataset.system} {dataset.table}.{field.name}"
    said = "was rejected and has no classification" if field.status is Status.REJECTED else "is not decided yet"
    return Reason(
        "field_unconfirmed",
        f"The classification of this field {said}. Confirm it with `privacy systems confirm {place}`, "
        f"or declare it with `privacy systems not-personal {place}`.",
        f"该字段的分类尚未确认。用 `privacy systems confirm {place}` 确认，或 `not-personal` 声明为非个人信息。",
    )


def _on(at: datetime | None) -> str:
    return f" on {at:%Y-%m-%d}" if at else ""


def _at_zh(at: datetime | None) -> str:
    return f"于 {at:%Y-%m-%d} " if at else ""
