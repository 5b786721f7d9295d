//! Headers of plain files in the ustar format (IEEE Std 1003.1, pax, "ustar Interchange Format"). The other half is
//! ustar.py.

pub const BLOCK: usize = 512;
const NAME: usize = 100;
const PREFIX: usize = 155;

/// What a header says beside the name, and where in `out` it goes.
#[repr(C)]
pub struct Row {
    pub place: i64,
    pub size: i64,
    pub mode: i64,
    pub uid: i64,
    pub gid: i64,
    pub mtime: i64, // seconds
}

/// Writes a header for each file of `paths` (each ended by NUL) as its row in `table` says, and zeros elsewhere.
///
/// False where something does not fit, be it into `out` or into a header; then `out` holds nothing of use.
pub fn write_headers(paths: &[u8], table: &[Row], out: &mut [u8]) -> bool {
    let named = paths.iter().filter(|&&byte| byte == 0).count();
    if named != table.len() {
        return false;
    }
    out.fill(0);
    paths.split(|&byte| byte == 0).zip(table).all(|(path, row)| {
        let place = usize::try_from(row.place).ok();
        let end = place.and_then(|place| place.checked_add(BLOCK));
        match (place, end) {
            (Some(place), Some(end)) if end <= out.len() => write(path, row, &mut out[place..end]).is_some(),
            _ => false,
        }
    })
}

/// Writes one into a block of zeros; None where something does not fit.
pub fn write(path: &[u8], row: &Row, block: &mut [u8]) -> Option<()> {
    let (prefix, name) = split(path)?;
    block[..name.len()].copy_from_slice(name);
    octal(&mut block[100..107], row.mode)?;
    octal(&mut block[108..115], row.uid)?;
    octal(&mut block[116..123], row.gid)?;
    octal(&mut block[124..135], row.size)?;
    octal(&mut block[136..147], row.mtime)?;
    block[148..157].copy_from_slice(b"        0"); // the sum counts itself as blanks; a regular file
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[329..336].copy_from_slice(b"0000000");
    block[337..344].copy_from_slice(b"0000000");
    block[345..345 + prefix.len()].copy_from_slice(prefix);
    let sum: i64 = block.iter().map(|&byte| i64::from(byte)).sum();
    octal(&mut block[148..154], sum)?;
    block[154] = 0;
    Some(())
}

/// A path as prefix and name; None where ustar cannot hold it.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= NAME {
        return Some((b"", path));
    }
    let cut = path[..path.len().min(PREFIX + 1)].iter().rposition(|&byte| byte == b'/')?;
    let name = &path[cut + 1..];
    if cut == 0 || name.is_empty() || name.len() > NAME {
        return None;
    }
    Some((&path[..cut], name))
}

/// Writes a number's octal digits, with noughts before them; None where it does not fit.
fn octal(place: &mut [u8], number: i64) -> Option<()> {
    let mut left = u64::try_from(number).ok()?;
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (left & 7) as u8;
        left >>= 3;
    }
    if left == 0 {
        Some(())
    } else {
        None
    }
}
