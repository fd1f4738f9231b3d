//! A kernel's logo: its name's first letters on a colour of its own. Images carry none, and launchers show something.

/// Degrees on the wheel of colours.
const TURN: u32 = 360;

/// The picture, as SVG. Only letters and digits of the name are in it.
pub fn svg(name: &str) -> String {
    let mut letters = name.chars().filter(char::is_ascii_alphanumeric);
    let first = letters
        .next()
        .map_or('?', |first| first.to_ascii_uppercase());
    let second = letters.next().map_or_else(String::new, String::from);
    let hue = hue(name);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64"><rect width="64" height="64" rx="12" fill="hsl({hue},45%,42%)"/><text x="32" y="42" font-family="sans-serif" font-size="28" text-anchor="middle" fill="#fff">{first}{second}</text></svg>"##
    )
}

/// The same for the same name, and another for most others.
fn hue(name: &str) -> u32 {
    let mix = |hue: u32, byte: u8| (hue * 31 + u32::from(byte)) % TURN;
    name.bytes().fold(0, mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_has_two_letters_and_nothing_that_could_do_anything() {
        assert!(svg("python").contains(">Py</text>"));
        assert!(svg("c").contains(">C</text>"));
        assert!(svg("<&\"").contains(">?</text>"));
        assert_ne!(hue("python"), hue("python_scientific"));
    }
}
