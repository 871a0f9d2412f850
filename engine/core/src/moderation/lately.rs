//! What one person said lately, beyond how their last line ended: to find what is said again and
//! again, to whomever, and what is spelt out in pieces (a number, an address of mail).

use arrayvec::{ArrayString, ArrayVec};

use super::fold::Letter;

/// Lines that are told from each other. Whoever has more to say is no machine that says one thing.
const LINES: usize = 6;

/// Folded bytes by which a line is known: of its beginning, and of its end. Two that have either in
/// common are nearly the same. What is shorter is said again innocently.
const LINE_BYTES: usize = 24;

/// Bytes of the last pieces. A line that is longer is none.
const PIECES_BYTES: usize = 32;

/// What somebody said lately; 88 bytes.
#[derive(Clone, Debug, Default)]
pub struct Lately {
    /// The latest at the end.
    lines: ArrayVec<Line, LINES>,
    /// One a line.
    pieces: ArrayString<PIECES_BYTES>,
}

const _: () = assert!(size_of::<Lately>() == 88);

#[derive(Clone, Copy, Debug)]
struct Line {
    head: u16,
    tail: u16,
    said: Said,
    /// In this chat as well.
    here: bool,
}

/// How often somebody has said a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// So many times.
    pub(super) times: u8,
    /// To so many partners.
    pub(super) partners: u8,
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
        self.lines.iter_mut().for_each(|line| line.here = false);
        self.pieces.clear();
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
        let near = self.lines.iter().position(|it| it.head == head || it.tail == tail);
        let (before, here) = match near {
            Some(place) => {
                let line = self.lines.remove(place);
                (line.said, line.here)
            }
            None => (Said::default(), false),
        };
        if self.lines.is_full() {
            self.lines.remove(0);
        }
        let said = Said {
            times: before.times.saturating_add(1),
            partners: before.partners.saturating_add(u8::from(!here)),
        };
        self.lines.push(Line { head, tail, said, here: true });
        said
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
            self.pieces.clear();
            return None;
        }
        while self.pieces.len() + 1 + plain.len() > PIECES_BYTES {
            let first = self.pieces.find('\n').map_or(self.pieces.len(), |end| end + 1);
            let rest = ArrayString::from(&self.pieces[first..]).expect("shorter than it was");
            self.pieces = rest;
        }
        if !self.pieces.is_empty() {
            self.pieces.push('\n');
        }
        self.pieces.push_str(plain);
        self.pieces.contains('\n').then(|| [self.pieces.replace('\n', " "), self.in_one()])
    }

    /// Something was found in it: nobody is found at fault for the same words twice.
    pub(super) fn forget_pieces(&mut self) {
        self.pieces.clear();
    }

    /// Pieces that are one word each, without anything between; but not behind the end of a sentence.
    fn in_one(&self) -> String {
        let mut all = String::new();
        let mut before = "";
        for piece in self.pieces.split('\n') {
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
