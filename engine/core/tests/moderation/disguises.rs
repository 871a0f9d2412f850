//! Listed terms as somebody writes them who doesn't want them found: invented anew from a seed, so
//! that no rule is tuned to any of them.

use crate::chance::Chance;

/// One way of writing a term.
pub(crate) struct Disguise {
    pub(crate) name: &'static str,
    /// The lines that somebody sends, one after the other; None where the term has nothing that this
    /// could be done to.
    pub(crate) put_on: fn(&mut Chance, &str) -> Option<Vec<String>>,
}

/// All of them, each by itself but for the last.
pub(crate) const DISGUISES: &[Disguise] = &[
    Disguise { name: "case", put_on: |chance, term| one(case(chance, term)) },
    Disguise { name: "leet", put_on: |chance, term| changed(term, leet(chance, term)) },
    Disguise { name: "zero-width", put_on: |chance, term| one(invisible(chance, term)) },
    Disguise { name: "homoglyphs", put_on: |chance, term| changed(term, homoglyphs(chance, term)) },
    Disguise { name: "alphabets", put_on: |chance, term| one(alphabet(chance, term)) },
    Disguise { name: "fullwidth", put_on: |_, term| one(fullwidth(term)) },
    Disguise { name: "diacritics", put_on: |chance, term| one(diacritics(chance, term)) },
    Disguise { name: "spacing", put_on: |_, term| one(between_all(term, " ")) },
    Disguise { name: "spaces here and there", put_on: here_and_there },
    Disguise { name: "punctuation", put_on: punctuation },
    Disguise {
        name: "a sign in the middle",
        put_on: |chance, term| in_the_middle(chance, term, ".-_/,\\"),
    },
    Disguise { name: "repeats", put_on: |chance, term| one(repeats(chance, term)) },
    Disguise { name: "masks", put_on: masked },
    Disguise { name: "emoji in the middle", put_on: emoji },
    Disguise { name: "reversed by bidi", put_on: |_, term| one(reversed(term)) },
    Disguise { name: "three messages", put_on: three_messages },
    Disguise { name: "mixed", put_on: mixed },
];

fn one(line: String) -> Option<Vec<String>> {
    Some(vec![line])
}

fn changed(term: &str, line: String) -> Option<Vec<String>> {
    (line != term).then(|| vec![line])
}

/// The term with some of its letters written otherwise, by rows of a letter and what it may become.
fn rewritten(chance: &mut Chance, term: &str, rows: &[(char, &str)]) -> String {
    let whole = chance.one_in(2);
    let write = |c: char| {
        let row = rows.iter().find(|row| row.0 == c.to_ascii_lowercase());
        row.filter(|_| whole || chance.one_in(2)).map_or(c, |row| chance.char_of(row.1))
    };
    term.chars().map(write).collect()
}

fn case(chance: &mut Chance, term: &str) -> String {
    let upper = |c: char| if chance.one_in(2) { c.to_ascii_uppercase() } else { c };
    term.chars().map(upper).collect()
}

fn leet(chance: &mut Chance, term: &str) -> String {
    const ROWS: &[(char, &str)] = &[
        ('a', "4@"),
        ('b', "8"),
        ('e', "3"),
        ('g', "9"),
        ('i', "1!"),
        ('l', "1"),
        ('o', "0"),
        ('s', "5$"),
        ('t', "7+"),
        ('z', "2"),
    ];
    rewritten(chance, term, ROWS)
}

fn invisible(chance: &mut Chance, term: &str) -> String {
    const NOTHING: &str =
        "\u{200B}\u{200C}\u{200D}\u{2060}\u{FEFF}\u{00AD}\u{180E}\u{200E}\u{2063}\u{034F}\u{FE0F}";
    let sign = chance.char_of(NOTHING);
    let mut line = String::new();
    for c in term.chars() {
        line.push(c);
        if chance.one_in(2) {
            line.push(if chance.one_in(2) { sign } else { chance.char_of(NOTHING) });
        }
    }
    line
}

fn homoglyphs(chance: &mut Chance, term: &str) -> String {
    const ROWS: &[(char, &str)] = &[
        ('a', "аɑα"),
        ('b', "ЬВƄ"),
        ('c', "сϲⅽ"),
        ('d', "ԁⅾ"),
        ('e', "еҽ"),
        ('f', "ƒ"),
        ('g', "ɡ"),
        ('h', "һհ"),
        ('i', "іɩ"),
        ('j', "јϳ"),
        ('k', "κк"),
        ('l', "ⅼӏ"),
        ('m', "ⅿм"),
        ('n', "ոп"),
        ('o', "оοօ"),
        ('p', "рρ"),
        ('r', "г"),
        ('s', "ѕ"),
        ('t', "τт"),
        ('u', "υս"),
        ('v', "ѵν"),
        ('w', "ԝѡ"),
        ('x', "хχ"),
        ('y', "уү"),
        ('z', "ᴢ"),
    ];
    rewritten(chance, term, ROWS)
}

/// Letters of another style, or drawn in a box.
fn alphabet(chance: &mut Chance, term: &str) -> String {
    // Mathematical bold, italic, script, fraktur, double-struck, sans-serif, monospace; circled,
    // parenthesised, and squared capitals.
    const FIRST: [u32; 10] =
        [0x1D41A, 0x1D44E, 0x1D4EA, 0x1D586, 0x1D552, 0x1D5BA, 0x1D68A, 0x24D0, 0x249C, 0x1F130];
    const SMALL: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡxʏᴢ";
    let style = chance.below(FIRST.len() as u64 + 1) as usize;
    let styled = |c: char| {
        let Some(place) = c.is_ascii_lowercase().then(|| c as u32 - 'a' as u32) else { return c };
        match FIRST.get(style) {
            // The letter for which there was one before: ℎ.
            Some(0x1D44E) if c == 'h' => '\u{210E}',
            Some(first) => char::from_u32(first + place).expect("a letter of the style"),
            None => SMALL.chars().nth(place as usize).expect("a letter"),
        }
    };
    term.chars().map(styled).collect()
}

fn fullwidth(term: &str) -> String {
    let wide = |c: char| {
        if c.is_ascii_graphic() { char::from_u32(c as u32 + 0xFEE0).expect("a letter") } else { c }
    };
    term.chars().map(wide).collect()
}

fn diacritics(chance: &mut Chance, term: &str) -> String {
    let mut line = String::new();
    for c in term.chars() {
        line.push(c);
        if c != ' ' && chance.one_in(2) {
            for _ in 0..=chance.below(3) {
                line.push(chance.char_of("\u{300}\u{301}\u{302}\u{303}\u{308}\u{30A}\u{316}\u{323}\u{336}\u{338}\u{20D0}"));
            }
        }
    }
    line
}

fn between_all(term: &str, between: &str) -> String {
    let letters: Vec<_> = term.chars().filter(|c| *c != ' ').map(String::from).collect();
    letters.join(between)
}

/// Spaces in one or two places of a word.
fn here_and_there(chance: &mut Chance, term: &str) -> Option<Vec<String>> {
    let inner: Vec<usize> =
        (1..term.len()).filter(|at| !term[at - 1..=*at].contains(' ')).collect();
    let times = 1 + chance.below(2);
    let mut cuts: Vec<usize> = (0..times).map(|_| *chance.of(&inner)).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut line = term.to_owned();
    cuts.iter().rev().for_each(|at| line.insert(*at, ' '));
    one(line)
}

fn punctuation(chance: &mut Chance, term: &str) -> Option<Vec<String>> {
    const SIGNS: &[&str] = &[
        ".", "-", "_", ",", "/", "\\", "|", "*", "'", "\"", ":", ";", "~", "=", "+", "^", "•", "·",
        "…", "., ", " - ",
    ];
    let same = chance.of(SIGNS);
    if chance.one_in(2) {
        return one(between_all(term, same));
    }
    let mut line = String::new();
    for c in term.chars().filter(|c| *c != ' ') {
        if !line.is_empty() {
            line += *chance.of(&SIGNS[..6]);
        }
        line.push(c);
    }
    one(line)
}

fn in_the_middle(chance: &mut Chance, term: &str, signs: &str) -> Option<Vec<String>> {
    let inner: Vec<usize> =
        (1..term.len()).filter(|at| !term[at - 1..=*at].contains(' ')).collect();
    let mut line = term.to_owned();
    line.insert(*chance.of(&inner), chance.char_of(signs));
    one(line)
}

fn repeats(chance: &mut Chance, term: &str) -> String {
    let mut line = String::new();
    for c in term.chars() {
        let times = if c != ' ' && chance.one_in(2) { 1 + chance.below(4) } else { 1 };
        line.extend(std::iter::repeat_n(c, times as usize));
    }
    line
}

/// One vowel within a word, for which another sign stands.
fn masked(chance: &mut Chance, term: &str) -> Option<Vec<String>> {
    let bytes = term.as_bytes();
    let is_inner = |at: &usize| {
        let near = &bytes[at - 1..=at + 1];
        b"aeiou".contains(&near[1]) && near.iter().all(u8::is_ascii_lowercase)
    };
    let vowels: Vec<usize> = (1..bytes.len().saturating_sub(1)).filter(is_inner).collect();
    let at = *(!vowels.is_empty()).then(|| chance.of(&vowels))?;
    let sign = chance.char_of("*#%^&?~×●█");
    one(format!("{}{sign}{}", &term[..at], &term[at + 1..]))
}

fn emoji(chance: &mut Chance, term: &str) -> Option<Vec<String>> {
    const SIGNS: &[&str] = &["🔥", "😂", "❤️", "💀", "👍🏽", "🍆", "✨", "🙃", "⭐", "🏳️‍🌈"];
    let sign = chance.of(SIGNS);
    if chance.one_in(2) {
        return one(between_all(term, sign));
    }
    let inner: Vec<usize> =
        (1..term.len()).filter(|at| !term[at - 1..=*at].contains(' ')).collect();
    let mut line = term.to_owned();
    line.insert_str(*chance.of(&inner), sign);
    one(line)
}

/// Written from its end, and shown from its beginning.
fn reversed(term: &str) -> String {
    let back: String = term.chars().rev().collect();
    format!("\u{202E}{back}\u{202C}")
}

fn three_messages(chance: &mut Chance, term: &str) -> Option<Vec<String>> {
    let places = term.len() as u64 - 1;
    if places < 2 {
        return None;
    }
    let first = 1 + chance.below(places - 1) as usize;
    let second = first + 1 + chance.below((term.len() - first - 1) as u64) as usize;
    let lines = [&term[..first], &term[first..second], &term[second..]];
    let lines: Vec<_> = lines.iter().map(|line| line.trim().to_owned()).collect();
    lines.iter().all(|line| !line.is_empty()).then_some(lines)
}

/// Two at once, of what is done to letters and of what is put between them.
fn mixed(chance: &mut Chance, term: &str) -> Option<Vec<String>> {
    let letters: [fn(&mut Chance, &str) -> String; 6] =
        [repeats, case, leet, homoglyphs, diacritics, invisible];
    let first = chance.below(6) as usize;
    let written = letters[first](chance, term);
    // Repeats that are spelled out can't be told from what is spelled out.
    let again = *chance.of(&[0, 1, 2, 3]);
    one(match again {
        0 if first > 0 => between(chance, &written),
        1 => case(chance, &written),
        2 => invisible(chance, &written),
        _ => format!("you {written}, {}", chance.of(&["lol", "ok?", "hey", "..."])),
    })
}

/// The same between each two letters, with what is set over them left there.
fn between(chance: &mut Chance, written: &str) -> String {
    let sign = *chance.of(&[' ', '.', '-', '_', '*', '|']);
    let mut line = String::new();
    for c in written.chars().filter(|c| *c != ' ') {
        let is_set_over = matches!(c, '\u{300}'..='\u{36F}' | '\u{20D0}'..='\u{20FF}');
        if !line.is_empty() && !is_set_over {
            line.push(sign);
        }
        line.push(c);
    }
    line
}
