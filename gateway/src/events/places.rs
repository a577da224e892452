//! Places for open streams and exports: so many in all, and so many for each caller, so that one of them leaves
//! some to the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The places of one gateway.
#[derive(Debug)]
pub(crate) struct Places {
    all: usize,
    each: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Those who have one, so no more entries than places.
    by_caller: HashMap<Arc<str>, usize>,
}

/// One place, free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    caller: Option<Arc<str>>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    #[error("too many streams and exports are open here")]
    All,
    #[error("too many streams and exports of yours are open here")]
    Yours,
}

impl Places {
    pub(crate) fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self { all, each, taken: Mutex::default() })
    }

    /// A place for `caller`. Without access control nobody is told from another, and only the places
    /// in all are counted.
    pub(crate) fn take(self: &Arc<Self>, caller: Option<Arc<str>>) -> Result<Place, Full> {
        let mut taken = self.taken();
        if taken.all >= self.all {
            return Err(Full::All);
        }
        if let Some(caller) = &caller {
            let own = taken.by_caller.get(caller).copied().unwrap_or_default();
            if own >= self.each {
                return Err(Full::Yours);
            }
            taken.by_caller.insert(Arc::clone(caller), own + 1);
        }
        taken.all += 1;
        drop(taken);
        Ok(Place { places: Arc::clone(self), caller })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all = taken.all.saturating_sub(1);
        let Some(caller) = &self.caller else { return };
        match taken.by_caller.get_mut(caller) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(taken.by_caller.remove(caller)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_leaves_places_to_others_and_gives_its_own_back() {
        let places = Places::new(3, 2);
        let take = |caller: &str| places.take(Some(caller.into()));
        let (one, two) = (take("a").unwrap(), take("a").unwrap());
        assert_eq!(take("a").unwrap_err(), Full::Yours);
        let other = take("b").unwrap();
        assert_eq!(take("c").unwrap_err(), Full::All);
        assert_eq!(places.take(None).unwrap_err(), Full::All);
        drop(one);
        let again = take("a").unwrap();
        drop((two, other, again));
        assert!(places.taken().by_caller.is_empty(), "who has no place is forgotten");
        let nobodys = [places.take(None), places.take(None), places.take(None)];
        assert!(nobodys.iter().all(Result::is_ok));
    }
}
