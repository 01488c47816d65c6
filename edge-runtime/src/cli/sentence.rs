//! An error with its causes, as one sentence for people.

/// The error and its causes; a cause that the error already tells is not told twice.
#[must_use]
pub fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        _ if told.contains(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;
    use crate::bundle::TrustedKeys;

    #[test]
    fn what_the_system_said_is_told_once() {
        let missing = TrustedKeys::load(&["missing.pub".into()]).map_err(anyhow::Error::from);
        let said = sentence(&missing.context("no keys").unwrap_err());
        assert!(said.starts_with("no keys: cannot read trusted key missing.pub: "), "{said}");
        assert_eq!(said.matches("os error 2").count(), 1, "{said}");
    }
}
