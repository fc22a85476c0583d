"""Street addresses in Latin letters: number first (12 High St, Leeds LS1 4AP), number last (Hauptstraße 12, 80331 München) and the French way between.

From the flat or house number to the whole postal code, the city and the country, so that nothing of an address stays behind when its finding is masked.
Limit: a street whose word is in none of the lists is found only where a postal code and a town follow it.
"""

import re
from collections.abc import Iterator

from privacy.discovery.findings import CONTEXT, PATTERN, Finding
from privacy.discovery.rules import Recogniser
from privacy.discovery.scene import Scene

_UPPER = "[^\\W\\d_a-z\u3400-\u9fff]"
_LOWER = "[^\\W\\d_A-Z\u3400-\u9fff]"
_PARTICLE = r"(?:van|von|de|del|della|delle|dei|der|den|di|da|do|dos|das|du|des|la|las|los|le|les|el|ter|y|en|sur|am|an|im)"
_STREET = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Squares?|Sq|Terrace|Ter|Way|Parkway|Pkwy|Highway|Hwy|Circle|Cir"
    r"|Crescent|Close|Alley|Trail|Row|Quay|Walk|Mews|Gardens?|Union|Plaza|Turnpike|Loop|Heights|Hill|Grove)"
)
_LEADING_STREET = r"(?:Rue|Via|Calle|Strada|Rua|Avenida|Avenue|P\.? ?O\.? Box)"  # these stand directly behind the number
_UNIT_WORDS = r"(?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Room|Rm|Building|Bldg|Flat|#)"
_SHORT = r"(?:St|Ave|Rd|Blvd|Ln|Dr|Ct|Pl|Sq|Apt|Ste|Bldg|Rm|Fl|Mt|Ft|[^\W\d_])"  # what may carry a full stop inside an address
# Whole postal codes with a letter or a dash: United Kingdom, Canada, Netherlands, Poland, Portugal.
_LETTERED_CODE = (
    r"(?:[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}|[A-Z][0-9][A-Z][ \-]?[0-9][A-Z][0-9]|[0-9]{4} ?[A-Z]{2}(?= [A-Z][a-z])|[0-9]{2}-[0-9]{3}|[0-9]{4}-[0-9]{3})"
)
_TOKEN = rf"(?:{_LETTERED_CODE}|{_SHORT}\.|{_UPPER}[\w'’\-]*|#?[0-9]{{1,6}}[A-Za-z]?(?:-[0-9]{{1,5}})?(?:st|nd|rd|th)?|{_PARTICLE}\b)(?![\w'’]|\s?[:@])"
_NEXT = r"(?:,? {1,2}|,?[ \t]*\n[ \t>]{0,8}(?:, ?)?)"
_COUNTRIES = (
    r"(?:UK|U\.K\.|GB|United Kingdom|Great Britain|England|Scotland|Wales|Northern Ireland|Ireland|USA?|U\.S\.(?:A\.)?|United States(?: of America)?|Canada"
    r"|Australia|New Zealand|India|Deutschland|Germany|France|Italia|Italy|España|Spain|Portugal"
    r"|Nederland|The Netherlands|Netherlands|België|Belgique|Belgium|Österreich"
    r"|Austria|Schweiz|Suisse|Switzerland|Polska|Poland|Danmark|Denmark|Sverige|Sweden|Norge|Norway|Suomi|Finland)"
)
_COUNTRY = rf"(?:,?[ \t]*[\n ][ \t]*{_COUNTRIES}(?![\w]))"
_CITY = rf"{_UPPER}[\w'’\-]+(?: (?:(?:{_PARTICLE}|a\.|d\.|der|bei|upon|sous|lès) ){{0,2}}{_UPPER}[\w'’\-]+){{0,3}}(?: CEDEX(?: [0-9]{{1,2}})?)?"
# the postal code and the town behind the street of the continent: D-80331 München, 1100-053 Lisboa, 123 45 Stockholm
_CODE = r"(?:[A-Z]{1,2}-)?(?:[0-9]{4} ?[A-Z]{2}|[0-9]{2}-[0-9]{3}|[0-9]{4}-[0-9]{3}|[0-9]{3} [0-9]{2}|[0-9]{4,5})"
_TOWN = rf",?[ \t]*[\n ,·|][ \t]*{_CODE},? {_CITY}{_COUNTRY}?"
_HOUSE = r"(?:n[º°.]? ?|Nr\.? ?)?[0-9]{1,4}[a-zA-Z]?(?:[\-/][0-9]{1,4}[a-zA-Z]?)?(?![0-9A-Za-z%€$£]|[.:,][0-9])"
_HEADINGS = re.compile(
    r"(?:chapter|section|step|version|invoice|page|figure|fig|table|item|part|order|level|phase|windows|line|row|rule|article|clause|question|day|week|year"
    r"|annex|appendix|lot|gate|exhibit|case|ticket|issue|build|release|no|nr|#)\.? ?$",
    re.IGNORECASE,
)
_STOP_HERE = frozenset(
    "the a an i i'm i’m it he she we they you this that these those there here what when where why how who which please thank thanks team all everyone"
    " customer client service support sales account monday tuesday wednesday thursday friday saturday sunday january february march april may june"
    " july august september october november december phone email mail e-mail fax address date time name number card credit debit my your his her our their"
    " not no yes ok and or but if on at for from to of with is are was were be will can could would should do does did inc ltd llc corp personal info dob mrn"
    " sent tel website billing shipping order invoice id ssn url ip re fw subject mobile".split()
)


def recognisers() -> list[Recogniser]:
    """Return the recognisers of street addresses."""
    entity = frozenset({"STREET_ADDRESS"})
    return [
        Recogniser(entity, _NumberFirst().find, words=True, digits=1),
        Recogniser(entity, _Continental().find, words=True, digits=1),
    ]


_LABEL = re.compile(
    r"(?:address|adresse|anschrift|dirección|indirizzo|lives? (?:at|in|on)?|resid(?:es?|ing) at|located at|moved to|ship to|deliver(?:ed)? to|sent? to"
    r"|wohnt (?:in|an)(?: der| dem)?|wohnhaft|domicilié|habite|abita in|vive en|住址|地址)[^0-9]{0,24}$",
    re.IGNORECASE,
)


def _found(scene: Scene, start: int, end: int, whole: bool = False) -> Finding:
    labelled = _LABEL.search(scene.before(start)) is not None
    if labelled or whole:
        return Finding("STREET_ADDRESS", start, end, 0.85, CONTEXT if labelled else PATTERN)
    return Finding("STREET_ADDRESS", start, end, 0.65, PATTERN)


class _NumberFirst:
    """A number and the capitalised words and numbers that follow it, over single line breaks: an address if a street word or a unit is among them."""

    def __init__(self) -> None:
        # the lookbehind stands after the first digit, so that the engine can search for that digit
        number = r"[0-9](?<![0-9A-Za-z.,/:\-#][0-9])[0-9]{0,5}[A-Za-z]?(?:-[0-9]{1,5})?(?![0-9A-Za-z.:/%])"
        self._block = re.compile(rf"{number}(?:{_NEXT}{_TOKEN}){{1,14}}")
        self._box = re.compile(rf"(?:P\.? ?O\.? Box|PSC|Unit|USS|USNS|USNV|USCGC) [0-9A-Z]{{1,6}}(?![\w:])(?:{_NEXT}{_TOKEN}){{0,8}}")
        # a name stands between the number and the street's word: `3 Way` and `12 Close` are no streets
        named = rf"(?<=[\w'’.\-][ ,]){_STREET}(?![\w'’])"
        self._street = re.compile(rf"{named}|(?<![\w'’]){_LEADING_STREET}(?![\w'’])|(?<!\w){_UNIT_WORDS}\.? ?#?[0-9A-Z]")
        self._bare = re.compile(r"[0-9]+[A-Za-z]?(?:-[0-9]+)?,? {1,2}")
        self._last = re.compile(rf"(?<=[\s,])(?:{_LETTERED_CODE}|[0-9]{{5}}(?:-[0-9]{{4}})?)(?![0-9A-Za-z]|-[0-9])")
        self._unit = re.compile(rf"{_UNIT_WORDS}\.? ?$")
        self._country = re.compile(_COUNTRY)

    def find(self, scene: Scene) -> Iterator[Finding]:
        if not (scene.english_words and scene.capitals):
            return
        for match in self._block.finditer(scene.text):
            street = self._street_in(scene.text, match.start(), match.end())
            if street and street.start() - match.start() <= 48 and not _HEADINGS.search(scene.before(match.start(), 12)):
                yield self._finding(scene, match, street.end())
        for match in self._box.finditer(scene.text) if "Box " in scene.text else ():
            yield self._finding(scene, match, match.start() + 6)

    def _street_in(self, text: str, low: int, high: int) -> re.Match[str] | None:
        for street in self._street.finditer(text, low, high):
            leads = re.match(_LEADING_STREET, street.group()) or re.match(_UNIT_WORDS, street.group())
            if leads or not self._bare.fullmatch(text, low, street.start()):
                return street
        return None

    def _finding(self, scene: Scene, match: re.Match[str], street: int) -> Finding:
        """End behind the postal code that follows the street, and the country behind it, or before the first word of another sentence."""
        end = match.end()
        for word in re.finditer(r"[^\s,]+", scene.text[street:end]):
            if word.group().strip(".").lower() in _STOP_HERE and not (len(word.group()) == 2 and word.group().isupper()):
                end = street + word.start()
                break
        last = self._last.search(scene.text, street, end)
        if last:
            country = self._country.match(scene.text, last.end())
            end = country.end() if country else last.end()
        shown = scene.text[match.start() : end].rstrip(" ,\n\t>")
        unit = self._unit.search(scene.text, max(0, match.start() - 12), match.start())
        return _found(scene, unit.start() if unit else match.start(), match.start() + len(shown))


class _Continental:
    """Streets as they are written on the European continent; their words carry no capital (rue), end the name (…straße) or begin it (Via, Calle, ul.)."""

    def __init__(self) -> None:
        dated = rf"[0-9]{{1,2}}(?= (?:de )?{_UPPER})"  # Via 25 Aprile
        name = rf"(?:(?:{_PARTICLE}|d['’]|l['’]) ?){{0,3}}{_UPPER}[\w'’\-]+(?: (?:(?:{_PARTICLE}) ){{0,2}}(?:{_UPPER}[\w'’\-]+|{dated})){{0,3}}"
        french = r"[Rr]ue|[Aa]venue|[Bb]oulevard|[Bb]d\.?|[Cc]hemin|[Aa]llée|[Ii]mpasse|[Qq]uai|[Ff]aubourg|[Rr]uelle"
        shared = r"[Pp]lace|[Rr]oute|[Ss]quare|[Pp]assage|[Cc]ours"  # English words as well: a particle must follow
        number = r"[0-9](?<![0-9A-Za-z.,/:\-#][0-9])[0-9]{0,3}(?: ?(?:bis|ter|quater|[A-D]))?,? "
        endings = r"straße|strasse|str\.|weg|platz|allee|gasse|ufer|stieg|steig|chaussee|gracht|straat|laan|plein|kade|dijk|gade|vej|gatan|vägen|veien|katu"
        words = r"Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Ufer|Chaussee|Damm|Ring|Hof"
        leading = (
            r"Via|Viale|Piazza|Corso|Largo|Vicolo|Calle|C/|Avenida|Avda\.?|Plaza|Paseo|Camino|Carrer|Rua|Praça|Travessa|Estrada|Strada|ulica|[Uu]l\.|[Aa]l\."
            r"|Aleja|Plac|Rue|Avenue|Boulevard"
        )
        self._shapes = (
            # the word decides whether a rule is tried at all
            (re.compile("rue|avenue|boul|bd|chemin|allée|impasse|quai|place|route|square|passage|cours|faub"),
             re.compile(rf"{number}(?:(?:{french}) {name}|(?:{shared}) (?=d[eu]|d['’]|l[ae]s? |l['’]){name})({_TOWN})?")),
            (re.compile("str|weg|platz|allee|gasse|ufer|stieg|steig|chaussee|gracht|laan|plein|kade|dijk|gade|vej|gatan|vägen|veien|katu|damm|ring|hof"),
             re.compile(rf"(?<![\w'’\-])(?:{_UPPER}[\w\-]*(?:{endings})|{_UPPER}[\w\-]+ (?:{words})) ?{_HOUSE}({_TOWN})?")),
            (re.compile(r"vi[ac]|piazza|corso|largo|calle|c/|av[de]|pla[zc]|paseo|camino|carrer|r[ua][ua]|praça|travessa|estrada|strada|ul|al|boul"),
             re.compile(rf"(?<![\w'’\-])(?:{leading}) ?(?!E-?mail|Zoom|Teams){name},? {_HOUSE}({_TOWN})?")),
        )  # fmt: skip
        # any other name, number, postal code and town (Am Markt 3, 28195 Bremen) where its first word, its code or a label speak for a street
        year = r"(?!,?\s(?:19|20)[0-9]{2}\s)"
        self._any = re.compile(rf"(?<![\w'’\-]){_UPPER}[\w'’\-]+(?: (?:{_PARTICLE} ){{0,2}}{_UPPER}[\w'’\-]+){{0,2}} {_HOUSE}{year}{_TOWN}")
        first = r"Am|An|Im|In|Zum|Zur|Auf|Unter|Hinter|Vor|Alter?|Neuer?|Lange|Große|Kleine|Obere|Untere|Sankt|St\."
        last = r"damm|ring|hof|havn|hamn|markt|graben|tor|zeile|höhe|bogen|brücke|wall"
        self._speaks = re.compile(rf"^(?:{first}) |^\w+(?:{last}) [0-9]|[0-9]{{2}}-[0-9]{{3}} |[0-9]{{4}} ?[A-Z]{{2}} |[A-Z]-[0-9]{{4}}|, ?{_COUNTRIES}$")
        self._code = re.compile(rf"[0-9](?:[0-9]{{3,4}}(?: ?[A-Z]{{2}})?|[0-9]{{3}}-[0-9]{{3}}|[0-9]-[0-9]{{3}}|[0-9]{{2}} [0-9]{{2}}),? {_UPPER}")

    def find(self, scene: Scene) -> Iterator[Finding]:
        if not (scene.english_words and scene.capitals):
            return
        for hint, shape in self._shapes:
            if hint.search(scene.lower):
                for match in shape.finditer(scene.text):
                    yield _found(scene, *match.span(), whole=match.group(1) is not None)
        if scene.most_digits >= 4 and self._code.search(scene.text):
            for match in self._any.finditer(scene.text):
                found = _found(scene, *match.span())
                if found.basis == CONTEXT or self._speaks.search(match.group()):
                    yield found
