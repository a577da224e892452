//! Verifying keys: a few at a time on threads of their own, and not more waiting than can be borne.
//! Not here: what follows from it.

use std::{sync::Arc, thread};

use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    book::{Digest, Kept},
    key::{ApiKey, BadKey, KeyHash},
};

/// Verifications at a time at most: each takes a core and 19 MiB.
const AT_WORK_MAX: usize = 4;
/// Verifications that wait for their turn; more are told to come back.
const WAITING_MAX: usize = 64;

/// Where keys are verified.
#[derive(Debug)]
pub(super) struct Desk {
    at_work: Arc<Semaphore>,
    places: Arc<Semaphore>,
    nobody: KeyHash,
    digest: kit::Secret,
}

/// Too many wait already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl Desk {
    pub(super) fn new() -> Result<Self, BadKey> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| BadKey::Random)?;
        let cores = thread::available_parallelism().map_or(1, usize::from).min(AT_WORK_MAX);
        Ok(Self {
            at_work: Arc::new(Semaphore::new(cores)),
            places: Arc::new(Semaphore::new(cores + WAITING_MAX)),
            nobody: KeyHash::of_nobody()?,
            digest: kit::Secret::new(bytes),
        })
    }

    /// Whether `key` is `kept` and was verified before.
    pub(super) fn knows(&self, key: &ApiKey, kept: Option<&Kept>) -> bool {
        let digest = self.digest(key);
        kept.and_then(|kept| kept.verified.get()).is_some_and(|known| *known == digest)
    }

    /// Whether `key` is `kept`. One that is not kept at all costs the same, and is not.
    pub(super) async fn verify(&self, key: ApiKey, kept: Option<Arc<Kept>>) -> Result<bool, Full> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Full)?;
        let turn = Arc::clone(&self.at_work).acquire_owned().await.map_err(|_| Full)?;
        let (digest, nobody) = (self.digest(&key), self.nobody.clone());
        let verified = spawn_blocking(move || {
            // The places are given back when the work is done, also if nobody waits for it any more.
            let _held = (place, turn);
            let hash = kept.as_ref().map_or(&nobody, |kept| &kept.entry.hash);
            let fits = hash.verify(&key);
            match kept {
                Some(kept) if fits => {
                    kept.verified.get_or_init(|| digest);
                    true
                }
                _ => false,
            }
        });
        // A panic is a bug; nobody gets in by it.
        Ok(verified.await.unwrap_or(false))
    }

    fn digest(&self, key: &ApiKey) -> Digest {
        self.digest.digest("api key", key.reveal().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::OnceLock};

    use chrono::Utc;

    use super::*;
    use crate::access::KeyEntry;

    fn kept(key: &ApiKey) -> Arc<Kept> {
        let entry = KeyEntry {
            owner: None,
            id: key.id().clone(),
            name: "test".to_owned(),
            roles: BTreeSet::new(),
            hash: key.hash().unwrap(),
            created: Utc::now(),
            expires: None,
            revoked: false,
        };
        Arc::new(Kept { entry, verified: OnceLock::new() })
    }

    #[tokio::test]
    async fn a_key_is_known_once_it_was_verified_and_no_other_is() {
        let desk = Desk::new().unwrap();
        let key = ApiKey::generate().unwrap();
        let kept = kept(&key);
        let other: ApiKey = format!("hw_{}_other", key.id()).parse().unwrap();
        assert!(!desk.knows(&key, Some(&kept)));
        assert_eq!(desk.verify(other.clone(), Some(Arc::clone(&kept))).await, Ok(false));
        assert!(kept.verified.get().is_none());
        assert_eq!(desk.verify(key.clone(), Some(Arc::clone(&kept))).await, Ok(true));
        assert!(desk.knows(&key, Some(&kept)));
        assert!(!desk.knows(&other, Some(&kept)) && !desk.knows(&key, None));
        assert_eq!(desk.verify(key, None).await, Ok(false));
    }

    #[tokio::test]
    async fn who_comes_to_a_full_desk_is_told_so() {
        let desk = Desk::new().unwrap();
        let all = Arc::clone(&desk.places)
            .try_acquire_many_owned(desk.places.available_permits().try_into().unwrap());
        assert_eq!(desk.verify(ApiKey::generate().unwrap(), None).await, Err(Full));
        drop(all);
        assert_eq!(desk.verify(ApiKey::generate().unwrap(), None).await, Ok(false));
    }

    #[tokio::test]
    async fn an_id_that_there_is_not_costs_a_hash_of_the_same_parameters() {
        let desk = Desk::new().unwrap();
        let parameters = |hash: &KeyHash| {
            String::from(hash.clone()).split('$').take(4).collect::<Vec<_>>().join("$")
        };
        let real = ApiKey::generate().unwrap().hash().unwrap();
        assert_eq!(parameters(&desk.nobody), parameters(&real));
    }
}
