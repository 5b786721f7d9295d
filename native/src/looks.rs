//! Looking at many folders and files at once, by a few threads.

use crate::ahead;
use crate::signature::{is_absent, row_of, Row, NO_INODE, NUMBER, ROW};
use crate::spread::spread;
use std::ffi::{OsStr, OsString};
use std::fs::{read_dir, symlink_metadata, FileType};
use std::io::{Error, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const EIO: i32 = 5;
const FOLDERS: usize = 8; // that a thread takes at once
const FILES: usize = 256;
pub const UNFILLED: Row = [0; ROW]; // no lstat: those have a mode

pub fn path_of(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// The fields in `bytes`, each ended by NUL.
pub fn by_fields(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ended = bytes.strip_suffix(&[0]).map(|bytes| bytes.split(|&byte| byte == 0));
    ended.into_iter().flatten()
}

pub fn errno(error: &Error) -> i32 {
    error.raw_os_error().unwrap_or(EIO)
}

/// d folder, l symlink, f regular file, o other.
pub fn letter(kind: FileType) -> u8 {
    if kind.is_dir() {
        b'd'
    } else if kind.is_symlink() {
        b'l'
    } else if kind.is_file() {
        b'f'
    } else {
        b'o'
    }
}

/// What is in each folder: fields ended by NUL, one with a letter for each name, then the names, sorted; or one with
/// an errno in decimal digits.
pub fn list(folders: &[u8]) -> Vec<u8> {
    let folders: Vec<&[u8]> = by_fields(folders).collect();
    let mut found: Vec<Vec<u8>> = folders.iter().map(|_| Vec::new()).collect();
    spread(&folders, &mut found, FOLDERS, |folder, out| match ahead::listing(folder) {
        Some(listed) => *out = listed,
        None => match list_one(path_of(folder)) {
            Ok(listed) => *out = listed,
            Err(error) => write!(out, "{}\0", errno(&error)).expect("a Vec takes all"),
        },
    });
    found.concat()
}

fn list_one(folder: &Path) -> Result<Vec<u8>, Error> {
    Ok(listing_of(&entries(folder, false, &[])?))
}

/// A name in a folder, what it is, and its row where it is a regular file whose lstat counts.
pub type Entry = (OsString, u8, Option<Row>);

/// All that is in a folder but what is `ignored`, sorted.
pub fn entries(folder: &Path, stats: bool, ignored: &[&[u8]]) -> Result<Vec<Entry>, Error> {
    let mut entries: Vec<Entry> = Vec::new();
    for entry in read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if ignored.contains(&name.as_bytes()) {
            continue;
        }
        let letter = match entry.file_type() {
            Ok(kind) => letter(kind),
            // Where the folder does not say what a name is, it may be gone before it is looked at.
            Err(error) if is_absent(&error) => b'o',
            Err(error) => return Err(error),
        };
        let row = if stats && letter == b'f' { Some(row_of(&entry.metadata()?)) } else { None };
        entries.push((name, letter, row));
    }
    entries.sort_unstable_by(|one, other| one.0.as_bytes().cmp(other.0.as_bytes()));
    Ok(entries)
}

/// Their letters, then their names, as `list` has them.
pub fn listing_of(entries: &[Entry]) -> Vec<u8> {
    let mut out: Vec<u8> = entries.iter().map(|entry| entry.1).collect();
    out.push(0);
    for (name, _, _) in entries {
        out.extend_from_slice(name.as_bytes());
        out.push(0);
    }
    out
}

/// Writes the row of the lstat of each file in some folders; where there is none, one with an errno first and -1 for the
/// inode. files: of each folder its path, its names, and nothing, each ended by NUL.
/// False where the files are not as many as the rows.
pub fn stat(files: &[u8], rows: &mut [Row]) -> bool {
    let (mut named, mut rest) = (Vec::with_capacity(rows.len()), rows);
    for (folder, names) in by_folders(files) {
        if names.len() > rest.len() {
            return false;
        }
        let (own, others) = rest.split_at_mut(names.len());
        rest = others;
        ahead::fill(folder, &names, own);
        named.extend(names.into_iter().map(|name| (folder, name)).zip(own));
    }
    if !rest.is_empty() {
        return false;
    }
    named.retain(|(_, row)| **row == UNFILLED);
    let (files, mut rows): (Vec<_>, Vec<_>) = named.into_iter().unzip();
    spread(&files, &mut rows, FILES, |(folder, name), row| **row = row_at(&joined(folder, name)));
    true
}

/// The folders in `bytes`, each with the names that follow it.
fn by_folders(bytes: &[u8]) -> Vec<(&[u8], Vec<&[u8]>)> {
    let (mut found, mut fields) = (Vec::new(), by_fields(bytes));
    while let Some(folder) = fields.next() {
        found.push((folder, fields.by_ref().take_while(|name| !name.is_empty()).collect()));
    }
    found
}

/// The path of what is in a folder.
pub fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    [folder, if folder.ends_with(b"/") { b"" } else { b"/" }, name].concat()
}

fn row_at(file: &[u8]) -> Row {
    match symlink_metadata(path_of(file)) {
        Ok(stat) => row_of(&stat),
        Err(error) => {
            let mut row = [0; ROW];
            row[..NUMBER].copy_from_slice(&i64::from(errno(&error)).to_le_bytes());
            row[NUMBER..2 * NUMBER].copy_from_slice(&NO_INODE);
            row
        }
    }
}
