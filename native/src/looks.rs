//! Looking at many folders and files at once, by a few threads.

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

pub fn path_of(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// The paths in `bytes`, each ended by NUL.
fn paths(bytes: &[u8]) -> Vec<&[u8]> {
    let mut paths: Vec<&[u8]> = bytes.split(|&byte| byte == 0).collect();
    paths.pop(); // what follows the last NUL
    paths
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
    let folders = paths(folders);
    let mut found: Vec<Vec<u8>> = folders.iter().map(|_| Vec::new()).collect();
    spread(&folders, &mut found, FOLDERS, |folder, out| match list_one(path_of(folder)) {
        Ok(listed) => *out = listed,
        Err(error) => write!(out, "{}\0", errno(&error)).expect("a Vec takes all"),
    });
    found.concat()
}

fn list_one(folder: &Path) -> Result<Vec<u8>, Error> {
    let mut entries: Vec<(OsString, u8)> = Vec::new();
    for entry in read_dir(folder)? {
        let entry = entry?;
        match entry.file_type() {
            Ok(kind) => entries.push((entry.file_name(), letter(kind))),
            // Where the folder does not say what a name is, it may be gone before it is looked at.
            Err(error) if is_absent(&error) => entries.push((entry.file_name(), b'o')),
            Err(error) => return Err(error),
        }
    }
    entries.sort_unstable_by(|one, other| one.0.as_bytes().cmp(other.0.as_bytes()));
    let mut out: Vec<u8> = entries.iter().map(|entry| entry.1).collect();
    out.push(0);
    for (name, _) in &entries {
        out.extend_from_slice(name.as_bytes());
        out.push(0);
    }
    Ok(out)
}

/// Writes the row of each file's lstat; where there is none, one with an errno first and -1 for the inode.
/// False where the paths are not as many as the rows.
pub fn stat(files: &[u8], rows: &mut [Row]) -> bool {
    let files = paths(files);
    if files.len() != rows.len() {
        return false;
    }
    spread(&files, rows, FILES, |file, row| match symlink_metadata(path_of(file)) {
        Ok(stat) => *row = row_of(&stat),
        Err(error) => {
            *row = [0; ROW];
            row[..NUMBER].copy_from_slice(&i64::from(errno(&error)).to_le_bytes());
            row[NUMBER..2 * NUMBER].copy_from_slice(&NO_INODE);
        }
    });
    true
}
