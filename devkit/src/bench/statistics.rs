//! What many measurements of the same thing come to.
//!
//! Medians and quartiles, not means and deviations: a measurement that another program disturbed is longer by any amount,
//! and one of them must not move the result.

use std::time::Duration;

use serde::Serialize;

/// The middle of some measurements, and the range of the middle half of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Half of them are smaller.
    pub median: f64,
    /// A quarter of them are smaller.
    pub lower: f64,
    /// A quarter of them are larger.
    pub upper: f64,
}

impl Spread {
    /// Of at least one measurement.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&sorted, 0.5)?,
            lower: quantile(&sorted, 0.25)?,
            upper: quantile(&sorted, 0.75)?,
        })
    }

    /// How far the middle half reaches from the median, at most, as a part of the median.
    #[must_use]
    pub fn relative(&self) -> f64 {
        (self.upper - self.median).max(self.median - self.lower) / self.median
    }
}

/// The value below which the part `q` (0 to 1) of `sorted` lies; between two values, in proportion.
#[must_use]
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = q.clamp(0.0, 1.0) * last as f64;
    // Not larger than `last`, and not negative.
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    let part = position - below as f64;
    Some(sorted[below] + (sorted[above] - sorted[below]) * part)
}

/// Milliseconds.
#[must_use]
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_median() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn one_value_is_all_of_its_quantiles() {
        let spread = Spread::of(&[3.0]).unwrap();
        assert_eq!((spread.lower, spread.median, spread.upper), (3.0, 3.0, 3.0));
        assert_eq!(spread.relative(), 0.0);
    }

    #[test]
    fn quantiles_lie_between_values() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!(
            (spread.lower, spread.median, spread.upper),
            (1.75, 2.5, 3.25)
        );
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 1.0), Some(3.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 7.0), Some(3.0));
    }

    #[test]
    fn a_disturbed_measurement_does_not_move_the_median() {
        let calm = Spread::of(&[1.0, 1.1, 1.2, 1.3, 1.4]).unwrap();
        let disturbed = Spread::of(&[1.0, 1.1, 1.2, 1.3, 900.0]).unwrap();
        assert_eq!(calm.median, disturbed.median);
    }
}
