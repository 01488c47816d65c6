//! Why a part was rejected, what stops the line, and what to do about it: two pages, and a chart for the wall.
//!
//! Takes the two tables of the code and their German; gives Markdown, and one page of HTML for a sheet of A4.

use std::fmt::Write as _;

use edge_plant::words::{Language, remedy};
use edge_runtime::health::alarms::ALARMS;
use shared::verdict::{FAILURES, Lamp, LineAction};

use super::Page;

const fn line(action: LineAction) -> [&'static str; 2] {
    match action {
        LineAction::Continue => ["runs on", "läuft weiter"],
        LineAction::Warn => ["runs on, warns", "läuft weiter, warnt"],
        LineAction::Stop => ["stops", "hält an"],
    }
}

const fn lamp(lamp: Lamp) -> [&'static str; 2] {
    match lamp {
        Lamp::Green => ["green", "grün"],
        Lamp::Amber => ["amber", "gelb"],
        Lamp::Red => ["red", "rot"],
    }
}

/// The failure table.
pub fn failures() -> Page {
    let mut text = "# Reference: why a part was rejected\n\nEvery row rejects its part. A part that was judged bad has no row: its code is `BAD`. The number is what \
                    Modbus has in *Reason*.\n\n| number | code | line | lamp | what to do |\n|---|---|---|---|---|\n"
        .to_owned();
    for (at, row) in FAILURES.iter().enumerate() {
        let ([line, _], [lamp, _]) = (line(row.line), lamp(row.lamp));
        let _ = writeln!(text, "| {} | `{}` | {line} | {lamp} | {} |", at + 1, row.code, row.remedy);
    }
    Page { name: "failures.md", text }
}

/// The alarms.
pub fn alarms() -> Page {
    let mut text = "# Reference: alarms of the station\n\nAlarms are of the station, not of a part; a row of [the failure table](failures.md) that stops the \
                    line raises an alarm of its own code besides. An alarm that stays has to be acknowledged, by the reset button or from the page, once its \
                    cause has gone; the others end with their cause.\n\n| code | line | lamp | stays | what to do |\n|---|---|---|---|---|\n"
        .to_owned();
    for row in ALARMS {
        let ([line, _], [lamp, _]) = (line(row.line), lamp(row.lamp));
        let stays = if row.latched { "yes" } else { "no" };
        let _ = writeln!(text, "| `{}` | {line} | {lamp} | {stays} | {} |", row.code, row.remedy);
    }
    Page { name: "alarms.md", text }
}

/// The chart for the wall.
pub fn chart() -> Page {
    let style = read_style();
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>draem-edge: reason codes</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n<h1>draem-edge <small>reason codes · <span lang=\"de\">Codes und ihre Gründe</span></small></h1>\n"
    );
    let parts = FAILURES.iter().map(|row| (row.code, row.line, row.lamp, row.remedy));
    let bad = [("BAD", LineAction::Continue, Lamp::Green, BAD[0])];
    table(&mut text, ["The part was rejected", "Das Teil wurde ausgeschleust"], bad.into_iter().chain(parts));
    let alarms = ALARMS.iter().map(|row| (row.code, row.line, row.lamp, row.remedy));
    table(&mut text, ["Alarm of the station", "Alarm der Station"], alarms);
    text += "<p>A lamp or horn at the line is on while an alarm stops it, and before the start. Not a safety function. <span lang=\"de\">Lampe oder \
             Hupe an der Linie: an, solange ein Alarm sie anhält, und vor dem Start. Keine Sicherheitsfunktion.</span></p>\n</main>\n</body>\n</html>\n";
    Page { name: "wall-chart.html", text }
}

/// Of a part that was judged: it has no row in the code's table, since nothing has failed.
const BAD: [&str; 2] =
    ["judged bad: look at its picture and heatmap", "als schlecht beurteilt: Bild und Wärmekarte ansehen"];

fn table<'a>(
    text: &mut String,
    [english, german]: [&str; 2],
    rows: impl Iterator<Item = (&'a str, LineAction, Lamp, &'a str)>,
) {
    let _ = writeln!(
        text,
        "<table>\n<caption>{english} · <span lang=\"de\">{german}</span></caption>\n<thead><tr><th>code</th><th>line · <span \
         lang=\"de\">Linie</span></th><th>what to do</th><th lang=\"de\">was zu tun ist</th></tr></thead>\n<tbody>"
    );
    for (code, action, colour, english) in rows {
        let in_german = if code == "BAD" { BAD[1] } else { remedy(Language::German, code, english) };
        assert_ne!(in_german, english, "{code} has no German");
        let ([line, linie], [lamp, _]) = (line(action), lamp(colour));
        let _ = writeln!(
            text,
            "<tr class=\"{lamp}\"><th scope=\"row\">{code}</th><td>{line}<br><span lang=\"de\">{linie}</span></td><td>{}</td><td lang=\"de\">{}</td></tr>",
            escaped(english),
            escaped(in_german)
        );
    }
    *text += "</tbody>\n</table>\n";
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn read_style() -> String {
    super::read("docs/manual/wall-chart.css")
}
