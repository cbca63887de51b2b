use super::*;
use proptest::prelude::*;

const MSS: u32 = 1_460;
const FINE: f64 = 65_536.0;

#[test]
fn cube_roots_of_cubes_and_their_neighbours_are_exact() {
    for root in (0..=2_000u32).chain([46_340, 65_535, 1 << 20, (1 << 27) - 1, u32::MAX]) {
        let cube = u128::from(root).pow(3);
        assert_eq!(cube_root(cube), root);
        if root > 1 {
            assert_eq!(cube_root(cube - 1), root - 1);
            assert_eq!(cube_root(cube + 1), root);
        }
    }
}

proptest! {
    #[test]
    fn a_cube_root_lies_below_its_cube_and_above_the_next(cube in 0..1u128 << 95) {
        let root = u128::from(cube_root(cube));
        prop_assert!(root.pow(3) <= cube && cube < (root + 1).pow(3));
        let reference = (cube as f64).cbrt();
        prop_assert!((root as f64 - reference).abs() <= 1.0 + reference * 1e-12, "{root} {reference}");
    }

    #[test]
    fn k_is_the_time_of_the_formula(bytes in 0..=1u32 << 30, mss in 1..=65_535u32) {
        let reference = (f64::from(bytes) / (0.4 * f64::from(mss))).cbrt();
        let k = f64::from(time_to_grow(bytes, mss)) / FINE;
        prop_assert!((k - reference).abs() <= 1.0 / FINE, "{k} {reference}");
    }

    #[test]
    fn the_curve_grows_as_the_formula_says(t in 0..1u32 << 27, mss in 1..=65_535u32) {
        let reference = (0.4 * f64::from(mss) * (f64::from(t) / FINE).powi(3)).min(f64::from(u32::MAX));
        // C * MSS is known to 2^-16 of a byte.
        let error = 1.0 + reference * 5e-5 / f64::from(mss).min(20.0);
        let grown = f64::from(growth_in(t, mss));
        prop_assert!((grown - reference).abs() <= error, "{grown} {reference}");
    }

    #[test]
    fn nanoseconds_become_fine_seconds(ns in 0..1u64 << 45) {
        let reference = ns as f64 / 1e9 * FINE;
        prop_assert!((f64::from(fine_seconds(ns)) - reference).abs() <= 1.0 + reference * 1e-12);
    }
}

#[test]
fn times_beyond_any_connection_saturate() {
    assert_eq!(fine_seconds(u64::MAX), u32::MAX);
    assert_eq!(growth_in(u32::MAX, 65_535), u32::MAX);
    assert_eq!(growth_in(u32::MAX, 1), growth_in(1 << 27, 1));
    assert!(growth_in(1 << 27, 1) >= Cwnd::BYTES_MAX);
}

#[test]
fn the_line_of_reno_loses_no_bytes_to_rounding() {
    let cwnd_bytes = 1 << 24;
    let mut curve = Curve::without_loss(2 * cwnd_bytes);
    curve.begin(Instant::ZERO, cwnd_bytes, MSS);
    let stage = curve.stage.as_mut().expect("just begun");
    // One byte after the other: each is worth far less than a byte of growth.
    let bytes = 500_000;
    (0..bytes).for_each(|_| stage.grow_w_est(2 * cwnd_bytes, cwnd_bytes, 1, MSS));
    let reference = 9.0 / 17.0 * f64::from(MSS) * f64::from(bytes) / f64::from(cwnd_bytes);
    let grown = f64::from(stage.w_est_bytes - cwnd_bytes);
    assert!((grown - reference).abs() <= 1.0, "{grown} {reference}");
}

#[test]
fn alpha_is_one_from_the_prior_window_on() {
    let cwnd_bytes = 100 * MSS;
    let mut curve = Curve::without_loss(101 * MSS);
    curve.begin(Instant::ZERO, cwnd_bytes, MSS);
    let stage = curve.stage.as_mut().expect("just begun");
    stage.grow_w_est(101 * MSS, cwnd_bytes, cwnd_bytes, MSS);
    assert_eq!(stage.w_est_bytes, cwnd_bytes + MSS * 9 / 17);
    stage.w_est_bytes = 101 * MSS;
    stage.w_est_counted = 0;
    stage.grow_w_est(101 * MSS, cwnd_bytes, cwnd_bytes, MSS);
    assert_eq!(stage.w_est_bytes, 102 * MSS);
}
