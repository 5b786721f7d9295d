//! Many small files into one buffer, with four system calls each, and proof that each is the file that was meant.

use crate::looks::{errno, path_of};
use crate::signature::{row_of, Row, NO_INODE, NUMBER};
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};

const AS_EXPECTED: i32 = 0;
const CHANGED: i32 = -1;

/// What is wanted of a file.
#[repr(C)]
pub struct Wanted {
    place: i64, // in `out`
    length: i64,
    offset: i64, // in the file
}

impl Wanted {
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
}

/// Reads each file of `paths` (each ended by NUL) as `table` says, opened with `flags`; a result for each: 0, -1 where
/// it is not the file of its row or has too few bytes, else errno.
///
/// False, and nothing is read, where the table does not fit `out` or `paths`.
pub fn read_files(
    paths: &[u8],
    table: &[Wanted],
    rows: &[Row],
    out: &mut [u8],
    results: &mut [i32],
    flags: i32,
) -> bool {
    let named = paths.iter().filter(|&&byte| byte == 0).count();
    if named != table.len() || table.iter().any(|wanted| wanted.range(out.len()).is_none()) {
        return false;
    }
    let names = paths.split(|&byte| byte == 0);
    for (((path, wanted), row), result) in names.zip(table).zip(rows).zip(results) {
        *result = match wanted.range(out.len()) {
            Some(range) => {
                let file = OpenOptions::new().read(true).custom_flags(flags).open(path_of(path));
                read(file, wanted.offset as u64, row, &mut out[range])
            }
            None => CHANGED, // not after the look above
        };
    }
    true
}

/// Reads a part of a file, if it is the one that had this row.
pub fn read(file: Result<File, Error>, offset: u64, row: &Row, out: &mut [u8]) -> i32 {
    let file = match file {
        Ok(file) => file,
        Err(error) => return errno(&error),
    };
    let failed = file.read_exact_at(out, offset).err(); // one call, where the bytes are there
    if row[NUMBER..2 * NUMBER] != NO_INODE {
        match file.metadata() {
            // Which tells more than why a folder, say, cannot be read.
            Ok(stat) if row_of(&stat) != *row => return CHANGED,
            Ok(_) => {}
            Err(error) => return errno(&error),
        }
    }
    match failed {
        Some(error) if error.kind() == ErrorKind::UnexpectedEof => CHANGED,
        Some(error) => errno(&error),
        None => AS_EXPECTED,
    }
}
