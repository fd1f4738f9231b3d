//! What a file's extension says of its content.

/// A value for `Content-Type`. Text is UTF-8: the kernels write nothing else by themselves.
#[must_use]
pub fn of(filename: &str) -> String {
    let guess = mime_guess::from_path(filename).first_or_octet_stream();
    if guess.type_() == "text" {
        format!("{}; charset=utf-8", guess.essence_str())
    } else {
        guess.essence_str().to_owned()
    }
}

/// The media type alone; None: the extension says nothing.
#[must_use]
pub fn guess(filename: &str) -> Option<String> {
    let guess = mime_guess::from_path(filename).first();
    guess.map(|guess| guess.essence_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_extension_decides() {
        assert_eq!(of("a.png"), "image/png");
        assert_eq!(of("a.PNG"), "image/png");
        assert_eq!(of("a.csv"), "text/csv; charset=utf-8");
        assert_eq!(of("a.html"), "text/html; charset=utf-8");
        assert_eq!(of("a.json"), "application/json");
        for unknown in ["a", ".png", "a.", "a.weissnicht", "text"] {
            assert_eq!(of(unknown), "application/octet-stream", "{unknown}");
        }
    }
}
