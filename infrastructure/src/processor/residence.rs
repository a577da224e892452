//! Which aggregates are held: a slot is opened for a command and closed when there are too many.
//! Not here: what happens in a slot.

use super::{cache::Rest, engine::Engine, load::Loaded, slot::Slot};
use crate::store::StreamKey;

impl Engine {
    /// A new slot; none, if there is no such aggregate type.
    pub(super) fn open(&mut self, key: StreamKey) -> Option<usize> {
        let kind = self.aggregates.get(&key.aggregate)?.kind.clone();
        let id = self.slots.insert(Slot::new(key.clone(), kind));
        self.places.insert(key, id);
        Some(id)
    }

    /// Nothing waits on the slot and nothing is under way.
    pub(super) fn retire(&mut self, id: usize) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        match slot.loaded.as_mut().map(Loaded::bytes) {
            // What does not fit alone must not drive the others out.
            Some(bytes) if bytes <= self.options.cache_bytes_max => {
                slot.rest = Some(self.idle.enter(id, bytes));
            }
            Some(_) | None => self.close(id),
        }
    }

    fn close(&mut self, id: usize) {
        if let Some(slot) = self.slots.try_remove(id) {
            self.places.remove(&slot.key);
        }
    }

    /// Closes the slots that have been idle longest while there are too many.
    pub(super) fn evict(&mut self) {
        let Self { options, idle, slots, .. } = self;
        let mut gone = Vec::new();
        while idle.exceeds(options.cache_max, options.cache_bytes_max) {
            let is_current =
                |rest: &Rest| slots.get(rest.slot).is_some_and(|slot| slot.rest == Some(*rest));
            let Some(rest) = idle.oldest(is_current) else { break };
            idle.leave(rest);
            gone.push(rest.slot);
        }
        idle.tidy(|rest| slots.get(rest.slot).is_some_and(|slot| slot.rest == Some(*rest)));
        gone.into_iter().for_each(|id| self.close(id));
    }
}
