//! From folders of photographs to pictures and masks at the model's size.

pub mod dataset;
pub mod fixture;
pub mod foreground;
pub mod grain;
pub mod groups;
pub mod load;
pub mod picture;
pub mod prepared;
pub mod split;
pub mod survey;

pub use dataset::{Dataset, DatasetError, TestFile};
pub use foreground::foreground;
pub use grain::grain;
pub use groups::{GroupError, Grouping};
pub use load::{LoadError, Loader, Skipped};
pub use picture::{Mask, Picture};
pub use prepared::{Named, PrepareError, Prepared, TestPicture, Use};
pub use split::{SplitError, hold_out};
pub use survey::{Scene, Survey};
