//! What Grafana and Prometheus are given asks for metrics that are served, and for no others.
//!
//! Takes the files of `edge-runtime/plant/package/prometheus`; evaluates nothing: `tests/plant/prometheus.sh` does, where promtool is there.

use super::plant::{Family, families};

const DASHBOARD: &str = "edge-runtime/plant/package/prometheus/grafana-dashboard.json";
const RULES: &str = "edge-runtime/plant/package/prometheus/draem-rules.yml";

/// The names of metrics in an expression.
fn asked(expression: &str) -> impl Iterator<Item = &str> {
    let word = |c: char| !c.is_ascii_lowercase() && c != '_';
    expression.split(word).filter(|name| name.starts_with("draem_"))
}

/// Whether it is served: a family, or one of the three that a histogram is told as, of which nobody may take the family itself.
fn served(families: &[Family], name: &str) -> bool {
    families.iter().any(|family| match family.kind.as_str() {
        "histogram" => ["_bucket", "_sum", "_count"].iter().any(|end| name.strip_suffix(end) == Some(&family.name)),
        _ => name == family.name,
    })
}

/// Every text of a key, however deep.
fn texts(value: &serde_json::Value, key: &str, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            found.extend(map.get(key).and_then(|text| text.as_str()).map(str::to_owned));
            map.values().for_each(|inner| texts(inner, key, found));
        }
        serde_json::Value::Array(all) => all.iter().for_each(|inner| texts(inner, key, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_asks_for_what_is_served_and_leaves_nothing_out() {
    let families = families();
    let dashboard: serde_json::Value = serde_json::from_str(&super::read(DASHBOARD)).unwrap();
    let mut expressions = Vec::new();
    ["expr", "query", "definition"].iter().for_each(|key| texts(&dashboard, key, &mut expressions));
    assert!(expressions.len() > families.len(), "{expressions:?}");
    let strange: Vec<_> =
        expressions.iter().flat_map(|expr| asked(expr)).filter(|name| !served(&families, name)).collect();
    assert!(strange.is_empty(), "nobody serves {strange:?}");
    for Family { name, .. } in &families {
        assert!(
            expressions.iter().any(|expr| asked(expr).any(|it| it.starts_with(name.as_str()))),
            "no panel shows {name}"
        );
    }
}

#[test]
fn the_rules_ask_for_what_is_served() {
    let (families, rules) = (families(), super::read(RULES));
    // Names of alerts and the job's are no metrics.
    let expressions = rules.replace("job=\"draem\"", "");
    let names: Vec<_> = asked(&expressions).collect();
    let strange: Vec<_> = names.iter().filter(|name| !served(&families, name)).collect();
    assert!(names.len() > 10 && strange.is_empty(), "nobody serves {strange:?}, of {names:?}");
}
