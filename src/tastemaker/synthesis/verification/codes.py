"""Names that stand for codes: countries, currencies and languages, for values that a user puts into words.

Not a full table of ISO 3166, 4217 or 639: the codes that tool arguments ask for most. Everything is lower
case. Knows nothing of calls.
"""

from __future__ import annotations

from typing import Final

_COUNTRIES = """
us usa|united_states america american u.s. u.s.a. states
gb uk gbr|united_kingdom britain british england english scotland wales london
ca can|canada canadian
au aus|australia australian
nz nzl|new_zealand
ie irl|ireland irish
de deu ger|germany german berlin
fr fra|france french paris
es esp|spain spanish madrid
it ita|italy italian rome
pt prt|portugal portuguese lisbon
nl nld|netherlands dutch holland amsterdam
be bel|belgium belgian brussels
ch che|switzerland swiss zurich
at aut|austria austrian vienna
se swe|sweden swedish stockholm
no nor|norway norwegian oslo
dk dnk|denmark danish copenhagen
fi fin|finland finnish helsinki
is isl|iceland icelandic
pl pol|poland polish warsaw
cz cze|czech czechia prague
hu hun|hungary hungarian budapest
ro rou|romania romanian
gr grc|greece greek athens
tr tur|turkey turkish türkiye istanbul
ru rus|russia russian moscow
ua ukr|ukraine ukrainian kyiv
il isr|israel israeli
eg egy|egypt egyptian cairo
za zaf|south_africa
ng nga|nigeria nigerian
ke ken|kenya kenyan nairobi
ma mar|morocco moroccan
ae are uae|united_arab_emirates dubai
sa sau|saudi_arabia
in ind|india indian delhi mumbai
pk pak|pakistan pakistani
bd bgd|bangladesh
lk lka|sri_lanka
cn chn|china chinese beijing shanghai
tw twn|taiwan taiwanese
hk hkg|hong_kong
jp jpn|japan japanese tokyo
kr kor|korea korean seoul
sg sgp|singapore
my mys|malaysia malaysian
id idn|indonesia indonesian
th tha|thailand thai bangkok
vn vnm|vietnam vietnamese
ph phl|philippines filipino manila
mx mex|mexico mexican
br bra|brazil brazilian
ar arg|argentina argentine
cl chl|chile chilean
co col|colombia colombian
pe per|peru peruvian
"""

_CURRENCIES = """
usd|dollar dollars $ bucks us america
eur|euro euros €
gbp|pound pounds sterling £
jpy|yen ¥ japan
cny rmb|yuan renminbi china
inr|rupee rupees ₹ india
cad|canadian
aud|australian
nzd|new_zealand
chf|franc francs swiss switzerland
sek|swedish sweden krona kronor
nok|norwegian norway
dkk|danish denmark
pln|zloty polish poland
czk|koruna czech
huf|forint hungary
try|lira turkish turkey
rub|ruble rubles russian
krw|won korean korea
sgd|singapore
hkd|hong_kong
thb|baht thai
mxn|mexican mexico pesos peso
brl|real reais brazilian brazil
zar|rand south_africa
aed|dirham dirhams
ils|shekel shekels
btc|bitcoin
eth|ethereum
"""

_LANGUAGES = """
en eng en-us en-gb|english
de deu de-de|german
fr fra fr-fr|french
es spa es-es|spanish
it ita it-it|italian
pt por pt-br pt-pt|portuguese
nl nld|dutch
sv swe|swedish
no nor nb|norwegian
da dan|danish
fi fin|finnish
pl pol|polish
cs ces|czech
hu hun|hungarian
ro ron|romanian
el ell|greek
tr tur|turkish
ru rus|russian
uk ukr|ukrainian
he heb|hebrew
ar ara|arabic
fa fas|persian farsi
hi hin|hindi
bn ben|bengali
ta tam|tamil
te tel|telugu
ur urd|urdu
th tha|thai
vi vie|vietnamese
id ind|indonesian
ms msa|malay
zh zho zh-cn zh-tw|chinese mandarin
ja jpn|japanese
ko kor|korean
la lat|latin
"""


def _read(*tables: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for line in "\n".join(tables).split("\n"):
        codes, _, names = line.partition("|")
        for code in codes.split():
            found[code] = found.get(code, frozenset()) | {name.replace("_", " ") for name in names.split()}
    return found


NAMES: Final = _read(_COUNTRIES, _CURRENCIES, _LANGUAGES)
"""Words each of which a code can stand for: `NAMES["jp"]` holds "japan", "japanese" and "tokyo"."""
