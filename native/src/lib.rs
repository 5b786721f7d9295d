//! The C ABI of the native core: what src/stackbuild/native/library.py calls, and nothing else.
//!
//! Pointers come from that file alone, which keeps what they point at alive for the length of a call.
//! No panic leaves a function here.

mod ahead;
mod looks;
mod read;
mod runs;
mod sha256;
mod signature;
mod spread;
mod unchanged;
mod ustar;

use sha256::Sha256;
use signature::{Row, Signature};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::slice::{from_raw_parts, from_raw_parts_mut};

/// Raised with every change of a function's arguments or meaning; library.py refuses any other.
const ABI: u32 = 5;

const DONE: i64 = -1;
const MALFORMED: i64 = -2;
const PANICKED: i64 = -3;

fn guarded(body: impl FnOnce() -> i64) -> i64 {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(PANICKED)
}

fn done(fits: bool) -> i64 {
    if fits {
        DONE
    } else {
        MALFORMED
    }
}

/// A slice of what Python gave; an empty one may come with any pointer.
unsafe fn slice<'a, T>(start: *const T, length: usize) -> &'a [T] {
    if length == 0 {
        &[]
    } else {
        from_raw_parts(start, length)
    }
}

unsafe fn slice_mut<'a, T>(start: *mut T, length: usize) -> &'a mut [T] {
    if length == 0 {
        &mut []
    } else {
        from_raw_parts_mut(start, length)
    }
}

#[no_mangle]
pub extern "C" fn stackbuild_abi() -> u32 {
    ABI
}

/// 1 where SHA-256 is done by the processor's own instructions: without them hashlib is quicker.
#[no_mangle]
pub extern "C" fn stackbuild_sha256_is_quick() -> i64 {
    guarded(|| i64::from(sha256::is_quick()))
}

/// Makes a hasher of the 104 bytes at `hasher`.
#[no_mangle]
pub unsafe extern "C" fn stackbuild_sha256_new(hasher: *mut Sha256) -> i64 {
    guarded(|| {
        hasher.write(Sha256::new());
        DONE
    })
}

#[no_mangle]
pub unsafe extern "C" fn stackbuild_sha256_update(hasher: *mut Sha256, data: *const u8, length: usize) -> i64 {
    guarded(|| {
        (*hasher).update(slice(data, length));
        DONE
    })
}

/// Writes the 32 bytes of the digest so far; the hasher stays as it was.
#[no_mangle]
pub unsafe extern "C" fn stackbuild_sha256_digest(hasher: *const Sha256, digest: *mut [u8; 32]) -> i64 {
    guarded(|| {
        *digest = (*hasher).clone().finish();
        DONE
    })
}

/// See read.rs. `paths`: each ended by NUL; `table`, `rows`, `results`: one a file.
#[no_mangle]
pub unsafe extern "C" fn stackbuild_read_files(
    paths: *const u8,
    paths_length: usize,
    table: *const read::Wanted,
    rows: *const Row,
    results: *mut i32,
    files: usize,
    out: *mut u8,
    out_length: usize,
    flags: i32,
) -> i64 {
    guarded(|| {
        let (paths, table, rows) = (slice(paths, paths_length), slice(table, files), slice(rows, files));
        let (results, out) = (slice_mut(results, files), slice_mut(out, out_length));
        done(read::read_files(paths, table, rows, out, results, flags))
    })
}

/// See runs.rs. `names`: each ended by NUL; `rows`, `modes`, `results`: one a file.
#[no_mangle]
pub unsafe extern "C" fn stackbuild_lay_out(
    names: *const u8,
    names_length: usize,
    table: *const runs::Run,
    runs: usize,
    rows: *const Row,
    modes: *const i64,
    results: *mut i32,
    files: usize,
    out: *mut u8,
    out_length: usize,
    flags: i32,
) -> i64 {
    guarded(|| {
        let (names, runs, out) = (slice(names, names_length), slice(table, runs), slice_mut(out, out_length));
        let (rows, modes) = (slice(rows, files), slice(modes, files));
        let files = runs::Files { rows, modes, results: slice_mut(results, files) };
        done(runs::lay_out(names, runs, files, out, flags))
    })
}

/// See ustar.rs. `paths`: each ended by NUL; `table`: one a file.
#[no_mangle]
pub unsafe extern "C" fn stackbuild_write_headers(
    paths: *const u8,
    paths_length: usize,
    table: *const ustar::Row,
    files: usize,
    out: *mut u8,
    out_length: usize,
) -> i64 {
    guarded(|| {
        let (paths, table) = (slice(paths, paths_length), slice(table, files));
        done(ustar::write_headers(paths, table, slice_mut(out, out_length)))
    })
}

/// See looks.rs. `names`: each ended by NUL; `rows`: one a file.
#[no_mangle]
pub unsafe extern "C" fn stackbuild_stat(names: *const u8, names_length: usize, rows: *mut Row, files: usize) -> i64 {
    guarded(|| done(looks::stat(slice(names, names_length), slice_mut(rows, files))))
}

/// See signature.rs. `names`: each ended by NUL; `rows`: one a file; `signatures`: one a folder.
#[no_mangle]
pub unsafe extern "C" fn stackbuild_sign_folders(
    names: *const u8,
    names_length: usize,
    rows: *const Row,
    files: usize,
    signatures: *mut Signature,
    folders: usize,
) -> i64 {
    guarded(|| {
        let (names, rows) = (slice(names, names_length), slice(rows, files));
        done(signature::sign_folders(names, rows, slice_mut(signatures, folders)))
    })
}

/// Bytes that Python has to give back.
#[repr(C)]
pub struct Owned {
    bytes: *mut u8,
    length: usize,
}

/// See looks.rs. `paths`: each ended by NUL; `found`: for `stackbuild_free`.
#[no_mangle]
pub unsafe extern "C" fn stackbuild_list(paths: *const u8, paths_length: usize, found: *mut Owned) -> i64 {
    guarded(|| {
        let listed = looks::list(slice(paths, paths_length)).into_boxed_slice();
        let length = listed.len();
        found.write(Owned { bytes: Box::into_raw(listed).cast(), length });
        DONE
    })
}

/// Takes back what `stackbuild_list` gave.
#[no_mangle]
pub unsafe extern "C" fn stackbuild_free(bytes: *mut u8, length: usize) -> i64 {
    guarded(|| {
        drop(Box::from_raw(slice_mut(bytes, length)));
        DONE
    })
}

/// See unchanged.rs. -1: all is as it was; else the index of a record that is not.
#[no_mangle]
pub unsafe extern "C" fn stackbuild_unchanged(records: *const u8, length: usize, ahead: i32) -> i64 {
    guarded(|| match unchanged::parse(slice(records, length)) {
        None => MALFORMED,
        Some(records) => unchanged::first_changed(&records, ahead != 0).map_or(DONE, |index| index as i64),
    })
}

/// See ahead.rs. `paths`: each ended by NUL.
#[no_mangle]
pub unsafe extern "C" fn stackbuild_look_ahead(paths: *const u8, paths_length: usize, deep: i32) -> i64 {
    guarded(|| {
        let folders = looks::by_fields(slice(paths, paths_length)).map(<[u8]>::to_vec).collect();
        ahead::begin(folders, deep != 0);
        DONE
    })
}
