#!/usr/bin/env python3
"""Writes the word lists of the shipped rules, from lists that others keep.

Run it again when one of them has a new version:

    apt-get install wamerican-large wbritish-large wngerman wfrench wspanish witalian wdutch wswedish
    cd /tmp && npm pack naughty-words@1.2.0 cuss@2.2.0 leo-profanity@1.9.0   # unpack each to its name
    cargo fetch                                    # rustrict stands among the tests' dependencies
    tools/moderation/words.py --npm /tmp --rustrict ~/.cargo/registry/src/*/rustrict-0.7.39

What is a word of a dictionary is only taken where KEEP below names it: lists of this kind are full of
words that have other meanings. A term may stand within a word where no dictionary has such a word.
"""

import argparse
import csv
import json
import re
import unicodedata
from pathlib import Path

from sums import ROOT, note

RULES = ROOT / "engine/core/data/rules"
DICTIONARIES = Path("/usr/share/dict")

# Dictionary words, and short ones, that are meant as they are nearly always.
KEEP = {
    "profanity": """
        ass asses arse arses arsehole asshole assholes bastard bastards bitch bitches bitching bitchy
        bollocks bullshit cock cocks cunt cunts damnit dammit goddammit goddamn dick dicks douchebag fuck fucked fucker fuckers fucking fucks fuckhead fuckin horseshit chickenshit jackass
        motherfucker motherfuckers motherfucking pissing pissed pisser shit shits shitty shithead shitted
        shitting shitfaced sonofabitch tosser twat twats wank wanker wankers wanking wanks wtf bugger
        buggered dickhead shat fubar crapper cocksucker bunghole fck fcking fuk fuking fvck phuck biatch
        feck effing frigging dumbass smartass badass asshat asswipe assclown bellend knobhead
        prick pricks pisses pissin phukker phukking phukked twathead wanky f**k f**king f**ker s**t c**t b**ch
        d**k a**hole motherf**ker bullsh*t
    """,
    "slur": """
        nigger niggers nigga niggas niggaz faggot faggots fag fags kike kikes spic spics chink chinks coon
        coons gook gooks wetback wetbacks jigaboo jigaboos jiggaboo golliwog golliwogs darkie darkies kaffir
        polack pickaninny piccaninny wog wogs tranny trannies raghead ragheads towelhead towelheads beaner
        beaners sandnigger bulldyke bulldike shemale shemales honkey porchmonkey paki pakis chingchong
        injun dago dagos poofter retard retards honky honkies spick spicks whigger wigger niglet nignog
        squaw slopehead lesbo
    """,
    "sexual": """
        anilingus blowjob blowjobs boner boners boobs bukkake bdsm cum cums cumming cumshot cumshots
        cunnilingus clit deepthroat dildo dildos dominatrix fellatio gangbang handjob handjobs hentai horny
        horniest masturbating milf milfs nudes nympho porn porno rimjob sext sexting sexcam sodomize
        strapon threesome foursome titties titty tits pussy pussies jizz creampie creampies camgirl camslut
        camwhore cocksuckers cumdump footjob upskirt jailbait futanari whorehouse jerkoff wanking
        facefuck fisting scat smegma squirting felching teabagging circlejerk buttplug fleshlight tubgirl muffdiver rimjobs sodomise stiffy
        hobag cumstain dicksucker dicksucking cocksmoker
    """,
    "harassment": """
        slut sluts slutty whore whores whoring skank skanks retarded scumbag scumbags dipshit lowlife kys
        numbnuts fatso cumslut cumdumpster subhuman
    """,
}

# Never: names, medicine, kinks that are nobody's fault, and words that mean something else.
DROP = set(
    """
    sex sexual sexually sexuality suck sucks sucker domination escort hardcore bareback poof snatch scat
    xx xxx bbw dp action lolita negro mong voyeur snowballing shrimping swinger skeet smut santorum nsfw
    nudity viagra cialis girl on guro twinkie pubes nipples clitoris genitals ejaculation poon spunk
    tushy rectum semen butt hooker rimming incest orgasm orgy piss poop crap tied up barenaked
    busty brown showers bastinado bondage bi bitches bimbos clover clamps consensual intercourse
    dirty pillows dog style dvda fecal fingering eunuch grope how to kill how to murder huge fat humping
    intercourse kinky lovemaking mr hands jelly donut nude octopussy panties panty pegging phone sex
    playboy pornography erotic erotism raging rape raping rapist date rape daterape sadism scissoring
    one guy one jar strappado suicide girls swastika taste my tainted love throating topless tribadism
    undressing venus mound vibrator violet wand vulva wrapping men yellow showers zoophilia
    alaskan pipeline alabama hot pocket baby juice balls beaver cleaver big black big breasts black
    fuck buttons blonde action brunette leather restraint male squirting missionary position naked
    breast penis vagina anus nipple boob titi spastic queer lesbian sperm condom erection labia libido
    testicle testes scrotum hymen penile genital coitus libido castrate hoe hoes ho homo pp secs deek eff
    nigger-toe willie willies douche baisee enfoire phallic barroom puttee dicc beleend joder gypped
    scummy autoerotic retared beleend phuc
    """.split("\n")
)
DROP = {word for line in DROP for word in line.split()} | {
    "how to kill", "how to murder", "girl on", "girl on top", "one guy one jar", "jelly donut",
    "tainted love", "tied up", "taste my", "wrapping men", "alaskan pipeline", "beaver cleaver",
    "suicide girls", "mr hands", "missionary position", "leather restraint", "fuck buttons", "baby juice",
    "leather straight jacket", "clover clamps", "consensual intercourse", "huge fat",
    "big black", "big breasts", "black cock", "jack off", "ball gag", "phone sex", "date rape", "s&m",
    "venus mound", "violet wand", "yellow showers", "brown showers", "dirty pillows", "dirty sanchez",
    "hard core", "two girls one cup", "g-spot", "style doggy", "tongue in a", "urethra play",
    "dp action", "blonde action", "brunette action", "blonde on blonde action", "chocolate rosebuds",
    "rosy palm", "rosy palm and her 5 sisters", "wrinkled starfish", "ball kicking",
    "ball licking", "ball sack", "ball sucking", "tight white", "tongue in", "god damn", "dog style",
    "vorarephilia", "urophilia", "coprophilia", "coprolagnia", "acrotomophilia", "nymphomania", "autoerotic",
    "homoerotic", "lemon party", "nambla", "paedophile", "pedophile", "pedobear", "pthc", "shota",
    "jail bait", "bestiality", "worldsex", "livesex", "goodpoop", "shibari", "kinbaku", "omorashi",
    "rapist", "sodomy", "voyeurweb", "playboy", "fatty", "ugly", "stupid", "hate", "idiot", "dumb",
    "loser", "moron", "freak", "yaoi", "ecchi", "neonazi", "swinger", "thumbzilla", "goatse", "goatcx",
    "snuff", "zoophile", "quim", "strip club", "sex",
}

# What lists of rustrict's have for games of its own, or that is too near to other words.
STRANGE = re.compile(
    r"hit?ler|adol|adul|ausch|commi|fasc|fash|facis|bomb|burn|juice|joo|ditl|fitl|china|virus|usama|osama"
    r"|laden|passes|parents|family|orphan|monke?y|mutbunch|cmere|shower|nagger|trash|gary|kitty|jordan"
    r"|kill|gun|shoot|student|school|people|^f off|^eff|^trany"
)

# Whatever stands around these, or behind them, it is them; but for what innocent.toml names.
STEMS = {
    "profanity": "*fuck* shit* *shit *bullshit* *bitch* *cunt* *asshole* *motherf* *wanker* *bollock*",
    "slur": "*nigger* *nigga* *faggot* *wetback*",
    "sexual": "*blowjob* *handjob* *cumshot* *gangbang* *dildo* *jizz* porn* *masturbat* *deepthroat* "
    "*cocksuck* *dicksuck*",
    "harassment": "*whore* *scumbag*",
}

SUFFIXES = "s es ed er ers ing in y ies ier iest ish al able head heads face faces hole holes".split()

LANGUAGES = {
    "ar": ("Arabic", "any"), "cs": ("Czech", "exact"), "da": ("Danish", "exact"),
    "de": ("German", "exact"), "eo": ("Esperanto", "exact"), "es": ("Spanish", "exact"),
    "fa": ("Persian", "any"), "fi": ("Finnish", "exact"), "fil": ("Filipino", "any"),
    "fr": ("French", "exact"), "hi": ("Hindi", "exact"), "hu": ("Hungarian", "exact"),
    "it": ("Italian", "exact"), "ja": ("Japanese", "any"), "ko": ("Korean", "any"),
    "nl": ("Dutch", "exact"), "no": ("Norwegian", "exact"), "pl": ("Polish", "exact"),
    "pt": ("Portuguese", "exact"), "ru": ("Russian", "any"), "sv": ("Swedish", "exact"),
    "th": ("Thai", "any"), "tr": ("Turkish", "exact"), "zh": ("Chinese", "any"),
}

# Words of one language that another uses innocently, or that have a plain meaning besides.

FOREIGN_DROP = ROOT / "tools/moderation/foreign_drop.txt"

LDNOOBW = "List of Dirty, Naughty, Obscene, and Otherwise Bad Words, Shutterstock, Inc.; npm naughty-words 1.2.0"
ENGLISH = f"{LDNOOBW} (CC-BY-4.0); rustrict 0.7.39, Finn Bear (MIT OR Apache-2.0); npm cuss 2.2.0, Titus Wormer (MIT); npm leo-profanity 1.9.0, Jojoee (MIT)"


def fold(word: str) -> str:
    """Roughly what the engine does: no accents, no doubled letters."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(c))
    return re.sub(r"(.)\1+", r"\1", bare)


def dictionary(*names: str) -> set[str]:
    words = set()
    for name in names:
        path = DICTIONARIES / name
        if path.exists():
            raw = path.read_bytes()
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError:
                text = raw.decode("latin-1")
            words |= {line.strip().lower() for line in text.splitlines()}
    return words


def cuss(path: Path) -> dict[str, int]:
    rows = re.finditer(r"^\s+(?:'([^']+)'|\"([^\"]+)\"|([\w-]+)): (\d)", path.read_text(encoding="utf-8"), re.M)
    return {(row[1] or row[2] or row[3]).lower(): int(row[4]) for row in rows}


def english(npm: Path, rustrict: Path) -> dict[str, set[str]]:
    kept = {word: rule for rule, words in KEEP.items() for word in words.split()}
    rules: dict[str, set[str]] = {rule: set() for rule in KEEP}
    words = dictionary("american-english-large", "british-english-large")
    others = dictionary("ngerman", "french", "spanish", "italian", "dutch", "swedish", "portuguese")
    for word, rule in kept.items():
        rules[rule].add(word)

    rows = {}
    with (rustrict / "src/profanity.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows[row["word"].strip()] = {key: int(value) for key, value in row.items() if key != "word"}
    naughty = json.loads((npm / "naughty-words-1.2.0/package/en.json").read_text(encoding="utf-8"))
    leo = re.findall(r'"([^"]+)"', (npm / "leo-profanity-1.9.0/package/dictionary/default.json").read_text(encoding="utf-8"))
    sure = [word for word, rating in cuss(npm / "cuss-2.2.0/package/index.js").items() if rating == 2]

    listed = {word.lower() for word in naughty + leo}
    stems = re.compile(r"fuck|shit|cunt|bitch|cock|dick|nigg|fagg|pussy|whore|slut|asshole|jizz|cum|tits|wank")
    listed |= {word for word in sure if stems.search(word)}
    for word, row in rows.items():
        severe = row["profane"] >= 2 or row["sexual"] >= 2 or row["mean"] >= 2
        hateful = row["offensive"] >= 3 and len(word) > 4
        if (severe and row["evasive"] <= 1 or hateful) and re.fullmatch(r"[a-z]{4,}", word) and not STRANGE.search(word):
            listed.add(word)
    for word in listed:
        if word in kept or word in DROP or not re.fullmatch(r"[a-z ]+", word):
            continue
        if " " not in word and (word in words or word in others or len(word) < 4):
            continue
        row = rows.get(word, {})
        if row.get("offensive", 0) >= 3 or re.search("nigg|fagg", word):
            rule = "slur"
        elif row.get("profane", 0) >= 2 or re.search("fuck|shit|bitch|ass(hole|hat|es)?$", word):
            rule = "profanity"
        elif row.get("mean", 0) >= 2 or re.search("slut|whore", word):
            rule = "harassment"
        else:
            rule = "sexual"
        rules[rule].add(word)
    stems = {rule: words.split() for rule, words in STEMS.items()}
    for rule, terms in rules.items():
        # What begins with a stem is found by it.
        begun = [stem.strip("*") for stem in stems[rule]]
        rules[rule] = {term for term in terms if not any(term.startswith(stem) for stem in begun)}
    return {
        rule: opened(terms, words | others) | set(stems[rule])
        for rule, terms in rules.items()
    }


def opened(terms: set[str], words: set[str]) -> set[str]:
    """Lets terms stand within words where no dictionary has such a word."""
    inflected = terms | {term + end for term in terms for end in SUFFIXES}
    folded = "\n" + "\n".join({fold(word) for word in words - inflected})
    result = set()
    for term in terms:
        key = fold(term)
        if " " in term or len(key) < 5:
            result.add(term)
        elif key not in folded and len(key) > 5:
            result.add(f"*{term}*")
        elif "\n" + key not in folded:
            result.add(f"{term}*")
        else:
            result.add(term)
    return result


def languages(npm: Path) -> dict[str, list[str]]:
    english_words = dictionary("american-english-large")
    dropped = {fold(line) for line in FOREIGN_DROP.read_text(encoding="utf-8").splitlines()}
    result = {}
    for code in LANGUAGES:
        listed = json.loads((npm / f"naughty-words-1.2.0/package/{code}.json").read_text(encoding="utf-8"))
        terms = set()
        for word in listed:
            word = unicodedata.normalize("NFC", word.lower().strip())
            word = unicodedata.normalize("NFKC", word)
            ideographs = re.search(r"[\u3040-\u9fff\uac00-\ud7ff]", word)
            short = len(word) < (2 if ideographs else 4 if word.isascii() else 3)
            if short or word in english_words or fold(word) in english_words or fold(word) in dropped:
                continue
            terms.add(word)
        result[code] = sorted(terms)
    return result


def write_terms(out, terms) -> None:
    out.write("terms = [\n")
    line = "   "
    for term in sorted(terms, key=lambda term: (term.strip("*"), term)):
        cell = f" {json.dumps(term, ensure_ascii=False)},"
        if len(line) + len(cell) > 110:
            out.write(line + "\n")
            line = "   "
        line += cell
    out.write(line + "\n]\n")


HEAD = """\
# Word lists, made by tools/moderation/words.py from the lists named below; edit that, not this.
# A `*` says where a term may go on within a word. Words that have a plain meaning besides are left out.

"""

SEVERITY = {"profanity": "low", "slur": "medium", "sexual": "medium", "harassment": "medium"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--npm", type=Path, required=True)
    parser.add_argument("--rustrict", type=Path, required=True)
    args = parser.parse_args()
    with (RULES / "english.toml").open("w", encoding="utf-8") as out:
        out.write(HEAD)
        for rule, terms in english(args.npm, args.rustrict).items():
            out.write(f'[[rule]]\nid = "{rule}-en"\nseverity = "{SEVERITY[rule]}"\ncode = "{rule}"\n')
            out.write(f'source = "{ENGLISH}"\nlicence = "see source"\n')
            write_terms(out, terms)
            out.write("\n")
    with (RULES / "languages.toml").open("w", encoding="utf-8") as out:
        out.write(HEAD)
        for code, terms in languages(args.npm).items():
            name, accents = LANGUAGES[code]
            out.write(f'[[rule]]  # {name}\nid = "profanity-{code}"\nseverity = "low"\ncode = "profanity"\n')
            source, licence = LDNOOBW, "CC-BY-4.0"
            out.write(f'accents = "{accents}"\nsource = "{source}"\nlicence = "{licence}"\n')
            write_terms(out, terms)
            out.write("\n")
    note(RULES / "english.toml", RULES / "languages.toml")


if __name__ == "__main__":
    main()
