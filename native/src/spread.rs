//! Work on many things, spread over a few threads.

use std::sync::Mutex;
use std::thread;

const THREADS: usize = 4;

/// Has this thread, and others where there are `pieces` for them, do `work`; where no more is to be had, this one does
/// all.
pub fn by_threads(pieces: usize, work: impl Fn() + Sync) {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 1..cores.min(THREADS).min(pieces) {
            let _ = thread::Builder::new().spawn_scoped(scope, &work);
        }
        work();
    });
}

/// Does `work` with each of `things` and the place for its result; a thread takes `batch` of them at once.
pub fn spread<T: Sync, R: Send>(things: &[T], results: &mut [R], batch: usize, work: impl Fn(&T, &mut R) + Sync) {
    let rest = Mutex::new(things.chunks(batch).zip(results.chunks_mut(batch)));
    by_threads(1 + things.len() / batch, || loop {
        let next = rest.lock().map(|mut rest| rest.next());
        match next {
            Ok(Some((things, results))) => things.iter().zip(results).for_each(|(thing, result)| work(thing, result)),
            _ => return,
        }
    });
}
