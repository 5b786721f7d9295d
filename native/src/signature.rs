//! What is remembered of a thing on disk: its stat in 48 bytes, and short hashes. The other half is stats.py
//! and signatures.py.

use crate::sha256::Sha256;
use std::fs::{symlink_metadata, Metadata};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub const NUMBER: usize = 8;
pub const ROW: usize = 6 * NUMBER;
/// In the inode's place of a row that is none.
pub const NO_INODE: [u8; NUMBER] = [0xff; NUMBER];
pub type Signature = [u8; 16];
/// dev, ino, size, mtime, ctime (ns since 1970) and mode: 64-bit numbers, little-endian, wrapped.
pub type Row = [u8; ROW];

pub fn row_of(stat: &Metadata) -> Row {
    let mut row = [0; ROW];
    let numbers = [
        stat.dev(),
        stat.ino(),
        stat.size(),
        nanoseconds(stat.mtime(), stat.mtime_nsec()),
        nanoseconds(stat.ctime(), stat.ctime_nsec()),
        u64::from(stat.mode()),
    ];
    for (place, number) in row.chunks_exact_mut(NUMBER).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    row
}

pub fn size_of(row: &Row) -> u64 {
    let mut number = [0; NUMBER];
    number.copy_from_slice(&row[2 * NUMBER..3 * NUMBER]);
    u64::from_le_bytes(number)
}

fn nanoseconds(seconds: i64, rest: i64) -> u64 {
    seconds.wrapping_mul(1_000_000_000).wrapping_add(rest) as u64
}

pub fn sign(seen: &[u8]) -> Signature {
    let mut hasher = Sha256::new();
    hasher.update(seen);
    let mut signature = [0; 16];
    signature.copy_from_slice(&hasher.finish()[..16]);
    signature
}

/// Signs folders that hold regular files alone. names: of each folder its names, then nothing, each ended by NUL; rows: of
/// all. False where they are not as many as the rows, or the folders not as many as the signatures.
pub fn sign_folders(names: &[u8], rows: &[Row], signatures: &mut [Signature]) -> bool {
    let (mut rows, mut signatures, mut text) = (rows.iter(), signatures.iter_mut(), Vec::new());
    for name in names.split_inclusive(|&byte| byte == 0) {
        if name.len() > 1 {
            let row = match rows.next() {
                Some(row) => row,
                None => return false,
            };
            text.extend_from_slice(name);
            text.push(b'f');
            text.extend_from_slice(row);
        } else {
            match signatures.next() {
                Some(signature) => *signature = sign(&text),
                None => return false,
            }
            text.clear();
        }
    }
    rows.next().is_none() && signatures.next().is_none()
}

pub fn absent() -> Signature {
    sign(b"absent")
}

/// Of a folder, or nothing.
pub fn passable() -> Signature {
    sign(b"passable")
}

/// Whether an error says that nothing is there. (std names ENOTDIR only after 1.63; both systems number it 20.)
pub fn is_absent(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(20)
}

pub fn of_stat(path: &Path) -> Result<Signature, Error> {
    Ok(sign(&row_of(&symlink_metadata(path)?)))
}

/// Of inode, size and mtime alone.
pub fn of_blob(path: &Path) -> Result<Signature, Error> {
    Ok(sign(&row_of(&symlink_metadata(path)?)[NUMBER..4 * NUMBER]))
}
