//! Runs of a tar: plain files of one folder, one after another, headers and bytes.

use crate::looks::{by_fields, errno, path_of};
use crate::read::read;
use crate::signature::{size_of, Row};
use crate::ustar::{self, write, BLOCK};
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::raw::{c_char, c_int};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::io::{AsRawFd, FromRawFd};

extern "C" {
    fn openat(folder: c_int, name: *const c_char, flags: c_int, ...) -> c_int;
}

/// Where a run begins in `out`, how many files it has, and what all their headers say.
#[repr(C)]
pub struct Run {
    place: i64,
    files: i64,
    uid: i64,
    gid: i64,
    mtime: i64, // seconds
}

/// What is told of each file: `rows` of the lstats that they had, `modes` for their headers; `results` are those of
/// read.rs.
pub struct Files<'a> {
    pub rows: &'a [Row],
    pub modes: &'a [i64],
    pub results: &'a mut [i32],
}

/// Lays runs out in `out`. names: of each what its paths in the tar begin with, its folder, its files, and nothing, each
/// ended by NUL; flags: for opening files.
///
/// False where something does not fit, be it into `out` or into a header; then `out` holds nothing of use.
pub fn lay_out(names: &[u8], runs: &[Run], files: Files, out: &mut [u8], flags: i32) -> bool {
    let (mut fields, mut files) = (by_fields(names), files);
    for run in runs {
        let (prefix, folder) = match (fields.next(), fields.next()) {
            (Some(prefix), Some(folder)) => (prefix, folder),
            _ => return false,
        };
        let names: Vec<&[u8]> = fields.by_ref().take_while(|name| !name.is_empty()).collect();
        if usize::try_from(run.files).ok() != Some(names.len()) || names.len() > files.rows.len() {
            return false;
        }
        let count = names.len();
        let (results, others) = files.results.split_at_mut(count);
        if lay_out_one(run, prefix, folder, &names, (&files.rows[..count], &files.modes[..count], results), out, flags)
            .is_none()
        {
            return false;
        }
        files = Files { rows: &files.rows[count..], modes: &files.modes[count..], results: others };
    }
    files.rows.is_empty() && fields.next().is_none()
}

fn lay_out_one(
    run: &Run,
    prefix: &[u8],
    folder: &[u8],
    names: &[&[u8]],
    (rows, modes, results): (&[Row], &[i64], &mut [i32]),
    out: &mut [u8],
    flags: i32,
) -> Option<()> {
    let home = OpenOptions::new().read(true).custom_flags(flags).open(path_of(folder));
    let mut place = usize::try_from(run.place).ok()?;
    for (number, (name, row)) in names.iter().zip(rows).enumerate() {
        let size = usize::try_from(size_of(row)).ok()?;
        let end = place.checked_add(BLOCK)?.checked_add(size)?;
        let block = out.get_mut(place..end.checked_add(size.wrapping_neg() % BLOCK)?)?;
        let (header, rest) = block.split_at_mut(BLOCK);
        let (bytes, padding) = rest.split_at_mut(size);
        header.fill(0);
        let (size, mode) = (size as i64, modes[number]);
        let said = ustar::Row { place: 0, size, mode, uid: run.uid, gid: run.gid, mtime: run.mtime };
        write(&[prefix, name].concat(), &said, header)?;
        results[number] = match &home {
            Ok(home) => read(open(home, name, flags), 0, row, bytes),
            Err(error) => errno(error),
        };
        padding.fill(0);
        place = end + padding.len();
    }
    Some(())
}

/// A file in a folder, to be read.
fn open(folder: &File, name: &[u8], flags: i32) -> Result<File, Error> {
    let name = CString::new(name)?;
    loop {
        // Safe: the name ends with NUL, the folder is open, and a descriptor that is had is nobody else's.
        let found = unsafe { openat(folder.as_raw_fd(), name.as_ptr(), flags) };
        if found >= 0 {
            return Ok(unsafe { File::from_raw_fd(found) });
        }
        let error = Error::last_os_error();
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
