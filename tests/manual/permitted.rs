//! What a key may be, asked of the code that checks it: a value that nothing permits is put in its place, and the error says what is permitted.
//!
//! Takes configurations that are right but for that; gives the range or the words, or nothing where any value passes.

use edge_plant::mqtt::settings::SettingsError;
use edge_runtime::config::{Config, ConfigError};
use std::path::Path;
use toml::{Table, Value};

use super::source::Kind;

/// Configurations to try keys in: one for each kind of belt, display and hardware, and one where a number that others depend on is another.
pub fn stations() -> Vec<Table> {
    let board = super::read("edge-runtime/config/board.example.toml");
    let sim = super::read("edge-runtime/config/sim.toml");
    let exchanged = |text: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from} is not in the shipped file");
        text.replace(from, to)
    };
    let confirm = exchanged(&board, "# confirm = ", "confirm = ");
    let steady = exchanged(&board, "encoder_step_um = 500", "steady_speed_mm_s = 300.0");
    let steady = exchanged(&exchanged(&steady, "encoder = \"GPIO27\"", ""), "encoder_b = \"GPIO22\"", "");
    let kinds = [
        "kind = \"ssd1306\"\ndevice = \"/dev/i2c-1\"",
        "kind = \"st7789\"\ndevice = \"/dev/spidev0.0\"\ndc = \"GPIO4\"",
        "kind = \"framebuffer\"",
    ];
    let mut all = vec![confirm, steady, exchanged(&sim, "mean_ms = 140.0", "mean_ms = 141.0")];
    all.extend(kinds.map(|kind| format!("{board}\n[display]\n{kind}\n")));
    all.push(format!("{sim}\n[sim.light]\nfrom_part = 1\nfactor = 1.0\n"));
    let recipes = exchanged(&sim, "\n[line]\n", "\n[recipes]\ndir = \"recipes\"\n\n[line]\n");
    all.push(format!(
        "{recipes}\n[sim.select]\nlines = 14\n[[sim.select.press]]\nat_ms = 1.0\ncode = 1\nheld_ms = 1.0\n"
    ));
    all.push(sim);
    let parsed: Vec<Table> = all.iter().map(|text| toml::from_str(text).unwrap()).collect();
    for base in &parsed {
        let text = toml::to_string(base).unwrap();
        Config::parse(&text, "station.toml", Path::new("base")).unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
    parsed
}

/// Of the station's file. `path` is the key with its sections.
pub fn of_station(bases: &[Table], path: &str, kind: &Kind) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    let mut depends = None;
    for base in bases {
        for wrong in wrong(kind) {
            let Some(text) = with(base, path, wrong) else { continue };
            let said = match Config::parse(&text, "station.toml", Path::new("base")) {
                Err(ConfigError::Range { key, least, most, .. }) if key == path => {
                    depends = Some(format!("{least} to what another key allows"));
                    format!("{least} to {most}")
                }
                Err(ConfigError::Value { key, expected, .. }) if key == path => {
                    match expected.strip_prefix("permitted are ") {
                        Some(words) => quoted(words),
                        None => continue,
                    }
                }
                _ => continue,
            };
            if !found.contains(&said) {
                found.push(said);
            }
            break;
        }
    }
    if found.len() > 1 { depends } else { found.pop() }
}

/// Of the plant's file.
pub fn of_plant(path: &str, kind: &Kind) -> Option<String> {
    let base = format!(
        "{}\n[mqtt]\nhost = \"broker\"\nstation = \"north\"\nstate_dir = \"state\"\n",
        super::read("edge-runtime/plant/config/plant.example.toml")
    );
    let base: Table = toml::from_str(&base).unwrap();
    wrong(kind).into_iter().find_map(|wrong| {
        let text = with(&base, path, wrong)?;
        match edge_plant::config::Config::parse(&text, "plant.toml", Path::new("base")) {
            Err(edge_plant::config::ConfigError::Mqtt {
                source: SettingsError::Value { key, expected, .. }, ..
            }) if path == format!("mqtt.{key}") => expected.strip_suffix(" can be used").map(str::to_owned),
            _ => None,
        }
    })
}

/// Values that a check refuses if it refuses anything: of whole numbers the greatest of each size, since a greater one is none at all.
fn wrong(kind: &Kind) -> Vec<Value> {
    match kind {
        Kind::Number => vec![Value::Float(f64::NAN)],
        Kind::Whole => [i64::MAX, u32::MAX.into(), u16::MAX.into(), u8::MAX.into(), 0].map(Value::Integer).to_vec(),
        Kind::Text => vec![Value::String("?".to_owned())],
        _ => Vec::new(),
    }
}

/// The configuration with one value exchanged; nothing where it does not have the key's section.
fn with(base: &Table, path: &str, value: Value) -> Option<String> {
    let mut whole = base.clone();
    let mut names: Vec<&str> = path.split('.').collect();
    let last = names.pop()?;
    let mut section = &mut whole;
    for name in names {
        section = match section.entry(name).or_insert_with(|| Value::Table(Table::new())) {
            Value::Array(several) => several.first_mut()?.as_table_mut()?,
            one => one.as_table_mut()?,
        };
    }
    section.insert(last.to_owned(), value);
    toml::to_string(&whole).ok()
}

/// `"a" and "b"` as code.
fn quoted(words: &str) -> String {
    let mut inside = false;
    words
        .chars()
        .map(|c| {
            inside ^= c == '"';
            match (c, inside) {
                ('"', true) => "`\"".to_owned(),
                ('"', false) => "\"`".to_owned(),
                (other, _) => other.to_string(),
            }
        })
        .collect()
}
