use super::*;

const OFTEN: Duration = Duration::from_millis(5);

fn many(seeds: Range<u64>, threads: usize) -> Many {
    Many { seeds, threads, told_every: OFTEN }
}

#[test]
fn every_seed_is_lived_once_whatever_fails() {
    let lived = AtomicU64::new(0);
    let mut failed = Vec::new();
    let one = |seed| {
        lived.fetch_add(seed, Ordering::Relaxed);
        if seed % 3 == 0 { Err(format!("{seed} is bad")) } else { Ok(()) }
    };
    let done = many(1_000..2_000, 4).live(one, |news| {
        if let News::Failed { seed, why } = news {
            assert_eq!(why, format!("{seed} is bad"));
            failed.push(seed);
        }
        ControlFlow::Continue(())
    });
    assert_eq!((done, lived.into_inner()), (1_000, (1_000..2_000).sum()));
    failed.sort_unstable();
    assert_eq!(failed, (1_000..2_000).filter(|seed| seed % 3 == 0).collect::<Vec<_>>());
}

#[test]
fn enough_ends_it_before_the_last_seed() {
    let done = many(0..1 << 60, 2).live(|_| Err(String::new()), |_| ControlFlow::Break(()));
    assert!(done < 1_000, "{done}");
}

#[test]
fn a_seed_that_goes_on_and_on_is_named() {
    let is_named = AtomicBool::new(false);
    let one = |seed| {
        while seed == 7 && !is_named.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        Ok(())
    };
    many(0..100, 2).live(one, |news| {
        if let News::GoesOn { slow: Some(seed), .. } = news {
            assert_eq!(seed, 7);
            is_named.store(true, Ordering::Relaxed);
        }
        ControlFlow::Continue(())
    });
    assert!(is_named.into_inner());
}
