//! Text without its terminal control sequences, as ECMA-48 defines them.
//!
//! ```text
//! ESC [ parameters intermediates final      control sequence: colours, the cursor
//! ESC ] … BEL, ESC P … ESC \                control string: titles, links, pictures
//! ESC intermediates final                   everything else
//! ```
//!
//! Each begins with one C1 character instead of the two as well. A sequence that is broken off costs what
//! there is of it; a string that never ends costs the rest, as it would in a terminal.

use std::iter::Peekable;
use std::str::Chars;

const ESCAPE: char = '\u{1b}';
const BELL: char = '\u{7}';
const STRING_TERMINATOR: char = '\u{9c}';

/// The text without control sequences; single control characters stay.
pub(super) fn strip(text: &str) -> String {
    let mut stripped = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            ESCAPE => skip_escape(&mut rest),
            '\u{9b}' => skip_control_sequence(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut rest),
            _ => stripped.push(next),
        }
    }
    stripped
}

/// Behind an ESC.
fn skip_escape(rest: &mut Peekable<Chars<'_>>) {
    if rest.next_if_eq(&'[').is_some() {
        skip_control_sequence(rest);
    } else if rest
        .next_if(|next| matches!(next, ']' | 'P' | 'X' | '^' | '_'))
        .is_some()
    {
        skip_string(rest);
    } else {
        while rest.next_if(|next| matches!(next, ' '..='/')).is_some() {}
        rest.next_if(|next| matches!(next, '0'..='~'));
    }
}

/// Behind a CSI.
fn skip_control_sequence(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|next| matches!(next, '0'..='?')).is_some() {}
    while rest.next_if(|next| matches!(next, ' '..='/')).is_some() {}
    rest.next_if(|next| matches!(next, '@'..='~'));
}

/// Behind what begins a control string.
fn skip_string(rest: &mut Peekable<Chars<'_>>) {
    while let Some(next) = rest.next() {
        let ends = matches!(next, BELL | STRING_TERMINATOR)
            || next == ESCAPE && rest.next_if_eq(&'\\').is_some();
        if ends {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::strip;

    #[test]
    fn every_kind_of_sequence_goes() {
        for sequence in [
            "\x1b[31m",
            "\x1b[0;38;5;200m",
            "\x1b[?25l",
            "\x1b[2K",
            "\x1b[1 q",
            "\x1b[m",
            "\x1b]0;title\x07",
            "\x1b]8;;http://é\x1b\\",
            "\x1bPq#0\x1b\\",
            "\x1b_x\u{9c}",
            "\x1bc",
            "\x1b(B",
            "\x1b#8",
            "\u{9b}1m",
            "\u{9d}0;t\x07",
        ] {
            assert_eq!(strip(&format!("a{sequence}é")), "aé", "{sequence:?}");
        }
    }

    #[test]
    fn what_only_looks_alike_stays() {
        let text = "a[31m\tb\r\n]0; c\x08\x07";
        assert_eq!(strip(text), text);
    }

    #[test]
    fn a_broken_sequence_costs_only_itself() {
        assert_eq!(strip("a\x1b[31é"), "aé");
        assert_eq!(strip("a\x1b[1\x1b[2mb"), "ab");
        assert_eq!(strip("a\x1bé"), "aé");
        assert_eq!(strip("a\x1b"), "a");
        assert_eq!(strip("a\x1b]never ends"), "a");
    }

    proptest! {
        #[test]
        fn no_sequence_is_left(text in "[\\x1b\\u{9b}\\[\\]a;0-9 \\\\\\x07é]{0,40}") {
            let stripped = strip(&text);
            let left = stripped.contains(['\x1b', '\u{9b}']);
            prop_assert!(!left);
            prop_assert!(stripped.len() <= text.len());
        }
    }
}
