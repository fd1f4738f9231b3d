//! Printing what code has to say. Images cannot be printed: they are saved, and named.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// What is saved, and as what.
const IMAGES: &[(&str, &str)] = &[
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/gif", "gif"),
    ("image/svg+xml", "svg"),
    ("application/pdf", "pdf"),
];

/// Prints.
pub(super) struct Show {
    images: PathBuf,
}

impl Show {
    /// `images`: the directory to save them in.
    pub(super) fn new(images: PathBuf) -> Show {
        Show { images }
    }

    /// One output, by the type and content of its message.
    pub(super) fn output(&mut self, kind: &str, content: &Value) -> anyhow::Result<()> {
        match kind {
            "stream" => stream(content),
            "execute_result" | "display_data" | "update_display_data" => {
                self.bundle(&content["data"])
            }
            "error" => traceback(content),
            "clear_output" if std::io::stdout().is_terminal() => {
                print!("\r\u{1b}[K");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Of one thing in several forms: images, else its text.
    fn bundle(&mut self, data: &Value) -> anyhow::Result<()> {
        for (media, extension) in IMAGES {
            if let Some(image) = text(&data[media]) {
                let bytes = decoded(media, &image)?;
                let path = self.save(&bytes, extension)?;
                println!("{media}: {}", path.display());
                return Ok(());
            }
        }
        if let Some(text) = text(&data["text/plain"]) {
            println!("{text}");
        }
        Ok(())
    }

    /// Under the first name that is free.
    fn save(&self, bytes: &[u8], extension: &str) -> anyhow::Result<PathBuf> {
        for number in 1_u32.. {
            let path = self.images.join(format!("cellblock-{number}.{extension}"));
            match std::fs::File::create_new(&path) {
                Ok(mut file) => {
                    file.write_all(bytes).with_context(|| shown(&path))?;
                    return Ok(path);
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| shown(&path)),
            }
        }
        anyhow::bail!("there are too many images in {}", self.images.display())
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn stream(content: &Value) -> anyhow::Result<()> {
    let text = text(&content["text"]).unwrap_or_default();
    if content["name"] == "stderr" {
        std::io::stderr().write_all(text.as_bytes())?;
    } else {
        let mut stdout = std::io::stdout();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()?;
    }
    Ok(())
}

fn traceback(content: &Value) -> anyhow::Result<()> {
    let lines = content["traceback"].as_array();
    let lines: Vec<&str> = lines
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if lines.is_empty() {
        let words = |field: &str| text(&content[field]).unwrap_or_default();
        eprintln!("{}: {}", words("ename"), words("evalue"));
    } else {
        eprintln!("{}", lines.join("\n"));
    }
    Ok(())
}

/// nbformat allows a list of lines for a text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(lines) => Some(lines.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn decoded(media: &str, image: &str) -> anyhow::Result<Vec<u8>> {
    if media.ends_with("xml") {
        return Ok(image.as_bytes().to_vec());
    }
    let base64: String = image.split_ascii_whitespace().collect();
    BASE64_STANDARD
        .decode(base64)
        .context("an image is no base64")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn images_are_saved_under_free_names() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut show = Show::new(directory.path().to_owned());
        for _ in 0..2 {
            let content = json!({"data": {"image/png": "AAEC\n", "text/plain": "a figure"}});
            show.output("display_data", &content).expect("it is saved");
        }
        let saved = |name| std::fs::read(directory.path().join(name)).expect("it is there");
        assert_eq!(saved("cellblock-1.png"), [0, 1, 2]);
        assert_eq!(saved("cellblock-2.png"), [0, 1, 2]);
    }
}
