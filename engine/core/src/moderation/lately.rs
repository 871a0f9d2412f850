//! What one person said lately, beyond how their last line ended: to find what is said again and
//! again, to whomever, and what is spelt out in pieces (a number, an address of mail).

use arrayvec::ArrayString;

use super::fold::Letter;
use crate::codec::fields;

/// Lines that are told from each other. Whoever has more to say is no machine that says one thing.
const LINES: usize = 6;

/// Folded bytes by which a line is known: of its beginning, and of its end. Two that have either in
/// common are nearly the same. What is shorter is said again innocently.
const LINE_BYTES: usize = 24;

/// Bytes of the last pieces. A line that is longer is none.
const PIECES_BYTES: usize = 32;

/// What somebody said lately: two words, and a box for each kind of line that they ever said.
#[derive(Clone, Debug, Default)]
pub struct Lately {
    lines: Option<Box<Lines>>,
    /// One a line; only in this chat.
    pieces: Option<Box<ArrayString<PIECES_BYTES>>>,
}

/// The longer lines.
#[derive(Clone, Debug, Default)]
struct Lines {
    /// The latest at the end. Those at the beginning that were said at no time are none.
    lines: [Line; LINES],
    /// Which of them were said in this chat as well: the first is the lowest bit.
    here: u8,
}

const _: () = assert!(size_of::<Lines>() <= 40 && size_of::<ArrayString<PIECES_BYTES>>() <= 40);

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    head: u16,
    tail: u16,
    said: Said,
}

/// How often somebody has said a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// So many times.
    pub(super) times: u8,
    /// To so many partners.
    pub(super) partners: u8,
}

fields! {
    struct Lately { lines, pieces }
    struct Lines { lines, here }
    array Line
    struct Line { head, tail, said }
    struct Said { times, partners }
}

impl Said {
    /// So many times, and to so many partners.
    pub(super) fn is_at_least(self, least: Self) -> bool {
        self.times >= least.times && self.partners >= least.partners
    }
}

impl Lately {
    /// Whom they talk to from now on has heard nothing of it.
    pub fn meet(&mut self) {
        self.pieces = None;
        if let Some(lines) = &mut self.lines {
            lines.here = 0;
        }
    }

    /// Takes note of a line, folded; how often it was said by now, or something near it. Never, where
    /// it is too short to tell.
    pub(super) fn say(&mut self, folded: &[Letter]) -> Said {
        let (Some(head), Some(tail)) =
            (folded.first_chunk::<LINE_BYTES>(), folded.last_chunk::<LINE_BYTES>())
        else {
            return Said::default();
        };
        let [head, tail] = [head, tail].map(|part| hash(&part.map(|letter| letter.byte)));
        self.lines.get_or_insert_default().say(head, tail)
    }

    /// Takes note of a line; what the last pieces come to with it, in two readings: as words of
    /// their own, and as parts of one. None where there is but one piece. `plain` writes it as
    /// patterns see it.
    pub(super) fn spell<'a>(
        &mut self,
        text: &str,
        plain: impl FnOnce(&str) -> &'a str,
    ) -> Option<[String; 2]> {
        let most = if text.is_ascii() { PIECES_BYTES } else { 4 * PIECES_BYTES };
        let plain = if text.trim().len() < most { plain(text).trim() } else { "" };
        if plain.is_empty() || plain.len() >= PIECES_BYTES {
            self.forget_pieces();
            return None;
        }
        let pieces = &mut **self.pieces.get_or_insert_default();
        while pieces.len() + 1 + plain.len() > PIECES_BYTES {
            let first = pieces.find('\n').map_or(pieces.len(), |end| end + 1);
            *pieces = ArrayString::from(&pieces[first..]).expect("shorter than it was");
        }
        if !pieces.is_empty() {
            pieces.push('\n');
        }
        pieces.push_str(plain);
        pieces.contains('\n').then(|| [pieces.replace('\n', " "), in_one(pieces)])
    }

    /// Something was found in it: nobody is found at fault for the same words twice.
    pub(super) fn forget_pieces(&mut self) {
        if let Some(pieces) = &mut self.pieces {
            pieces.clear();
        }
    }
}

impl Lines {
    /// Takes note of a line with this beginning and end; how often it was said by now.
    fn say(&mut self, head: u16, tail: u16) -> Said {
        let near = |it: &Line| it.said.times > 0 && (it.head == head || it.tail == tail);
        let near = self.lines.iter().position(near);
        let (Said { times, partners }, here) = match near {
            Some(place) => (self.lines[place].said, self.here >> place & 1),
            None => (Said::default(), 0),
        };
        // What is new takes the place of the oldest.
        let place = near.unwrap_or(0);
        let said =
            Said { times: times.saturating_add(1), partners: partners.saturating_add(1 - here) };
        self.lines.copy_within(place + 1.., place);
        self.lines[LINES - 1] = Line { head, tail, said };
        let before = self.here & ((1 << place) - 1);
        self.here = before | (self.here >> (place + 1) << place) | 1 << (LINES - 1);
        said
    }
}

/// Pieces that are one word each, without anything between; but not behind the end of a sentence.
fn in_one(pieces: &str) -> String {
    let mut all = String::new();
    let mut before = "";
    for piece in pieces.split('\n') {
        let apart = before.contains(' ') || piece.contains(' ');
        let ends = before.len() > 1 && before.ends_with(['.', '!', '?', ',']);
        if !all.is_empty() && (apart || ends) {
            all.push(' ');
        }
        all.push_str(piece);
        before = piece;
    }
    all
}

fn hash(bytes: &[u8; LINE_BYTES]) -> u16 {
    let (words, _) = bytes.as_chunks::<8>();
    let mixed = words.iter().fold(0_u64, |hash, word| {
        (hash ^ u64::from_le_bytes(*word)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
    });
    (mixed >> 48) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_again_is_counted_whatever_changes_about_it() {
        let mut lately = Lately::default();
        let letters =
            |text: &str| -> Vec<_> { text.bytes().map(|byte| Letter { byte, marks: 0 }).collect() };
        let line = |end: usize| letters(&format!("visitmyveryniceroomandchatwithme{end}"));
        for time in 1..=5 {
            let said = Said { times: time, partners: 1 };
            assert_eq!(lately.say(&line(time.into())), said);
        }
        lately.meet();
        assert_eq!(lately.say(&line(0)), Said { times: 6, partners: 2 });
        assert_eq!(lately.say(&letters("hello")), Said::default(), "short lines are anybody's");
        let once = Said { times: 1, partners: 1 };
        for other in 0..LINES as u8 {
            assert_eq!(lately.say(&[Letter { byte: b'a' + other, marks: 0 }; 40]), once);
        }
        assert_eq!(lately.say(&line(0)), once, "forgotten by now");
    }

    #[test]
    fn who_has_heard_a_line_is_told_for_each_line_apart() {
        let mut lines = Lines::default();
        let said = |times, partners| Said { times, partners };
        for line in 1..=3 {
            assert_eq!(lines.say(line, 10 * line), said(1, 1));
        }
        lines.here = 0;
        assert_eq!(lines.say(2, 0), said(2, 2), "by its beginning");
        assert_eq!(lines.say(0, 30), said(2, 2), "by its end");
        assert_eq!(lines.say(1, 10), said(2, 2));
        for _ in 0..2 {
            lines.say(2, 0);
            lines.say(0, 30);
        }
        assert_eq!(lines.say(1, 10), said(3, 2), "to the same partner again");
        for _ in 0..300 {
            lines.say(1, 10);
        }
        assert_eq!(lines.say(1, 10), said(255, 2));
    }

    fn spell(lately: &mut Lately, text: &'static str) -> Option<[String; 2]> {
        lately.spell(text, |_| text)
    }

    #[test]
    fn pieces_are_read_apart_and_as_one() {
        let mut lately = Lately::default();
        assert_eq!(spell(&mut lately, "ann"), None);
        assert_eq!(spell(&mut lately, "@mail"), Some(["ann @mail".into(), "ann@mail".into()]));
        let [apart, one] = spell(&mut lately, ".com").expect("three pieces");
        assert_eq!((&*apart, &*one), ("ann @mail .com", "ann@mail.com"));
        lately.meet();
        assert_eq!(spell(&mut lately, "that was it."), None);
        assert_eq!(spell(&mut lately, "me too").expect("two pieces")[1], "that was it. me too");
        let [apart, _] = spell(&mut lately, "quite some words, twenty").expect("two pieces");
        assert_eq!(apart, "me too quite some words, twenty");
        assert_eq!(spell(&mut lately, "as long as thirty-two bytes and more"), None);
        assert_eq!(spell(&mut lately, "me"), None);
    }
}
