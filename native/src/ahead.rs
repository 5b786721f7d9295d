//! Looks taken before anybody asks for them, while the program loads. Each is given once, and only while it is fresh;
//! whoever asks first ends the looking.

use crate::looks::{entries, joined, listing_of, path_of, UNFILLED};
use crate::signature::Row;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const FRESH: Duration = Duration::from_secs(2);
const PASSED: &[u8] = b".git"; // no walk enters it

/// What was in a folder. listing: as `looks::list` says it; rows: of its regular files, in order.
pub struct Look {
    taken: Instant,
    listed: AtomicBool,
    listing: Vec<u8>,
    rows: Vec<Row>,
}

static LOOKS: Mutex<Option<HashMap<Vec<u8>, Arc<Look>>>> = Mutex::new(None);
static ASKED: AtomicBool = AtomicBool::new(false);
static BEGUN: AtomicUsize = AtomicUsize::new(0); // times

impl Look {
    fn of(folder: &[u8]) -> Option<Look> {
        let taken = Instant::now();
        let found = entries(path_of(folder), true, &[]).ok()?; // what cannot be had is told to who asks for it
        let rows = found.iter().filter_map(|entry| entry.2).collect();
        Some(Look { taken, listed: AtomicBool::new(false), listing: listing_of(&found), rows })
    }

    fn is_fresh(&self) -> bool {
        self.taken.elapsed() < FRESH
    }

    /// Each name, what it is, and the row of a regular file.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], u8, Option<&Row>)> {
        let mut names = self.listing.split(|&byte| byte == 0);
        let letters = names.next().unwrap_or(&[]);
        let mut rows = self.rows.iter();
        names.zip(letters).map(move |(name, &letter)| (name, letter, if letter == b'f' { rows.next() } else { None }))
    }
}

/// Has a thread look into folders, and with `deep` into those below, until anybody asks.
pub fn begin(folders: Vec<Vec<u8>>, deep: bool) {
    ASKED.store(false, Relaxed);
    let turn = BEGUN.fetch_add(1, Relaxed) + 1;
    if let Ok(mut looks) = LOOKS.lock() {
        *looks = Some(HashMap::new());
    }
    let work = move || {
        look(folders, deep);
        thread::sleep(FRESH);
        if let (Ok(mut looks), true) = (LOOKS.lock(), BEGUN.load(Relaxed) == turn) {
            *looks = None;
        }
    };
    let _ = thread::Builder::new().spawn(work); // where none is to be had, nothing is ahead
}

fn look(mut folders: Vec<Vec<u8>>, deep: bool) {
    let began = Instant::now();
    while let Some(folder) = folders.pop() {
        if began.elapsed() > FRESH {
            return; // nobody asks
        }
        let found = Look::of(&folder);
        if let (Some(look), true) = (&found, deep) {
            let below = look.entries().filter(|(name, letter, _)| *letter == b'd' && *name != PASSED);
            folders.extend(below.map(|(name, _, _)| joined(&folder, name)));
        }
        let mut looks = match LOOKS.lock() {
            Ok(looks) if !ASKED.load(Relaxed) => looks,
            _ => return,
        };
        if let (Some(looks), Some(look)) = (looks.as_mut(), found) {
            looks.insert(folder, Arc::new(look));
        }
    }
}

/// What is known of a folder.
pub fn seen(folder: &[u8]) -> Option<Arc<Look>> {
    ASKED.store(true, Relaxed);
    let looks = LOOKS.lock().ok()?;
    let look = looks.as_ref()?.get(folder)?;
    Some(look).filter(|look| look.is_fresh()).cloned()
}

/// What is in a folder, if nobody was told yet.
pub fn listing(folder: &[u8]) -> Option<Vec<u8>> {
    let look = seen(folder)?;
    if look.listed.swap(true, Relaxed) {
        return None;
    }
    Some(look.listing.clone())
}

/// Makes the rows of a folder's files, which are sorted by their names, what is known of them, else 0.
pub fn fill(folder: &[u8], names: &[&[u8]], rows: &mut [Row]) {
    ASKED.store(true, Relaxed);
    rows.fill(UNFILLED);
    if let Some(look) = taken(folder) {
        let mut known = look.entries();
        for (name, row) in names.iter().zip(rows) {
            match known.find(|(other, _, _)| other == name) {
                Some((_, _, Some(found))) => *row = *found,
                _ => break, // one that was no file, or is out of order
            }
        }
    }
}

fn taken(folder: &[u8]) -> Option<Arc<Look>> {
    let look = LOOKS.lock().ok()?.as_mut()?.remove(folder)?;
    Some(look).filter(|look| look.is_fresh())
}
