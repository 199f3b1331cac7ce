//! A cache for values that are expensive to derive from a text, such as keys, in an instance that handles many requests. A
//! value is reused until the text changes. The text is still read for each request, so that the next request notices a
//! rotated key.
//!
//! Texts are compared by their SHA-256, because the texts of secrets are wiped after each request.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use hmac_sha256::Hash;

/// A slot for one value.
pub struct Slot<T>(RefCell<Option<(Digest, Rc<T>)>>);

type Digest = [u8; 32];

impl<T> Slot<T> {
    /// Returns the value that `make` derives from these texts, or the kept value if the texts are unchanged. If they have
    /// changed, the kept value is dropped, even if `make` fails. Without a slot nothing is kept or compared.
    ///
    /// # Errors
    /// The error of `make`, which is not kept.
    pub fn get<E>(
        slot: Option<&Self>,
        texts: &[&str],
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Rc<T>, E> {
        // An instance of the build for WASI 0.2 handles one request, and that build should not contain this code.
        let Some(Self(kept)) = slot.filter(|_| cfg!(any(test, feature = "wasi-p3"))) else {
            return make().map(Rc::new);
        };
        let digest = digest(texts);
        match &*kept.borrow() {
            Some((of, value)) if *of == digest => return Ok(value.clone()),
            _ => {}
        }
        kept.take();
        let value = Rc::new(make()?);
        kept.replace(Some((digest, value.clone())));
        Ok(value)
    }
}

/// Returns a digest of several texts that also depends on where each text ends.
fn digest(texts: &[&str]) -> Digest {
    let mut hash = Hash::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.finalize()
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T> fmt::Debug for Slot<T> {
    // Without the value, which is usually a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[elided]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_anew_exactly_when_a_text_is_another() {
        let slot = Slot::default();
        let mut made = 0;
        let mut get = |texts: &[&str]| {
            let result = Slot::get(Some(&slot), texts, || {
                made += 1;
                if texts.contains(&"wrong") {
                    Err(())
                } else {
                    Ok(texts.concat())
                }
            });
            (result.map(|value| (*value).clone()), made)
        };
        for (texts, result, made) in [
            (&["key", "a"][..], Ok("keya"), 1),
            (&["key", "a"], Ok("keya"), 1),
            (&["key", "b"], Ok("keyb"), 2),
            (&["ke", "yb"], Ok("keyb"), 3),
            (&["keyb"], Ok("keyb"), 4),
            (&["keyb", ""], Ok("keyb"), 5),
            (&["wrong"], Err(()), 6),
            (&["wrong"], Err(()), 7),
            (&["keyb", ""], Ok("keyb"), 8),
            (&["keyb", ""], Ok("keyb"), 8),
        ] {
            let expected = (result.map(str::to_owned), made);
            assert_eq!(get(texts), expected, "{texts:?}");
        }
    }

    #[test]
    fn what_was_made_of_another_text_is_dropped_before_and_without_a_slot_nothing_is_kept() {
        let slot = Slot::default();
        let first = Slot::get(Some(&slot), &["a"], || Ok::<_, ()>(1)).unwrap();
        assert_eq!(Rc::strong_count(&first), 2);
        let failed = Slot::get(Some(&slot), &["b"], || {
            assert_eq!(Rc::strong_count(&first), 1);
            Err(())
        });
        assert_eq!(failed, Err(()));
        let alone = Slot::get(None, &["a"], || Ok::<_, ()>(2)).unwrap();
        assert_eq!((*alone, Rc::strong_count(&alone)), (2, 1));
        assert_eq!(format!("{slot:?}"), "[elided]");
    }
}
