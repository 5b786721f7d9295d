//! What is remembered of a thing on disk: a short hash of its stat. The other half is signatures.py.

use crate::sha256::Sha256;
use std::fs::{symlink_metadata, Metadata};
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub type Signature = [u8; 16];

pub fn sign(seen: &[u8]) -> Signature {
    let mut hasher = Sha256::new();
    hasher.update(seen);
    let mut signature = [0; 16];
    signature.copy_from_slice(&hasher.finish()[..16]);
    signature
}

pub fn absent() -> Signature {
    sign(b"absent")
}

/// Whether an error says that nothing is there. (std names ENOTDIR only after 1.63; both systems number it 20.)
pub fn is_absent(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(20)
}

/// Nanoseconds since 1970, as Python's st_mtime_ns.
pub fn nanoseconds(seconds: i64, rest: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(rest)
}

/// Appends a number's decimal digits: std's formatting costs more than the stat itself.
fn digits(text: &mut Vec<u8>, number: u64) {
    let (mut place, mut left, mut buffer) = (20, number, [0; 20]);
    loop {
        place -= 1;
        buffer[place] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    text.extend_from_slice(&buffer[place..]);
}

fn time(text: &mut Vec<u8>, seconds: i64, rest: i64) {
    match u64::try_from(nanoseconds(seconds, rest)) {
        Ok(number) => digits(text, number),
        Err(_) => write!(text, "{}", nanoseconds(seconds, rest)).expect("a Vec takes all"),
    }
}

/// Appends "dev ino size mtime ctime mode".
pub fn stat_text(text: &mut Vec<u8>, stat: &Metadata) {
    for number in [stat.dev(), stat.ino(), stat.size()] {
        digits(text, number);
        text.push(b' ');
    }
    time(text, stat.mtime(), stat.mtime_nsec());
    text.push(b' ');
    time(text, stat.ctime(), stat.ctime_nsec());
    text.push(b' ');
    digits(text, u64::from(stat.mode()));
}

/// Appends "ino size mtime".
fn blob_text(text: &mut Vec<u8>, stat: &Metadata) {
    for number in [stat.ino(), stat.size()] {
        digits(text, number);
        text.push(b' ');
    }
    time(text, stat.mtime(), stat.mtime_nsec());
}

fn of(path: &Path, write: fn(&mut Vec<u8>, &Metadata)) -> Result<Signature, Error> {
    let mut text = Vec::with_capacity(128);
    write(&mut text, &symlink_metadata(path)?);
    Ok(sign(&text))
}

pub fn of_stat(path: &Path) -> Result<Signature, Error> {
    of(path, stat_text)
}

pub fn of_blob(path: &Path) -> Result<Signature, Error> {
    of(path, blob_text)
}
