//! The commands, one file each: its arguments and its `run`. Standard output is data, standard error is talk.

pub mod bench;
pub mod bundles;
pub mod check_config;
pub mod commands;
pub mod doctor;
pub mod exit;
pub mod export;
pub mod inspect;
pub mod install_bundle;
pub mod judging;
pub mod model_option;
pub mod period;
pub mod pictures;
pub mod probe;
pub mod records;
pub mod render;
pub mod replay;
pub mod rollback;
pub mod run;
pub mod sentence;
pub mod simulate;
pub mod test_gate;
pub mod verify_bundle;
