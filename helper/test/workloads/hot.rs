// CPU work of known shares in Rust: 60 % hot::work::sixty, 30 % thirty, 10 % ten. Names need demangling.
// Called by the root tests: hot-rust [SECONDS]   (default 600; ends earlier on SIGTERM)
use std::io::Write;
use std::time::{Duration, Instant};

mod work {
    const ROUND: u64 = 20_000;

    #[inline(never)]
    pub fn sixty(mut x: u64) -> u64 {
        for i in 0..6 * ROUND {
            x = x.wrapping_mul(6364136223846793005).wrapping_add(i);
        }
        x
    }

    #[inline(never)]
    pub fn thirty(mut x: u64) -> u64 {
        for i in 0..3 * ROUND {
            x = x.wrapping_mul(2862933555777941757).wrapping_add(i);
        }
        x
    }

    #[inline(never)]
    pub fn ten(mut x: u64) -> u64 {
        for i in 0..ROUND {
            x = x.wrapping_mul(3935559000370003845).wrapping_add(i);
        }
        x
    }
}

#[inline(never)]
fn one_round(x: u64) -> u64 {
    let sixty = work::sixty(x);
    let thirty = work::thirty(sixty);
    keep(work::ten(thirty))
}

/// Like std::hint::black_box, which Debian 12's rustc (1.63) does not have yet.
#[inline(always)]
fn keep(mut x: u64) -> u64 {
    unsafe { std::ptr::read_volatile(&mut x) }
}

fn main() {
    let seconds = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(600.0);
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    println!("ready");
    std::io::stdout().flush().unwrap();
    let mut x = 1;
    while Instant::now() < end {
        x = one_round(x);
    }
    keep(x);
}
