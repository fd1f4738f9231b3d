//! What a file's extension says of its content.

use super::FileName;

/// A value for `Content-Type`. Text is UTF-8: the kernels write nothing else by themselves.
pub(super) fn of(filename: &FileName) -> String {
    let guess = mime_guess::from_path(filename.as_str()).first_or_octet_stream();
    if guess.type_() == "text" {
        format!("{}; charset=utf-8", guess.essence_str())
    } else {
        guess.essence_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{FileName, of};

    #[test]
    fn the_extension_decides() {
        let found = |name: &str| of(&FileName::parse(name).unwrap());
        assert_eq!(found("a.png"), "image/png");
        assert_eq!(found("a.PNG"), "image/png");
        assert_eq!(found("a.csv"), "text/csv; charset=utf-8");
        assert_eq!(found("a.html"), "text/html; charset=utf-8");
        assert_eq!(found("a.json"), "application/json");
        for unknown in ["a", ".png", "a.", "a.weissnicht", "text"] {
            assert_eq!(found(unknown), "application/octet-stream", "{unknown}");
        }
    }
}
