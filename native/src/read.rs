//! Many small files into one buffer, with four system calls each, and proof that each is the file that was meant.

use crate::signature::nanoseconds;
use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};

const AS_EXPECTED: i32 = 0;
const CHANGED: i32 = -1;
const UNKNOWN: i64 = -1; // the inode of a file of which no stat is known
const EIO: i32 = 5;

/// What is wanted of a file, and its stat when it was looked at; 64-bit numbers without a sign are wrapped.
#[repr(C)]
pub struct Row {
    place: i64, // in `out`
    length: i64,
    offset: i64, // in the file
    dev: i64,
    ino: i64,
    size: i64,
    mtime: i64, // ns
    ctime: i64, // ns
    mode: i64,
}

impl Row {
    /// Where in `out` the bytes go; None where that is outside, or the file's offset no offset.
    fn range(&self, out: usize) -> Option<std::ops::Range<usize>> {
        let place = usize::try_from(self.place).ok()?;
        let end = place.checked_add(usize::try_from(self.length).ok()?)?;
        if end <= out && self.offset >= 0 && self.offset.checked_add(self.length).is_some() {
            Some(place..end)
        } else {
            None
        }
    }

    fn fits(&self, stat: &Metadata) -> bool {
        self.ino == UNKNOWN
            || (stat.dev() as i64 == self.dev
                && stat.ino() as i64 == self.ino
                && stat.size() as i64 == self.size
                && nanoseconds(stat.mtime(), stat.mtime_nsec()) == i128::from(self.mtime)
                && nanoseconds(stat.ctime(), stat.ctime_nsec()) == i128::from(self.ctime)
                && i64::from(stat.mode()) == self.mode)
    }
}

/// Reads each file of `paths` (each ended by NUL) as its row in `table` says, opened with `flags`; a result for each:
/// 0, -1 where it is not the file that was looked at or has too few bytes, else errno.
///
/// False, and nothing is read, where the table does not fit `out` or `paths`.
pub fn read_files(paths: &[u8], table: &[Row], out: &mut [u8], results: &mut [i32], flags: i32) -> bool {
    let named = paths.iter().filter(|&&byte| byte == 0).count();
    if named != table.len() || table.iter().any(|row| row.range(out.len()).is_none()) {
        return false;
    }
    let names = paths.split(|&byte| byte == 0);
    for ((path, row), result) in names.zip(table).zip(results) {
        *result = match row.range(out.len()) {
            Some(range) => read(path, row, &mut out[range], flags),
            None => CHANGED, // not after the look above
        };
    }
    true
}

fn read(path: &[u8], row: &Row, out: &mut [u8], flags: i32) -> i32 {
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(OsStr::from_bytes(path)) {
        Ok(file) => file,
        Err(error) => return number(&error),
    };
    let failed = file.read_exact_at(out, row.offset as u64).err(); // one call, where the bytes are there
    let stat = match file.metadata() {
        Ok(stat) => stat,
        Err(error) => return number(&error),
    };
    match failed {
        _ if !row.fits(&stat) => CHANGED, // which tells more than why a folder, say, cannot be read
        Some(error) if error.kind() == ErrorKind::UnexpectedEof => CHANGED,
        Some(error) => number(&error),
        None => AS_EXPECTED,
    }
}

fn number(error: &Error) -> i32 {
    error.raw_os_error().unwrap_or(EIO)
}
