//! What the plant's process serves: addresses, metrics, registers and topics, each from what serves it.
//!
//! Takes the tables of the code, what its handlers say of themselves, and the metrics of a line on which everything is there; gives pages.

use std::fmt::Write as _;

use edge_plant::line::Line;
use edge_plant::log::Chain;
use edge_plant::modbus::map;
use edge_plant::mqtt::{payload, topics};
use edge_plant::web::metrics::page;
use edge_plant::web::routes::{Needs, ROUTES};
use edge_plant::wire::{Alarm, Greeting, Readings, Standing, ToPlant};
use shared::units::{Micros, Score};
use syn::{Expr, Item};

use super::Page;
use super::source::Source;

/// Every address.
pub fn routes() -> Page {
    let source = Source::read(&["edge-runtime/plant/src/web"]);
    let handlers = handlers(source.items("routes"));
    assert_eq!(handlers.len(), ROUTES.len(), "a handler for each address");
    let mut text = "# Reference: addresses\n\nWhat `edge-plant` answers over HTTP, and nothing else. *Who may look* is everybody, or whoever is signed in where `look = \
                    \"operator\"`. A role may do what those before it may: operator, engineer, admin. While no admin has a password, only this machine is \
                    served, and whoever is there is an operator.\n\n| method | address | for | answers |\n|---|---|---|---|\n"
        .to_owned();
    for (route, (module, function)) in ROUTES.iter().zip(handlers) {
        let said = source.about_function(&module, &function);
        let about = said.strip_prefix(&format!("`{} {}`", route.method, route.path)).unwrap_or_else(|| {
            panic!("{module}::{function} must begin its documentation with `{} {}`: {said}", route.method, route.path)
        });
        let about = about.trim_start_matches([':', '.']).trim();
        assert!(!about.is_empty(), "{module}::{function} does not say what it answers");
        let needs = match route.needs {
            Needs::Nothing => "everybody".to_owned(),
            Needs::Look => "who may look".to_owned(),
            Needs::Figures => "who may look, or has the token for figures".to_owned(),
            Needs::Role(role) | Needs::Upload(role) => role.name().to_owned(),
        };
        let _ = writeln!(text, "| {} | `{}` | {needs} | {about} |", route.method, route.path);
    }
    Page { name: "addresses.md", text }
}

/// Module and function of the handlers, in the order of the table.
fn handlers(items: &[Item]) -> Vec<(String, String)> {
    let table = items.iter().find_map(|item| match item {
        Item::Static(it) if it.ident == "ROUTES" => Some(&*it.expr),
        _ => None,
    });
    let Some(Expr::Array(rows)) = table else { panic!("no table of addresses") };
    let handler = |row: &Expr| {
        let Expr::Call(row) = row else { return None };
        let Expr::Closure(answer) = row.args.last()? else { return None };
        let mut call = &*answer.body;
        // What is said of a row besides, such as its limit, is a method of the call.
        while let Expr::MethodCall(outer) = call {
            call = &outer.receiver;
        }
        let Expr::Call(call) = call else { return None };
        let Expr::Path(path) = call.args.first()? else { return None };
        let names: Vec<_> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let [module, function] = <[String; 2]>::try_from(names).ok()?;
        Some((module, function))
    };
    rows.elems.iter().map(|row| handler(row).expect("method, address, who, and a handler")).collect()
}

/// A metric as it is told.
pub struct Family {
    pub name: String,
    pub kind: String,
    about: String,
    labels: Vec<String>,
}

/// All that can be told, from a station that says all that it can.
pub fn families() -> Vec<Family> {
    let told = page(&full_line(), Some(&Chain::default()), 0);
    let mut families: Vec<Family> = Vec::new();
    for line in told.lines() {
        if let Some(head) = line.strip_prefix("# HELP ") {
            let (name, about) = head.split_once(' ').unwrap();
            let (name, about) = (name.to_owned(), about.to_owned());
            families.push(Family { name, about, kind: String::new(), labels: Vec::new() });
        } else if let Some(head) = line.strip_prefix("# TYPE ") {
            families.last_mut().unwrap().kind = head.split_once(' ').unwrap().1.to_owned();
        } else if let Some((_, labels)) = line.split_once('{') {
            let family = families.last_mut().unwrap();
            let names = labels.split("=\"").filter_map(|piece| piece.rsplit(['{', ',', '"']).next());
            for name in names.filter(|name| name.chars().all(|c| c.is_ascii_lowercase()) && *name != "le") {
                if !name.is_empty()
                    && labels.contains(&format!("{name}=\""))
                    && !family.labels.iter().any(|it| it == name)
                {
                    family.labels.push(name.to_owned());
                }
            }
        }
    }
    families
}

fn full_line() -> Line {
    let mut line = Line::default();
    line.hear(&ToPlant::Greeting(Greeting {
        software: "0".to_owned(),
        station: "station".to_owned(),
        product: "product".to_owned(),
        bundle_sha256: [0; 32],
        threshold: Score::default(),
        run: 1,
        simulation: false,
        store: String::new(),
        started_us: 0,
        clock_at_start: Micros(0),
    }));
    let readings = Readings {
        hottest_millicelsius: Some(50_000),
        throttled: Some(false),
        free_bytes: Some(1),
        ..Readings::default()
    };
    let alarm = Alarm {
        code: "BIN_FULL".to_owned(),
        remedy: String::new(),
        stops: true,
        present: true,
        latched: false,
        since_us: 0,
    };
    let standing = Standing { readings, speed_um_s: Some(300_000), alarms: vec![alarm], ..Standing::default() };
    line.hear(&ToPlant::Standing(Box::new(standing)));
    line
}

/// Every metric.
pub fn metrics() -> Page {
    let mut text = "# Reference: metrics\n\nWhat `/metrics` says, in the text format of Prometheus. Figures are those of the station's run and begin anew with it. While no \
                    station is connected there are none of it but `draem_up`. A histogram `x` is told as `x_bucket`, `x_sum` and `x_count`. What the board does not \
                    tell, such as its temperature, is left out.\n\n| metric | kind | labels | says |\n|---|---|---|---|\n"
        .to_owned();
    let families = families();
    for Family { name, kind, about, labels } in &families {
        let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "| `{name}` | {kind} | {labels} | {about} |");
    }
    let source = super::read("edge-runtime/plant/src/web/metrics.rs");
    let told = source.split("#[cfg(test)]").next().unwrap().split("\"draem_").skip(1);
    for name in
        told.map(|rest| format!("draem_{}", rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next().unwrap()))
    {
        assert!(families.iter().any(|family| family.name == name), "{name} is told of no line that this test knows");
    }
    Page { name: "metrics.md", text }
}

/// The map of registers.
pub fn modbus() -> Page {
    let text = format!(
        "# Reference: Modbus registers\n\nAny unit number is answered; functions are 1 to 6, 15 and 16. Registers of 32 bits have the higher half first; addresses count from \
         0. How the handshake goes: [For the plant](../plant.md).\n\n{}",
        map::tables()
    );
    Page { name: "modbus.md", text }
}

/// The topics.
pub fn mqtt() -> Page {
    let text = format!(
        "# Reference: MQTT topics\n\nAll topics lie below `PREFIX/STATION/`, as the configuration has them. *Kept*: the broker keeps the newest message for whoever comes \
         later. Quality 1 is sent until the broker has acknowledged it.\n\n{}\nAll but `online` are JSON. A key may be `null` where there is nothing to say.\n\n{}",
        topics::table(),
        payload::table()
    );
    Page { name: "mqtt.md", text }
}
