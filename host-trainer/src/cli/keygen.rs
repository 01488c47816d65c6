//! `keygen`: a key pair for signing bundles.

use std::path::PathBuf;

use crate::export::keys::{self, KeyPlaces};
use crate::export::whole_file::Existing;

use super::Exit;

/// Make a key pair: the secret half signs bundles, the public half goes onto the stations.
///
/// Example: host-trainer keygen --out line3.key
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Secret key file; the public half goes beside it with the ending .pub. Default: the user's configuration folder.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace keys that are there. Bundles signed by the old one are then no longer trusted.
    #[arg(long)]
    replace: bool,
}

/// Makes the keys and prints where they are.
///
/// # Errors
/// When a key exists or cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let places = match &args.out {
        Some(secret) => KeyPlaces { secret: secret.clone(), public: secret.with_extension("pub") },
        None => KeyPlaces::standard("signing")?,
    };
    anyhow::ensure!(
        places.secret != places.public,
        "--out {}: the ending .pub is the public half's",
        places.secret.display()
    );
    let existing = if args.replace { Existing::Replace } else { Existing::Keep };
    let key = keys::generate(&places, existing)?;
    println!("key     {}", shared::bundle::KeyId::of(&key.verifying_key()));
    println!("secret  {}", places.secret.display());
    println!("public  {}", places.public.display());
    Ok(Exit::Done)
}
