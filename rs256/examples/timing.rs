//! Looks for a difference in time, as `dudect` does (Reparaz, Balasch, Verbauwhede 2017): two classes of input in random
//! order, and Welch's t-test over the times. A |t| under 4.5 tells that none was found with so many samples; otherwise the
//! exit code is 1.
//!
//! ```text
//! for i in 1 2; do openssl genrsa 2048 | openssl pkcs8 -topk8 -nocrypt -outform DER | xxd -p -c 9999; done > target/keys
//! RS256_SAMPLES=100000 cargo run --release -p rs256 --example timing --target wasm32-wasip2 < target/keys
//! ```
//!
//! The classes are two keys, and with one key a message that stays the same and messages at random. The key is read anew
//! for each signature, into the same memory: two keys beside one another would differ in their addresses.

use std::env;
use std::io;
use std::process::ExitCode;
use std::time::Instant;

use getrandom::SysRng;
use rs256::SigningKey;

fn bytes(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len())
        .step_by(2)
        .map(|place| u8::from_str_radix(hex.get(place..place + 2)?, 16).ok())
        .collect()
}

fn mean_and_variance(times: &[f64]) -> (f64, f64) {
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    let squares = times.iter().map(|time| (time - mean).powi(2));
    (mean, squares.sum::<f64>() / (count - 1.0))
}

/// Welch's t.
fn t(classes: &[Vec<f64>; 2]) -> f64 {
    let [(mean_a, variance_a), (mean_b, variance_b)] =
        classes.each_ref().map(|times| mean_and_variance(times));
    let [count_a, count_b] = classes.each_ref().map(|times| times.len() as f64);
    (mean_a - mean_b) / (variance_a / count_a + variance_b / count_b).sqrt()
}

/// From which |t| on a difference counts, as in dudect.
const THRESHOLD: f64 = 4.5;

/// Of all samples, and of those below some quantiles: interruptions make long times, which hide small differences.
/// Returns whether no difference was found.
fn report(what: &str, classes: &[Vec<f64>; 2]) -> bool {
    let mut equal = true;
    let mut all = classes.concat();
    all.sort_by(f64::total_cmp);
    print!(
        "{what}: {} samples, median {:.0} ns",
        all.len(),
        all[all.len() / 2]
    );
    for percent in [100, 99, 90, 50] {
        let limit = all[(all.len() - 1) * percent / 100];
        let below = classes.each_ref().map(|times| {
            let times = times.iter().copied().filter(|time| *time <= limit);
            times.collect::<Vec<_>>()
        });
        let t = t(&below);
        // Also where it is not a number.
        equal &= t.abs() < THRESHOLD;
        print!(", t of {percent} % {t:.2}");
    }
    println!("{}", if equal { "" } else { ": a difference" });
    equal
}

/// The times of two classes; `choose` gives key and message of a class.
fn measure(samples: usize, choose: impl Fn(usize) -> (Vec<u8>, Vec<u8>)) -> [Vec<f64>; 2] {
    let mut classes = [vec![], vec![]];
    for sample in 0..samples + 200 {
        let class = usize::from(getrandom::u32().expect("there is randomness") % 2 == 1);
        let (der, message) = choose(class);
        let key = SigningKey::from_pkcs8_der(&der).expect("a good key");
        let start = Instant::now();
        let signature = key.sign(&message, &mut SysRng);
        let time = start.elapsed();
        assert!(signature.is_ok());
        // The first ones warm caches up.
        if sample >= 200 {
            classes[class].push(time.as_nanos() as f64);
        }
    }
    classes
}

fn main() -> ExitCode {
    let samples = env::var("RS256_SAMPLES").map_or(10_000, |text| text.parse().expect("a number"));
    let keys: Vec<_> = io::stdin()
        .lines()
        .map(|line| bytes(&line.expect("the input can be read")).expect("hexadecimal"))
        .collect();
    assert_eq!(keys.len(), 2, "two keys are read");
    let fixed = [0x5A; 32];
    let times = measure(samples, |class| (keys[class].clone(), fixed.to_vec()));
    let keys_equal = report("two keys", &times);
    let times = measure(samples, |class| {
        let mut message = fixed.to_vec();
        let mut random = vec![0; 32];
        getrandom::fill(&mut random).expect("there is randomness");
        if class == 1 {
            message.copy_from_slice(&random);
        }
        (keys[0].clone(), message)
    });
    if report("two kinds of messages", &times) && keys_equal {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
