//! A Rust file as the rules see it: its code without comments and literals, in tokens, and where its tests begin.
//!
//! No parser: it must also read what does not compile yet, and a scanner of a page is enough to tell code from
//! text.

use std::iter::Peekable;
use std::str::Chars;

/// One file.
pub struct Source {
    /// From the root of the workspace.
    pub path: String,
    pub text: String,
    pub tokens: Vec<Token>,
    /// The line of the `#[cfg(test)]` before its inline tests; 0 where all of the file is tests or benchmarks; else past its end.
    pub tests_begin: usize,
}

/// A word, `::`, or any other single character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub line: usize,
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let code = code(text);
        Source {
            path: path.to_owned(),
            tests_begin: tests_begin(path, &code),
            tokens: tokens(&code),
            text: text.to_owned(),
        }
    }

    /// The tokens that are no tests.
    pub fn before_tests(&self) -> impl Iterator<Item = &Token> {
        let before = |token: &&Token| token.line < self.tests_begin;
        self.tokens.iter().filter(before)
    }

    /// The lines where these tokens follow each other.
    pub fn lines_with(&self, wanted: &[&str]) -> Vec<usize> {
        let found = self.tokens.windows(wanted.len());
        found
            .filter(|tokens| tokens.iter().map(|token| &token.text).eq(wanted))
            .map(|tokens| tokens[0].line)
            .collect()
    }
}

fn tests_begin(path: &str, code: &str) -> usize {
    let path = format!("/{path}");
    if path.contains("/tests/") || path.contains("/benches/") || path.ends_with("/tests.rs") {
        return 0;
    }
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let inline = |pair: &[&str]| {
        pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
    };
    let found = lines.windows(2).position(inline);
    found.unwrap_or(lines.len()) + 1
}

/// The text with a space for every character of a comment or a literal.
fn code(text: &str) -> String {
    let mut scanner = Scanner {
        rest: text.chars().peekable(),
        code: String::with_capacity(text.len()),
    };
    while scanner.step() {}
    scanner.code
}

struct Scanner<'a> {
    rest: Peekable<Chars<'a>>,
    code: String,
}

impl Scanner<'_> {
    fn step(&mut self) -> bool {
        let Some(&next) = self.rest.peek() else {
            return false;
        };
        let after = self.rest.clone().nth(1);
        match next {
            '/' if after == Some('/') => self.blank_until(|scanner| scanner.at("\n")),
            '/' if after == Some('*') => self.blank_block(),
            '"' => self.blank_string(),
            '\'' => self.blank_char(),
            _ if next.is_alphabetic() || next == '_' => self.word(),
            _ => self.keep(),
        }
        true
    }

    fn at(&self, wanted: &str) -> bool {
        let mut ahead = self.rest.clone();
        wanted.chars().all(|wanted| ahead.next() == Some(wanted))
    }

    fn keep(&mut self) {
        self.code.extend(self.rest.next());
    }

    /// Line breaks stay, so that lines keep their numbers.
    fn blank(&mut self) {
        let gone = self.rest.next();
        self.code
            .extend(gone.map(|gone| if gone == '\n' { '\n' } else { ' ' }));
    }

    fn blank_until(&mut self, end: impl Fn(&Self) -> bool) {
        while self.rest.peek().is_some() && !end(self) {
            self.blank();
        }
    }

    fn blank_block(&mut self) {
        let mut depth = 0;
        loop {
            if self.at("/*") {
                depth += 1;
                self.blank();
            } else if self.at("*/") {
                depth -= 1;
                self.blank();
            }
            self.blank();
            if depth == 0 || self.rest.peek().is_none() {
                return;
            }
        }
    }

    fn blank_string(&mut self) {
        self.blank();
        while let Some(&next) = self.rest.peek() {
            self.blank();
            match next {
                '\\' => self.blank(),
                '"' => return,
                _ => {}
            }
        }
    }

    /// A character, or the beginning of a lifetime.
    fn blank_char(&mut self) {
        let mut ahead = self.rest.clone();
        ahead.next();
        if ahead.next() == Some('\\') {
            self.blank();
            self.blank();
            self.blank();
            self.blank_until(|scanner| scanner.at("'"));
            self.blank();
        } else if ahead.next() == Some('\'') {
            (0..3).for_each(|_| self.blank());
        } else {
            self.keep();
        }
    }

    /// A word; one that begins a raw string takes the string with it.
    fn word(&mut self) {
        let begin = self.code.len();
        while self
            .rest
            .peek()
            .is_some_and(|next| next.is_alphanumeric() || *next == '_')
        {
            self.keep();
        }
        let raw = matches!(&self.code[begin..], "r" | "br" | "cr");
        let hashes = self.rest.clone().take_while(|next| *next == '#').count();
        let fence = "#".repeat(hashes);
        if raw && self.at(&format!("{fence}\"")) {
            (0..=hashes).for_each(|_| self.blank());
            let end = format!("\"{fence}");
            self.blank_until(|scanner| scanner.at(&end));
            end.chars().for_each(|_| self.blank());
        }
    }
}

fn tokens(code: &str) -> Vec<Token> {
    let lines = code.lines().enumerate();
    lines
        .flat_map(|(index, line)| tokens_of_line(index + 1, line))
        .collect()
}

fn tokens_of_line(line: usize, mut rest: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else {
            return tokens;
        };
        let in_word = |next: char| next.is_alphanumeric() || next == '_';
        let length = if in_word(first) {
            rest.find(|next| !in_word(next)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (token, behind) = rest.split_at(length);
        tokens.push(Token {
            line,
            text: token.to_owned(),
        });
        rest = behind;
    }
}

#[test]
fn comments_and_literals_are_no_code() {
    let text = r##"
a // b
/* c /* d */ e */ f "g \" h" 'i' '\'' '\u{1F600}' '"' j
r#"k " l"# br"m" raw"n" 'life: b'o' p
"q
r" s"##;
    let source = Source::new("src/a.rs", text);
    let words = source
        .tokens
        .iter()
        .filter(|token| token.text != "'" && token.text != ":");
    let words: Vec<_> = words
        .map(|token| (token.line, token.text.as_str()))
        .collect();
    assert_eq!(
        words,
        [
            (2, "a"),
            (3, "f"),
            (3, "j"),
            (4, "r"),
            (4, "br"),
            (4, "raw"),
            (4, "life"),
            (4, "b"),
            (4, "p"),
            (6, "s")
        ]
    );
}

#[test]
fn tests_begin_at_the_inline_module() {
    let begin = |path: &str, text: &str| Source::new(path, text).tests_begin;
    assert_eq!(begin("src/a.rs", "a\n#[cfg(test)]\nmod tests {\n}\n"), 2);
    assert_eq!(begin("src/a.rs", "a\n#[cfg(test)]\nmod tests;\nb\n"), 5);
    assert_eq!(begin("src/a.rs", "#[cfg(test)]\nfn a() {\n}\n"), 4);
    assert_eq!(begin("src/a/tests.rs", "a\n"), 0);
    assert_eq!(begin("crates/a/tests/b/c.rs", "a\n"), 0);
    assert_eq!(begin("tests/a.rs", "a\n"), 0);
    assert_eq!(begin("benches/a/b.rs", "a\n"), 0);
}
