//! ARCHITECTURE.md shows the failure table; this keeps it equal to the code's.

use shared::verdict::FAILURES;

#[test]
fn architecture_shows_the_codes_failure_table() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../ARCHITECTURE.md")).unwrap();
    let shown: Vec<&str> = page
        .lines()
        .skip_while(|line| *line != "## Failure table")
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let expected: Vec<String> = FAILURES
        .iter()
        .map(|row| format!("| {} | {:?} | {:?} | {} |", row.code, row.line, row.lamp, row.remedy))
        .collect();
    assert_eq!(shown, expected);
}
