//! Options that several commands share, and the parsing of their values.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use ed25519_dalek::{SigningKey, VerifyingKey};
use shared::key_text;
use shared::preprocess::Crop;

use crate::export::keys::{self, KeyPlaces, Origin};

/// Which key signs.
#[derive(Debug, clap::Args)]
pub struct KeyOption {
    /// Signing key made by `keygen`. Default: the one in the user's configuration folder, made on first use.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

impl KeyOption {
    /// The key, made if it is the default one and absent.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn signing_key(&self) -> anyhow::Result<SigningKey> {
        if let Some(path) = &self.key {
            return Ok(keys::load(path)?);
        }
        let places = KeyPlaces::standard("signing")?;
        let (key, origin) = keys::load_or_create(&places)?;
        if let Origin::Created = origin {
            eprintln!(
                "made a signing key: {}\nkeep it to yourself; copy {} to /etc/draem-edge/trusted/ on each station",
                places.secret.display(),
                places.public.display()
            );
        }
        Ok(key)
    }
}

/// Whose signature a bundle must have.
#[derive(Debug, clap::Args)]
pub struct TrustOption {
    /// Public key that the bundle must be signed with. Default: the user's own.
    #[arg(long, value_name = "FILE.pub")]
    pub trust: Option<PathBuf>,
}

impl TrustOption {
    /// The key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn public_key(&self) -> anyhow::Result<VerifyingKey> {
        let path = match &self.trust {
            Some(path) => path.clone(),
            None => KeyPlaces::standard("signing")?.public,
        };
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{}: name the public key of the signer with --trust", path.display()))?;
        key_text::parse(&text).with_context(|| path.display().to_string())
    }
}

/// `--size`: one number for a square, or width x height.
pub fn parse_size(text: &str) -> Result<(usize, usize), String> {
    let (width, height) = text.split_once('x').unwrap_or((text, text));
    match (width.parse(), height.parse()) {
        (Ok(width), Ok(height)) => Ok((width, height)),
        _ => Err("expected pixels as 256, or as 320x256".into()),
    }
}

/// `--rotation`: degrees.
pub fn parse_degrees(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(degrees) if (0.0..=180.0).contains(&degrees) => Ok(degrees),
        _ => Err("expected degrees from 0 to 180".into()),
    }
}

/// `--crop`: x,y,width,height in pixels of the camera's frame.
pub fn parse_crop(text: &str) -> Result<Crop, String> {
    let numbers: Result<Vec<u16>, _> = text.split(',').map(|number| number.trim().parse()).collect();
    match numbers.as_deref() {
        Ok(&[x, y, width, height]) => Ok(Crop { x, y, width, height }),
        _ => Err("expected x,y,width,height in pixels, such as 40,0,240,240".into()),
    }
}

/// `--false-reject`: a share, not a percentage.
pub fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("expected a share between 0 and 1, such as 0.02 for two parts in a hundred".into()),
    }
}

/// Refuses an output file before hours of work if its folder is not there.
///
/// # Errors
/// When the folder does not exist.
pub fn check_folder_of(file: &Path) -> anyhow::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!("{}: its folder {} does not exist", file.display(), folder.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_crops_and_shares() {
        assert_eq!(parse_size("128"), Ok((128, 128)));
        assert_eq!(parse_size("320x256"), Ok((320, 256)));
        assert_eq!(parse_crop("1, 2,30,40"), Ok(Crop { x: 1, y: 2, width: 30, height: 40 }));
        assert_eq!(parse_share("0.02"), Ok(0.02));
        assert!(parse_size("12o").is_err() && parse_crop("1,2,3").is_err());
        assert_eq!(parse_degrees("90"), Ok(90.0));
        assert!(["-1", "181", "nan", "inf"].iter().all(|text| parse_degrees(text).is_err()));
        assert!(["0", "1", "5", "-0.1", "nan"].iter().all(|text| parse_share(text).is_err()));
    }
}
