//! Reads a configuration file, whatever kind of file its name refers to.

use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};

use crate::line_of;

/// The maximum size in bytes, which is larger than any configuration.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The time limit for reading. A pipe may wait for its writer forever.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Returns the text of a file.
///
/// # Errors
/// The message starts with `name` and contains no text of the file.
pub fn text(path: &Path, name: impl Display) -> Result<String> {
    text_within(path, TIME_LIMIT).map_err(|error| anyhow!("{name} {error}"))
}

fn text_within(path: &Path, limit: Duration) -> Result<String> {
    let (sender, receiver) = mpsc::channel();
    let path = path.to_path_buf();
    // A thread that opens or reads a pipe cannot be interrupted; it ends with the process.
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| {
            let mut file = file.take(MAX_BYTES + 1);
            file.read_to_end(&mut bytes)
        });
        sender.send(read.map(|_| bytes))
    });
    let bytes = receiver.recv_timeout(limit).map_err(|_| {
        let seconds = limit.as_secs();
        anyhow!("cannot be read: nothing came from it for {seconds} s, as from a pipe to which nobody writes")
    })?;
    let bytes = bytes.map_err(|error| anyhow!("cannot be read: {error}"))?;
    ensure!(
        bytes.len() as u64 <= MAX_BYTES,
        "is larger than 16 MiB; name a file that holds the configuration alone"
    );
    let text = str::from_utf8(&bytes).map_err(|error| error.valid_up_to());
    // UTF-16 text has a NUL byte in nearly every character.
    let text = text.and_then(|text| text.find('\0').map_or(Ok(text), Err));
    let text = text.map_err(|place| {
        let line = line_of(&bytes, place);
        anyhow!("is not UTF-8 text: line {line} has other bytes; save it as UTF-8")
    })?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/file-tests");
        let path = path.join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        path
    }

    #[test]
    fn what_is_no_text_is_told_by_its_line_and_not_quoted() {
        let path = folder("text").join("hidden");
        let large = vec![b'a'; MAX_BYTES as usize + 1];
        for (bytes, expected) in [
            (&b"A=hush\nB=\xffhush"[..], "line 2 has other bytes"),
            (b"A=hush\r\nB=\xff", "line 2 has"),
            (b"A=hush\rB=1\rC=\xff", "line 3 has"),
            (b"\xff\xfeA\0", "line 1 has"),
            (b"A=hush\n\nB=a\0b", "line 3 has other"),
            (&large, "larger than 16 MiB"),
        ] {
            fs::write(&path, bytes).expect("a file");
            let error = text(&path, "it").expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
        fs::write(&path, &large[1..]).expect("a file");
        assert_eq!(text(&path, "it").expect("a text").len() as u64, MAX_BYTES);
    }

    #[test]
    fn what_is_no_file_is_an_error() {
        let folder = folder("folder");
        for path in [folder.join("none"), folder] {
            let error = text(&path, "it").expect_err("no file").to_string();
            assert!(error.starts_with("it cannot be read: "), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_has_no_end_is_an_error_and_a_pipe_with_a_writer_is_read() {
        use std::process::Command;
        let error = text(Path::new("/dev/zero"), "it").expect_err("it has no end");
        assert!(error.to_string().contains("larger"), "{error}");
        let pipes = ["silent", "written"].map(|name| folder(name).join("pipe"));
        let made = Command::new("mkfifo").args(&pipes).status();
        assert!(made.expect("mkfifo runs").success());
        let [pipe, written] = pipes;
        let error = text_within(&pipe, Duration::from_millis(50)).expect_err("nobody writes");
        assert!(
            error.to_string().contains("a pipe to which nobody"),
            "{error}"
        );
        let pipe = written.clone();
        let writer = thread::spawn(move || fs::write(written, "A=b\n"));
        assert_eq!(text(&pipe, "it").expect("a text"), "A=b\n");
        writer.join().expect("it ends").expect("it writes");
    }
}
