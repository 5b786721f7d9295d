//! Whether things on disk are as they were, seen by a few threads at once.
//!
//! The records are described in src/stackbuild/native/__init__.py.

use crate::ahead;
use crate::looks::{entries, path_of};
use crate::signature::{absent, is_absent, of_blob, of_stat, passable, sign, Row, Signature};
use crate::spread::by_threads;
use std::fs::{canonicalize, metadata, read_link, symlink_metadata};
use std::io::Error;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const BATCH: usize = 8; // records that a thread takes at once
const NONE: usize = usize::MAX;

pub struct Record<'a> {
    kind: Kind<'a>,
    path: &'a Path,
    signature: Signature,
}

enum Kind<'a> {
    Stat,
    Blob,
    Names { ignored: &'a [u8] },
    Files { ignored: &'a [u8] },
    Link,
    Place,
    Passed,
}

/// The records in `bytes`; None where they are malformed.
pub fn parse(bytes: &[u8]) -> Option<Vec<Record<'_>>> {
    let mut fields = bytes.split(|&byte| byte == 0);
    let mut records = Vec::new();
    loop {
        let first = fields.next()?;
        let (kind, path) = match first.split_first() {
            Some(parts) => parts,
            // What follows the last NUL is empty, and the end.
            None => return if fields.next().is_none() { Some(records) } else { None },
        };
        let kind = match kind {
            b'S' => Kind::Stat,
            b'B' => Kind::Blob,
            b'L' => Kind::Names { ignored: fields.next()? },
            b'F' => Kind::Files { ignored: fields.next()? },
            b'R' => Kind::Link,
            b'P' => Kind::Place,
            b'I' => Kind::Passed,
            _ => return None,
        };
        let signature = from_hex(fields.next()?)?;
        records.push(Record { kind, path: path_of(path), signature });
    }
}

fn from_hex(hex: &[u8]) -> Option<Signature> {
    let mut signature = [0; 16];
    if hex.len() != 32 {
        return None;
    }
    for (byte, pair) in signature.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = from_digit(pair[0])? << 4 | from_digit(pair[1])?;
    }
    Some(signature)
}

fn from_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// The index of some record that does not hold any more. ahead: whether looks taken ahead count.
pub fn first_changed(records: &[Record], ahead: bool) -> Option<usize> {
    let (next, changed) = (AtomicUsize::new(0), AtomicUsize::new(NONE));
    let work = || {
        while changed.load(Relaxed) == NONE {
            let start = next.fetch_add(BATCH, Relaxed);
            if start >= records.len() {
                return;
            }
            let batch = &records[start..records.len().min(start + BATCH)];
            if let Some(index) = batch.iter().position(|record| !record.holds(ahead)) {
                changed.store(start + index, Relaxed);
            }
        }
    };
    by_threads(1 + records.len() / BATCH, work);
    Some(changed.into_inner()).filter(|&index| index != NONE)
}

impl Record<'_> {
    fn holds(&self, ahead: bool) -> bool {
        let found = match self.kind {
            Kind::Stat => of_stat(self.path),
            Kind::Blob => of_blob(self.path),
            Kind::Names { ignored } => of_folder(self.path, ignored, false, ahead),
            Kind::Files { ignored } => of_folder(self.path, ignored, true, ahead),
            Kind::Link => of_link(self.path),
            Kind::Place => of_place(self.path),
            Kind::Passed => of_passed(self.path),
        };
        match found {
            Ok(signature) => signature == self.signature,
            Err(error) => is_absent(&error) && self.signature == absent(),
        }
    }
}

/// The signature of the names in a folder, and with `stats` of its regular files' rows.
fn of_folder(path: &Path, ignored: &[u8], stats: bool, ahead: bool) -> Result<Signature, Error> {
    let ignored: Vec<&[u8]> = ignored.split(|&byte| byte == b'/').collect();
    let mut text = Vec::new();
    let mut say = |name: &[u8], letter: u8, row: Option<&Row>| {
        text.extend_from_slice(name);
        text.extend_from_slice(&[0, letter]);
        text.extend_from_slice(row.filter(|_| stats).map_or(&[], |row| &row[..]));
    };
    match if ahead { ahead::seen(path.as_os_str().as_bytes()) } else { None } {
        Some(look) => look
            .entries()
            .filter(|(name, _, _)| !ignored.contains(name))
            .for_each(|(name, letter, row)| say(name, letter, row)),
        None => {
            let found = entries(path, stats, &ignored)?;
            found.iter().for_each(|(name, letter, row)| say(name.as_bytes(), *letter, row.as_ref()));
        }
    }
    Ok(sign(&text))
}

/// The signature of what a symlink says and of where it leads; of nothing where it leads nowhere.
fn of_link(path: &Path) -> Result<Signature, Error> {
    let mut text = read_link(path)?.into_os_string().as_bytes().to_vec();
    text.push(0);
    if let Ok(end) = canonicalize(path) {
        text.extend_from_slice(end.as_os_str().as_bytes());
    }
    Ok(sign(&text))
}

/// The signature of where a folder really is; an error where there is something else.
fn of_place(path: &Path) -> Result<Signature, Error> {
    if !metadata(path)?.is_dir() {
        return Err(Error::from_raw_os_error(9)); // EBADF: one that does not mean that nothing is there
    }
    Ok(sign(canonicalize(path)?.as_os_str().as_bytes()))
}

/// The signature of what is passed over, which a folder and nothing at all have in common.
fn of_passed(path: &Path) -> Result<Signature, Error> {
    match symlink_metadata(path) {
        Ok(found) if !found.is_dir() => Ok(absent()),
        Err(error) if !is_absent(&error) => Err(error),
        _ => Ok(passable()),
    }
}
