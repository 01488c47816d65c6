//! Frames that a driver counted and did not deliver.

/// Frames skipped between two sequence numbers. A number that stands still or runs backwards, as drivers give that do not
/// count or that have started anew, skips none.
pub(crate) fn missed(last: Option<u32>, now: u32) -> u32 {
    let Some(last) = last else { return 0 };
    let step = now.wrapping_sub(last);
    if step == 0 || step > u32::MAX / 2 { 0 } else { step - 1 }
}

#[cfg(test)]
mod tests {
    use super::missed;

    #[test]
    fn gaps_are_counted_and_nothing_else() {
        for (last, now, skipped) in [
            (None, 7, 0),
            (Some(7), 8, 0),
            (Some(7), 10, 2),
            (Some(u32::MAX), 0, 0),
            (Some(u32::MAX - 1), 1, 2),
            (Some(7), 7, 0),
            (Some(7), 0, 0),
        ] {
            assert_eq!(missed(last, now), skipped, "{last:?} then {now}");
        }
    }
}
