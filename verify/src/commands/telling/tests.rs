use super::*;

fn told(
    act: impl FnOnce(Telling<&mut Vec<u8>, &mut Vec<u8>>) -> io::Result<ExitCode>,
) -> (String, String, ExitCode) {
    let (mut out, mut progress) = (Vec::new(), Vec::new());
    let code = act(Telling::new("seeds", 12_000, &mut out, &mut progress)).expect("vectors take everything");
    let [out, progress] = [out, progress].map(|text| String::from_utf8(text).expect("text"));
    (out, progress, code)
}

#[test]
fn a_run_without_failures_is_a_line_and_a_success() {
    let (out, progress, code) = told(|telling| telling.over(12_000, ", 7 virtual hours"));
    assert!(
        out.starts_with("12,000 seeds in 0.0 s: ") && out.ends_with(", 7 virtual hours, no failures\n"),
        "{out}"
    );
    assert_eq!((progress.as_str(), code), ("", ExitCode::SUCCESS));
}

#[test]
fn fifty_failures_are_told_and_the_others_counted() {
    let (out, progress, code) = told(|mut telling| {
        for seed in 0..1_060 {
            telling.failed(|| format!("seed {seed}: bad"))?;
        }
        telling.goes_on(2_000, Some("seed 7".to_owned()));
        telling.over(12_000, "")
    });
    assert_eq!(out.lines().count(), 52);
    assert!(out.contains("seed 49: bad\nand 1,010 failures more\n12,000 seeds"), "{out}");
    assert!(
        progress.starts_with("2,000 of 12,000 seeds, ")
            && progress.ends_with(", 1,060 failures; seed 7 takes long\n")
    );
    assert_eq!(code, ExitCode::FAILURE);
}

#[test]
fn a_line_is_a_line() {
    assert_eq!(one_line("first\nsecond"), "first");
    assert_eq!(one_line(&"ä".repeat(500)).chars().count(), 203);
    assert_eq!(["7", "999", "1,000", "1,234,567"], [7, 999, 1_000, 1_234_567].map(grouped));
}
