//! The key-value store's entries about invitations: which were withdrawn, and how often those with a limit were used.
//!
//! An invitation that cannot be looked up is rejected, because it may have been withdrawn. So a host without a store
//! accepts no invitations.
#![forbid(unsafe_code)]

use super::error::{Cause, Error, MAX_LIFETIME_SECONDS};
use super::id::Id;
use crate::environment::Store;

/// The prefix, before the id, of the key that marks an invitation as withdrawn. The value is a time by which the invitation
/// has expired for certain, in seconds since 1970-01-01 UTC.
const WITHDRAWN: &str = "jaas-jwt.v1.revoked.";
/// The prefix, before the id, of the key that counts uses. The value is the count, a space, and the invitation's expiry.
const USES: &str = "jaas-jwt.v1.uses.";

/// How often counting is attempted. An attempt fails only if another request has counted successfully.
const MAX_TRIES: usize = 64;
/// How many entries of expired invitations one withdrawal removes.
const MAX_REMOVED: usize = 100;

/// Whether the invitation was withdrawn.
pub(super) fn is_withdrawn(store: &dyn Store, id: &Id) -> Result<bool, Error> {
    Ok(store.get(&key(WITHDRAWN, id))?.is_some())
}

/// Withdraws an invitation, and removes some entries of expired ones.
pub(super) fn withdraw(store: &dyn Store, id: &Id, now: u64) -> Result<(), Error> {
    // Only the id is known, so this assumes the maximum lifetime.
    let expired = now.saturating_add(MAX_LIFETIME_SECONDS);
    store.set(&key(WITHDRAWN, id), expired.to_string().as_bytes())?;
    // Withdrawing has succeeded even if this fails. The next withdrawal removes the rest.
    let _ = forget_expired(store, now);
    Ok(())
}

/// Checks that a use is left.
pub(super) fn check_uses(store: &dyn Store, id: &Id, max_uses: u32) -> Result<(), Error> {
    let current = store.get(&key(USES, id))?;
    next_use(current.as_deref(), max_uses).map(|_| ())
}

/// Returns the count after the next use.
fn next_use(current: Option<&[u8]>, max_uses: u32) -> Result<u64, Error> {
    let used = match current {
        None => 0,
        // A value that this service did not write counts as used up.
        Some(value) => first_number(value).unwrap_or(u64::MAX),
    };
    if used >= u64::from(max_uses) {
        return Err(Cause::UsedUp.into());
    }
    Ok(used + 1)
}

/// Counts a use.
pub(super) fn count(
    store: &dyn Store,
    id: &Id,
    max_uses: u32,
    expires_at: u64,
) -> Result<(), Error> {
    let key = key(USES, id);
    for _ in 0..MAX_TRIES {
        let current = store.get(&key)?;
        let next = next_use(current.as_deref(), max_uses)?;
        let next = format!("{next} {expires_at}");
        if store.replace(&key, current.as_deref(), next.as_bytes())? {
            return Ok(());
        }
    }
    Err(Error::StoreUnavailable)
}

fn forget_expired(store: &dyn Store, now: u64) -> Result<(), Error> {
    let is_own = |key: &String| key.starts_with(WITHDRAWN) || key.starts_with(USES);
    let mut removed = 0;
    for key in store.keys()?.iter().filter(|key| is_own(key)) {
        let value = store.get(key)?.unwrap_or_default();
        if last_number(&value).is_some_and(|expired| expired < now) {
            store.delete(key)?;
            removed += 1;
        }
        if removed == MAX_REMOVED {
            break;
        }
    }
    Ok(())
}

fn key(prefix: &str, id: &Id) -> String {
    format!("{prefix}{}", id.as_str())
}

fn first_number(value: &[u8]) -> Option<u64> {
    str::from_utf8(value).ok()?.split(' ').next()?.parse().ok()
}

fn last_number(value: &[u8]) -> Option<u64> {
    str::from_utf8(value).ok()?.rsplit(' ').next()?.parse().ok()
}
