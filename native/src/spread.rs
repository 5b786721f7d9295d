//! Work on many things, spread over a few threads.

use std::sync::Mutex;
use std::thread;

const THREADS: usize = 4;

/// How many threads are to share `pieces` of work, this one among them.
pub fn threads(pieces: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    cores.min(THREADS).min(pieces.max(1))
}

/// Does `work` by this thread and `others` more; where no thread is to be had, this one does all.
pub fn by_threads(others: usize, work: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..others {
            let _ = thread::Builder::new().spawn_scoped(scope, &work);
        }
        work();
    });
}

/// Does `work` with each of `things` and the place for its result; a thread takes `batch` of them at once.
pub fn spread<T: Sync, R: Send>(things: &[T], results: &mut [R], batch: usize, work: impl Fn(&T, &mut R) + Sync) {
    let pieces = things.len() / batch;
    let rest = Mutex::new(things.chunks(batch).zip(results.chunks_mut(batch)));
    by_threads(threads(1 + pieces) - 1, || loop {
        let next = rest.lock().map(|mut rest| rest.next());
        match next {
            Ok(Some((things, results))) => things.iter().zip(results).for_each(|(thing, result)| work(thing, result)),
            _ => return,
        }
    });
}
