//! Where a gate is, and which calls are permitted there: the contract of [`RejectOutput`](super::roles::RejectOutput), once for all gates.
//!
//! Takes a call; gives where the gate is after it, or says that it was misused. It moves nothing: whoever drives the output goes there
//! first, and takes the new position when that has succeeded.

use shared::line::Cause;
use shared::units::PartId;

use super::roles::HwFault;

/// What a gate is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Position {
    /// Diverting, and not under control.
    #[default]
    Safe,
    /// Letting parts pass.
    Closed,
    /// Diverting for a part.
    Open(PartId),
}

impl Position {
    /// After taking control.
    pub(super) fn taken(self) -> Result<Self, HwFault> {
        if self == Self::Safe { Ok(Self::Closed) } else { Err(self.misused("take_control")) }
    }

    /// After opening for a part.
    pub(super) fn opened(self, part: PartId, cause: Cause) -> Result<Self, HwFault> {
        if self == Self::Closed { Ok(Self::Open(part)) } else { Err(self.misused(&of_part("open", part, cause))) }
    }

    /// After staying open for a further part.
    pub(super) fn extended(self, part: PartId, cause: Cause) -> Result<Self, HwFault> {
        match self {
            Self::Open(_) => Ok(Self::Open(part)),
            _ => Err(self.misused(&of_part("extend", part, cause))),
        }
    }

    /// After closing.
    pub(super) fn closed(self) -> Result<Self, HwFault> {
        match self {
            Self::Open(_) => Ok(Self::Closed),
            _ => Err(self.misused("close")),
        }
    }

    fn misused(self, call: &str) -> HwFault {
        HwFault::Misuse { evidence: format!("{call} while the gate is {self:?}") }
    }
}

fn of_part(call: &str, part: PartId, cause: Cause) -> String {
    format!("{call} for part {} ({cause:?})", part.0)
}

#[cfg(test)]
mod tests {
    use shared::verdict::Reason;

    use super::*;

    const WHY: Cause = Cause::Uninspected(Reason::NoFrame);

    #[test]
    fn each_call_is_permitted_where_it_means_something() {
        let (one, two) = (PartId(1), PartId(2));
        let all = [Position::Safe, Position::Closed, Position::Open(one)];
        let goes = |call: fn(Position) -> Result<Position, HwFault>| all.map(|from| call(from).ok());
        assert_eq!(goes(Position::taken), [Some(Position::Closed), None, None]);
        assert_eq!(goes(|from| from.opened(PartId(2), WHY)), [None, Some(Position::Open(two)), None]);
        assert_eq!(goes(|from| from.extended(PartId(2), WHY)), [None, None, Some(Position::Open(two))]);
        assert_eq!(goes(Position::closed), [None, None, Some(Position::Closed)]);
        let said = Position::Safe.opened(two, WHY).unwrap_err().to_string();
        assert!(said.contains("open for part 2") && said.contains("Safe"), "{said}");
    }
}
